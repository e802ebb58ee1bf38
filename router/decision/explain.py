"""Why this mix, exactly: a reason is the difference of two table entries, not an approximation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from router.decision.candidates import NONE, Candidates, Numbers
from router.decision.decide import Decider
from router.decision.decision import NO_MIX, Decision
from router.decision.schema import Rows
from router.decision.tables import Floats

REASONS = 3
# Outcome points; a field that adds less than this adds nothing, and is no reason.
_ROUNDING = 1e-9


class Contribution(NamedTuple):
    """What one field adds to the mix against another, in outcome points.

    It is relative to the average case.
    """

    column: int
    slot: int
    points: float


class Change(NamedTuple):
    """A change of one field, within the person's reach, and the mix that follows."""

    column: int
    slot_now: int
    slot_then: int
    mix: int


class Explanation(NamedTuple):
    """Why a mix.

    Attributes:
        other: the mix compared with; None if no other is permitted.
        reasons: the weightiest contributions, weightiest first.
        change: the smallest change of a field after which the mix is another.
    """

    other: int | None
    reasons: list[Contribution]
    change: Change | None


@dataclass(frozen=True, kw_only=True)
class Explainer:
    """Explains decisions of one decider."""

    decider: Decider

    @cached_property
    def _candidates(self) -> Candidates:
        return Candidates(self.decider)

    @cached_property
    def _centred(self) -> Floats:
        """Contribution of each place less its feature's or pair's average; (mixes, places)."""
        tables = self.decider.tables
        return np.ascontiguousarray(
            (tables.mean - np.repeat(tables.average, tables.sizes, axis=0)).T
        )

    @cached_property
    def _sides(self) -> list[tuple[int, int]]:
        """Of each pair, its two features' numbers among the model features."""
        columns = self.decider.tables.columns.tolist()
        return [
            (columns.index(pair.first), columns.index(pair.second))
            for pair in self.decider.tables.pairs
        ]

    def explain(self, rows: Rows, decisions: Sequence[Decision]) -> list[Explanation]:
        """Explains decisions.

        Args:
            rows: slots, shape (n, features).
            decisions: those of the rows; each has a mix.
        """
        menu = self._menu
        costs: list[list[float]] = self.decider.costs(rows).tolist()

        utility = [
            [e - c for e, c in zip(d.expected, cost, strict=True)]
            for d, cost in zip(decisions, costs, strict=True)
        ]
        others, best = [], []
        for one, decision in zip(utility, decisions, strict=True):
            permitted = [n for n in menu if n >= decision.first_permitted]
            rest = [n for n in permitted if n != decision.mix]
            # What must be explained is why more of an adviser's time is worth it: a
            # lighter mix is compared with, and a heavier one only where there is none.
            cheaper = [n for n in rest if n < decision.mix]
            others.append(max(cheaper or rest, key=one.__getitem__, default=NO_MIX))
            # Not always the mix advised, which safeguards and doubts may have lifted.
            best.append(max(permitted, key=one.__getitem__))

        reasons = self._reasons(rows, np.array([d.mix for d in decisions]), np.array(others))
        changes = self._changes(rows, np.array(utility), np.array(best), decisions)
        return [
            Explanation(None, [], change) if other == NO_MIX else Explanation(other, why, change)
            for other, why, change in zip(others, reasons, changes, strict=True)
        ]

    @cached_property
    def _menu(self) -> list[int]:
        """Numbers of the mixes that the policy offers."""
        offered: list[int] = np.flatnonzero(self.decider.menu).tolist()
        return offered

    def contributions(self, rows: Rows, mix: Numbers, other: Numbers) -> Floats:
        """Tells what each model feature adds to `mix` against `other`, above the average case.

        The average case has each feature's mean contribution over the training cases, so that the
        contributions add up to the row's contrast minus the average contrast. What a pair adds is
        shared evenly by its two features, as Shapley's value shares it.

        Args:
            rows: slots, shape (n, features).
            mix: numbers of mixes, shape (n,).
            other: numbers of the mixes compared with, shape (n,).

        Returns:
            Outcome points, shape (n, model features), in the order of `tables.columns`.
        """
        tables = self.decider.tables
        places = tables.places(rows)
        all_parts: Floats = (
            self._centred[mix[:, None], places] - self._centred[other[:, None], places]
        )
        found = all_parts[:, : len(tables.columns)]
        for number, sides in enumerate(self._sides, len(tables.columns)):
            for side in sides:
                found[:, side] += all_parts[:, number] / 2
        return found

    def _reasons(self, rows: Rows, mix: Numbers, other: Numbers) -> list[list[Contribution]]:
        """Gives the three weightiest contributions; of equal ones the contract's first."""
        points = self.contributions(rows, mix, other)
        order = np.argsort(-np.abs(points), axis=1, kind="stable")[:, :REASONS]
        columns = self.decider.tables.columns[order]
        each = np.arange(len(rows))[:, None]

        parts = zip(
            columns.tolist(),
            rows[each, columns].tolist(),
            points[each, order].tolist(),
            strict=True,
        )
        return [
            [Contribution(*one) for one in zip(*part, strict=True) if abs(one[-1]) > _ROUNDING]
            for part in parts
        ]

    def _changes(
        self, rows: Rows, utility: Floats, best: Numbers, decisions: Sequence[Decision]
    ) -> list[Change | None]:
        """Finds the smallest change of a field that changes the mix, checked by deciding anew."""
        found: list[Change | None] = [None] * len(rows)
        left = list(range(len(rows)))
        # A candidate is found by utilities alone; doubts and fallbacks come out only by deciding.
        for changed, columns in self._candidates.nearest(rows, utility, best):
            left = [n for n in left if columns[n] != NONE]
            for n, then in zip(left, self.decider.mixes(changed[left]), strict=True):
                if then not in (decisions[n].mix, NO_MIX):
                    column = int(columns[n])
                    found[n] = Change(column, int(rows[n, column]), int(changed[n, column]), then)
            left = [n for n in left if found[n] is None]
            if not left:
                break
        return found
