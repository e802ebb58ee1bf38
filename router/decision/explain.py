"""Why this mix, exactly: a reason is the difference of two table entries, not an approximation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from router.decision.candidates import Candidates
from router.decision.decide import Decider, Decision
from router.decision.decide_one import SingleDecider
from router.decision.tables import Floats

REASONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one field adds to the mix against another, relative to the average case, in outcome points."""

    column: int
    slot: int
    points: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of one field, within the person's reach, and the mix that follows."""

    column: int
    slot_now: int
    slot_then: int
    mix: int


@dataclass(frozen=True, kw_only=True)
class Explainer:
    """Explains decisions of one decider."""

    decider: Decider

    @cached_property
    def _single(self) -> SingleDecider:
        return SingleDecider(self.decider)

    @cached_property
    def _candidates(self) -> Candidates:
        return Candidates(self.decider)

    @cached_property
    def _costs(self) -> list[float]:
        return self.decider.costs.tolist()  # type: ignore[no-any-return]

    @cached_property
    def _menu(self) -> list[bool]:
        return self.decider.menu.tolist()  # type: ignore[no-any-return]

    @cached_property
    def _columns(self) -> list[int]:
        return self.decider.tables.columns.tolist()  # type: ignore[no-any-return]

    @cached_property
    def _centred(self) -> Floats:
        """Contribution of each slot less the feature's average, by mix, shape (mixes, slots)."""
        tables = self.decider.tables
        sizes = [tables.features.features[column].slots for column in self._columns]
        return np.ascontiguousarray((tables.mean - np.repeat(tables.average, sizes, axis=0)).T)

    def compared_with(self, decision: Decision) -> int | None:
        """The mix to explain against: the best cheaper permitted one, else the best other, else None."""
        utility = self._utility(decision)
        permitted = [n for n in range(decision.first_permitted, len(utility)) if n != decision.mix and self._menu[n]]
        cheaper = [number for number in permitted if number < decision.mix]
        return max(cheaper or permitted, key=utility.__getitem__, default=None)

    def _utility(self, decision: Decision) -> list[float]:
        weight = self.decider.policy.weight
        return [weight * e - c for e, c in zip(decision.expected, self._costs, strict=True)]

    def contributions(self, row: Sequence[int], mix: int, other: int) -> Floats:
        """What each model feature adds to `mix` against `other`, relative to the average case.

        The average case has each feature's mean contribution over the training cases, so that the contributions
        add up to the row's contrast minus the average contrast.

        Args:
            row: slots, one per feature.
            mix: number of a mix.
            other: number of the mix compared with.

        Returns:
            Outcome points, shape (model features,), in the order of `tables.columns`.
        """
        places = self._single.places(row)
        found: Floats = self._centred[mix].take(places) - self._centred[other].take(places)
        return found

    def reasons(self, row: Sequence[int], mix: int, other: int) -> list[Contribution]:
        """The three weightiest contributions, weightiest first; ties in the contract's order."""
        points: list[float] = self.contributions(row, mix, other).tolist()
        weightiest = sorted(range(len(points)), key=lambda number: -abs(points[number]))[:REASONS]
        return [
            Contribution(column=self._columns[n], slot=row[self._columns[n]], points=points[n])
            for n in weightiest
            if points[n] != 0.0
        ]

    def changes(self, row: Sequence[int], decision: Decision) -> list[Change]:
        """The smallest change of one changeable field that changes the mix, or none.

        How large a change is, is the share of the training cases between the two values, so that fields with
        different units compare. The change named is checked by deciding anew.
        """
        utility = self._utility(decision)
        permitted = [n for n in range(decision.first_permitted, len(utility)) if self._menu[n]]
        best = max(permitted, key=utility.__getitem__)
        for column, slot in self._candidates.nearest(row, utility, best, decision.first_permitted):
            changed = list(row)
            changed[column] = slot
            then = self._single.decide(changed)
            if then.mix not in (decision.mix, -1):
                return [Change(column=column, slot_now=row[column], slot_then=slot, mix=then.mix)]
        return []
