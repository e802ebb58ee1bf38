"""Why this mix, exactly: a reason is the difference of two table entries, not an approximation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from operator import or_

import numpy as np
from numpy.typing import NDArray

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

    def compared_with(self, decision: Decision) -> int | None:
        """The mix to explain against: the best cheaper permitted one, else the best other, else None."""
        utility = self._utility(decision)
        permitted = [
            number
            for number in range(len(utility))
            if number != decision.mix and number >= decision.first_permitted and self.decider.menu[number]
        ]
        cheaper = [number for number in permitted if number < decision.mix]
        return max(cheaper or permitted, key=utility.__getitem__, default=None)

    def _utility(self, decision: Decision) -> list[float]:
        weight = self.decider.policy.weight
        return [weight * e - c for e, c in zip(decision.expected, self.decider.costs.tolist(), strict=True)]

    def contributions(self, row: NDArray[np.uint16], mix: int, other: int) -> Floats:
        """What each model feature adds to `mix` against `other`, relative to the average case.

        The average case has each feature's mean contribution over the training cases, so that the contributions
        add up to the row's contrast minus the average contrast.

        Args:
            row: slots, shape (features,).
            mix: number of a mix.
            other: number of the mix compared with.

        Returns:
            Outcome points, shape (model features,), in the order of `tables.columns`.
        """
        tables = self.decider.tables
        here = tables.mean[row[tables.columns] + tables.offsets]
        centred: Floats = (here[:, mix] - here[:, other]) - (tables.average[:, mix] - tables.average[:, other])
        return centred

    def reasons(self, row: NDArray[np.uint16], mix: int, other: int) -> list[Contribution]:
        """The three weightiest contributions, weightiest first; ties in the contract's order."""
        points = self.contributions(row, mix, other)
        order = np.argsort(-np.abs(points), kind="stable")[:REASONS]
        columns = self.decider.tables.columns
        return [
            Contribution(column=int(columns[i]), slot=int(row[columns[i]]), points=float(points[i]))
            for i in order
            if points[i] != 0.0
        ]

    def changes(self, row: NDArray[np.uint16], decision: Decision) -> list[Change]:
        """The smallest change of one changeable field that changes the mix, or none.

        How large a change is, is the share of the training cases between the two values, so that fields with
        different units compare. The change named is checked by deciding anew.
        """
        candidates = self._candidates
        moved = self._moved_utility(row, decision)
        now = row[candidates.column]
        flips = (moved.argmax(axis=1) != self._best(decision)) & (candidates.slot != now) & (candidates.slot > 0)
        places = np.flatnonzero(flips)
        distance = np.abs(candidates.position[places] - candidates.position[(candidates.start + now)[places]])
        for place in places[np.argsort(distance, kind="stable")].tolist():
            column, slot = int(candidates.column[place]), int(candidates.slot[place])
            changed = row.copy()
            changed[column] = slot
            then = self._single.decide(changed)
            if then.mix not in (decision.mix, -1):
                return [Change(column=column, slot_now=int(row[column]), slot_then=slot, mix=then.mix)]
        return []

    def _best(self, decision: Decision) -> int:
        """The permitted mix with the highest utility, before any abstention."""
        utility = self._utility(decision)
        permitted = [n for n in range(decision.first_permitted, len(utility)) if self.decider.menu[n]]
        return max(permitted, key=utility.__getitem__)

    @cached_property
    def _candidates(self) -> Candidates:
        return Candidates.of(self.decider)

    def _moved_utility(self, row: NDArray[np.uint16], decision: Decision) -> Floats:
        """Utility of each mix after each candidate change, -inf where then forbidden, shape (candidates, mixes)."""
        candidates = self._candidates
        now = candidates.start + row[candidates.column]
        points = candidates.points - candidates.points[now]
        utility = np.array(self._utility(decision)) + self.decider.policy.weight * points
        lightest = self._lightest_after(row)
        numbers = np.arange(utility.shape[1])
        return np.where(self.decider.menu & (numbers >= lightest[:, None]), utility, -np.inf)

    def _lightest_after(self, row: NDArray[np.uint16]) -> NDArray[np.intp]:
        """Lightest mix that the safeguards permit after each candidate change, shape (candidates,)."""
        candidates, safeguards = self._candidates, self.decider.safeguards
        own: list[int] = safeguards.requirements[safeguards.features.offsets + row].tolist()
        # What all fields but one demand: what those before it do, or those after it.
        before = list(accumulate(own, or_, initial=0))
        behind = list(accumulate(reversed(own), or_, initial=0))[-2::-1]
        without = np.array([left | right for left, right in zip(before, behind, strict=False)])
        after: NDArray[np.intp] = safeguards.first_permitted[
            without[candidates.column] | safeguards.requirements[candidates.place]
        ]
        return after


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Every known value of every changeable feature, as parallel arrays of one length.

    Attributes:
        column: the feature's column.
        slot: the value's slot; slot 0, unknown, is here so that a present value can be looked up.
        place: the slot's place over all features' slots.
        start: where the feature's candidates start.
        position: share of the training cases below the value, the middle of its own share; 0 to 1.
        points: (candidates, mixes) the value's contribution; zeros where the model does not read the feature.
    """

    column: NDArray[np.intp]
    slot: NDArray[np.intp]
    place: NDArray[np.intp]
    start: NDArray[np.intp]
    position: Floats
    points: Floats

    @classmethod
    def of(cls, decider: Decider) -> Candidates:
        """The candidates of a decider's features."""
        tables, features = decider.tables, decider.tables.features
        starts = dict(zip(tables.columns.tolist(), tables.offsets.tolist(), strict=True))
        parts: list[tuple[NDArray[np.intp], ...]] = []
        positions: list[Floats] = []
        points: list[Floats] = []
        length = 0
        for column, feature in enumerate(features.features):
            if not feature.changeable:
                continue
            slots = np.arange(feature.slots)
            full = np.full(feature.slots, column), slots, features.offsets[column] + slots, np.full(len(slots), length)
            parts.append(full)
            if column in starts:
                model = slice(starts[column], starts[column] + feature.slots)
                points.append(tables.mean[model])
                weights = tables.counts[model].astype(float)
            else:
                points.append(np.zeros((feature.slots, len(decider.menu))))
                weights = np.ones(feature.slots)
            share = weights / max(1.0, weights.sum())
            positions.append(np.cumsum(share) - share / 2)
            length += feature.slots
        column_, slot, place, start = (np.concatenate(part) for part in zip(*parts, strict=True))
        return cls(
            column=column_,
            slot=slot,
            place=place,
            start=start,
            position=np.concatenate(positions),
            points=np.concatenate(points),
        )
