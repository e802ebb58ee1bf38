"""Why this mix and not the next best, exactly: parts that add up to what it is worth more.

    worth_m - worth_o = average effect + sum of what each field adds + price of the minutes
                        + what the weakest-first weight gives back of that price

Each part is read off the tables and the policy; nothing is approximated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.decision.changes import Change, Changes
from router.decision.decide import Decider, Terms
from router.decision.decision import NO_MIX, Decision, Numbers
from router.decision.safeguards import members
from router.decision.schema import Rows
from router.decision.tables import ROUNDING, Floats
from router.decision.together import Whose


class Explanation(NamedTuple):
    """Why a mix: parts that add up to what it is worth more than another, in outcome points.

    Attributes:
        other: the best other permitted mix that was learned of; None if there is none, or nothing
            was learned of the one advised; nothing is compared then.
        average: what it does more for the average case.
        minutes: what its minutes cost less.
        weight: what the weakest-first weight gives back of that.
        columns: of the fields.
        slots: of each of them.
        points: that each of them adds.
        near_equal: a mix that cannot be told apart from the one advised; None if there is none.
        changes: at most one action and one wish that would change the mix.
    """

    other: int | None
    average: float
    minutes: float
    weight: float
    columns: Sequence[int]
    slots: Sequence[int]
    points: Sequence[float]
    near_equal: int | None
    changes: list[Change]

    @property
    def fields(self) -> Iterator[tuple[int, int, float]]:
        """Of each field its column, its slot, and what it adds."""
        return zip(self.columns, self.slots, self.points, strict=True)

    @property
    def difference(self) -> float:
        """What the mix is worth more than the other, outcome points.

        Below 0 where a safeguard lifted it.
        """
        return reduce(add, self.points, self.average + self.minutes + self.weight)

    @property
    def effect(self) -> float:
        """What the mix is expected to do more for this case, outcome points."""
        return self.difference - (self.minutes + self.weight)


@dataclass(frozen=True, kw_only=True)
class Explainer:
    """Explains decisions of one decider."""

    decider: Decider

    @cached_property
    def _changes(self) -> Changes:
        return Changes(decider=self.decider)

    @cached_property
    def _unscored(self) -> NDArray[np.bool_]:
        """Whether nothing was learned of each mix, shape (mixes,)."""
        found = np.zeros(len(self.decider.catalogue.mixes), np.bool_)
        found[[*self.decider.tables.unscored]] = True
        return found

    @cached_property
    def _average(self) -> Floats:
        """Expected outcome of each mix for the average case, shape (mixes,)."""
        tables = self.decider.tables
        average: Floats = tables.intercept.mean(axis=1) + tables.average.sum(axis=0)
        return average

    @cached_property
    def _sides(self) -> list[tuple[int, int]]:
        """Of each pair, its two features' numbers among the model features."""
        columns = self.decider.tables.columns.tolist()
        return [
            (columns.index(pair.first), columns.index(pair.second))
            for pair in self.decider.tables.pairs
        ]

    def explain(
        self, rows: Rows, decisions: Sequence[Decision], whose: Whose | None = None
    ) -> list[Explanation]:
        """Explains decisions.

        Args:
            rows: slots, shape (n, features).
            decisions: those of the rows; each has a mix.
            whose: the rows are, if not all this decider's.
        """
        terms = self.decider.terms(rows) if whose is None else whose.terms(rows)
        mix = np.array([one.mix for one in decisions], np.intp)
        permitted = np.array([one.permitted for one in decisions], np.int64)
        expected = np.array([one.expected for one in decisions])
        worth = expected - terms.costs(self.decider.catalogue.minutes)

        each = np.arange(len(rows))
        rest = np.where(members(permitted, worth.shape[1]).T, worth, -np.inf)
        rest[each, mix] = -np.inf
        # What nothing was learned of is worth what a lighter mix is: nobody knows how good it is.
        rest[:, self._unscored] = -np.inf
        other = rest.argmax(axis=1)
        alone = (rest[each, other] == -np.inf) | self._unscored[mix]

        parts = self._parts(rows, decisions, terms, mix, other)
        error = np.array([one.error for one in decisions])
        near = self._near_equal(rows, worth, error, rest, mix)
        changes = self._changes.of(rows, decisions, expected, whose)
        return [
            Explanation(None, 0.0, 0.0, 0.0, (), (), (), None, changes[n])
            if alone[n]
            else Explanation(int(other[n]), *parts[n], near[n], changes[n])
            for n in range(len(rows))
        ]

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
            tables.centred[mix[:, None], places] - tables.centred[other[:, None], places]
        )
        found = all_parts[:, : len(tables.columns)]
        for number, sides in enumerate(self._sides, len(tables.columns)):
            for side in sides:
                found[:, side] += all_parts[:, number] / 2
        return found

    def _parts(
        self,
        rows: Rows,
        decisions: Sequence[Decision],
        terms: Terms,
        mix: Numbers,
        other: Numbers,
    ) -> list[tuple[float, float, float, list[int], list[int], list[float]]]:
        """Gives each row's average, minutes, weight, columns, slots and points, as `Explanation`.

        Args:
            rows: slots, shape (n, features).
            decisions: those of the rows.
            terms: of the rows.
            mix: numbers of mixes, shape (n,).
            other: numbers of the mixes compared with, shape (n,).
        """
        columns: list[int] = self.decider.tables.columns.tolist()
        slots = rows[:, columns].tolist()
        points = self.contributions(rows, mix, other).tolist()
        average = (self._average[mix] - self._average[other]).tolist()

        minutes = self.decider.catalogue.minutes
        cost = (terms.price * (minutes[other] - minutes[mix])).tolist()
        # A weight above 1 makes minutes count for less.
        weight = [
            price / decision.weight - price for price, decision in zip(cost, decisions, strict=True)
        ]
        return [*zip(average, cost, weight, [columns] * len(rows), slots, points, strict=True)]

    def _near_equal(
        self, rows: Rows, worth: Floats, error: Floats, rest: Floats, mix: Numbers
    ) -> list[int | None]:
        """Finds the best other mix that cannot be told apart from the one advised.

        It lies far away in minutes, and what it is worth is within so many standard errors of the
        difference, all as the policy says.

        Args:
            rows: slots, shape (n, features).
            worth: of every mix, shape (n, K).
            error: of every mix, outcome points, shape (n, K).
            rest: what the other permitted mixes are worth, -inf elsewhere, shape (n, K).
            mix: the one advised, shape (n,).
        """
        limits, minutes = self.decider.policy.abstention, self.decider.catalogue.minutes
        each = np.arange(len(rows))
        gap = np.abs(worth[each, mix][:, None] - worth)
        far = np.abs(minutes - minutes[mix][:, None]) >= limits.far_minutes
        # The error of a difference is at most the sum of both errors: few cases need theirs.
        most = error[each, mix][:, None] + error
        near: NDArray[np.bool_] = far & (rest > -np.inf)
        near &= gap <= limits.standard_errors * most + ROUNDING
        some = np.flatnonzero(np.logical_or.reduce(near, axis=1))
        found: list[int | None] = [None] * len(rows)
        if not len(some):
            return found

        folds = self.decider.tables.fold_values(rows[some])
        apart = folds[np.arange(len(some)), mix[some]][:, None] - folds
        spread = apart - apart.mean(axis=2, keepdims=True)
        its_error = np.sqrt((spread**2).sum(axis=2) * self.decider.jackknife)
        near = near[some] & (gap[some] <= limits.standard_errors * its_error)
        best = np.where(near, rest[some], -np.inf)
        told = np.where(near.any(axis=1), best.argmax(axis=1), NO_MIX).tolist()
        for row, one in zip(some.tolist(), told, strict=True):
            found[row] = None if one == NO_MIX else one
        return found
