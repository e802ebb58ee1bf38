"""Finds which change of one field would change the mix: every value of every changeable feature."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.decision.decide import Decider
from router.decision.safeguards import REQUIREMENTS
from router.decision.schema import Rows
from router.decision.tables import Floats
from router.decision.weights import Weights

Numbers = NDArray[np.intp]
# Stands in the place of a column; columns count from 0.
NONE = -1
# Above the rounding of single precision: a change found too many is sorted out by deciding anew,
# none is missed.
_SLACK = 1e-6
_BITS = np.arange(len(REQUIREMENTS))


class _PairSide(NamedTuple):
    """One changeable feature of a pair.

    Attributes:
        block: its candidates.
        moves: what each of its slots adds to a cell's number.
        changed: its column.
        other: the other feature's column.
        stays: what each of the other's slots adds.
        worth: of each cell, shape (cells, K).
    """

    block: Numbers
    moves: Numbers
    changed: int
    other: int
    stays: Numbers
    worth: Floats

    def moved(self, rows: Rows) -> Floats:
        """Tells what each candidate changes in each mix's utility, shape (n, K, block)."""
        rest = self.stays[rows[:, self.other]]
        now = self.worth[rest + self.moves[rows[:, self.changed]]]
        then = self.worth[rest[:, None] + self.moves]
        change: Floats = (then - now[:, None]).transpose(0, 2, 1)
        return change


class _WeightSide(NamedTuple):
    """One changeable feature that the weight reads.

    Attributes:
        block: its candidates.
        column: of the feature.
        by_slot: its weights.
        weights: all of them.
        costs: of each mix at weight 1, shape (K,).
    """

    block: Numbers
    column: int
    by_slot: Floats
    weights: Weights
    costs: Floats

    def moved(self, rows: Rows) -> Floats:
        """Tells what each candidate changes in each mix's utility, shape (n, K, block)."""
        now = self.weights.of(rows)
        # The weight is a product: the old factor is divided out, each new one multiplied in.
        then = (now / self.by_slot[rows[:, self.column]])[:, None] * self.by_slot
        change: Floats = self.costs[None, :, None] * (1 / now[:, None] - 1 / then)[:, None, :]
        return change


class Candidates:
    """Changes of one field, C in all, feature after feature and slot after slot.

    Slot 0, unknown, is never one.
    """

    def __init__(self, decider: Decider) -> None:
        tables, features = decider.tables, decider.tables.features
        self._safeguards = decider.safeguards
        self._columns = np.array(
            [n for n, feature in enumerate(features.features) if feature.changeable]
        )

        sizes = [features.features[column].slots for column in self._columns]
        self._starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
        self._feature = np.repeat(np.arange(len(sizes)), sizes)
        self._slot = np.arange(sum(sizes)) - np.repeat(self._starts, sizes)
        model = dict(zip(tables.columns.tolist(), tables.offsets.tolist(), strict=True))

        points, positions = [], []
        for column, size in zip(self._columns.tolist(), sizes, strict=True):
            if column in model:
                part = slice(model[column], model[column] + size)
                points.append(tables.mean[part])
                weights = tables.counts[part].astype(float)
            else:
                # No model input: it changes what safeguards
                # permit, and all its values are equally far apart.
                points.append(np.zeros((size, len(decider.menu))))
                weights = np.ones(size)
            share = weights / max(1.0, weights.sum())
            positions.append(np.cumsum(share) - share / 2)
        # Share of the training cases below a value and half of its own: distances between values,
        # from 0 to 1.
        self._position: Floats = np.concatenate(positions)
        self._worth: Floats = np.concatenate(points)

        # By the best mix now: what each candidate adds to each mix's utility less the best mix's,
        # (K, K, C); a mix that is not offered, and the best one itself, gain nothing. Single
        # precision takes half the time; `_SLACK` makes up for what it rounds.
        self._gain = np.ascontiguousarray(self._worth.T[None] - self._worth.T[:, None], np.float32)
        self._gain[:, ~decider.menu] = -inf
        self._gain[np.arange(len(self._gain)), np.arange(len(self._gain))] = -inf

        # By what all other fields demand: the lightest mix that the safeguards permit after each
        # candidate, (sets, C).
        demand = decider.safeguards.requirements[
            features.offsets[self._columns][self._feature] + self._slot
        ]
        sets = np.arange(len(decider.safeguards.first_permitted))[:, None]
        self._after: Numbers = decider.safeguards.first_permitted[sets | demand]
        self._demands: Numbers = demand[:, None] >> _BITS & 1
        self._all = np.arange(len(self._slot))
        self._sides: list[_PairSide | _WeightSide] = [
            *self._pair_sides(decider),
            *self._weight_sides(decider),
        ]

    def _weight_sides(self, decider: Decider) -> Iterator[_WeightSide]:
        """Yields the changeable features that the weakest-first weight reads."""
        weights, policy = decider.policy.weights, decider.policy
        for column, by_slot in zip(weights.columns, weights.by_slot, strict=True):
            if column in self._columns:
                block = np.flatnonzero(self._columns[self._feature] == column)
                yield _WeightSide(
                    block, column, by_slot, weights, policy.price * decider.catalogue.minutes
                )

    def _pair_sides(self, decider: Decider) -> Iterator[_PairSide]:
        """Yields the pairs that a changeable feature moves, once for each such feature."""
        tables = decider.tables
        for start, pair in zip(tables.pair_starts, tables.pairs, strict=True):
            worth = tables.mean[start : start + len(pair.values)]
            first, second = pair.strides
            sides = (
                (pair.first, first, pair.second, second),
                (pair.second, second, pair.first, first),
            )
            # A change of one moves along one side of the table while the other stays.
            for changed, moves, other, stays in sides:
                if changed in self._columns:
                    block = np.flatnonzero(self._columns[self._feature] == changed)
                    yield _PairSide(block, moves, changed, other, stays, worth)

    def nearest(self, rows: Rows, utility: Floats, best: Numbers) -> Iterator[tuple[Rows, Numbers]]:
        """Yields each row's next change after which another mix is worth most, nearest first.

        How far a change goes, is the share of the training cases between the two values.

        Args:
            rows: slots, shape (n, features).
            utility: of each mix now, shape (n, K).
            best: the permitted mix with the highest utility now, shape (n,).

        Returns:
            The rows changed, and the columns of the changed fields; column NONE where no change is
            left.
        """
        each = np.arange(len(rows))
        here = rows[:, self._columns] + self._starts
        now = self._worth[here].transpose(0, 2, 1)
        # A change flips the mix when another permitted one gains at least what it lacks now, or
        # this one is forbidden.
        lacks = (
            now - now[each, best][:, None] + (utility[each, best][:, None] - utility)[:, :, None]
        )
        lacks = (lacks - _SLACK).astype(np.float32)
        after = self._lightest_after(rows, here)
        numbers = np.arange(utility.shape[1])[:, None]

        # Pairs and weights depend on the row's other fields,
        # so that no table of all rows can hold them.
        needed = lacks.take(self._feature, axis=2)
        for side in self._sides:
            moved = side.moved(rows)
            needed[:, :, side.block] -= moved - moved[each, best][:, None]

        flips = (self._gain[best] >= needed) & (numbers >= after[:, None])
        found = (flips.any(axis=1) | (after > best[:, None])) & (self._slot > 0)
        # The value that the row has now is no change.
        found[each[:, None], here] = False

        distance = np.abs(self._position - self._position[here].take(self._feature, axis=1))
        distance[~found] = inf
        # Without end: whoever asks stops once a change stands, which mostly is the first.
        while True:
            places = distance.argmin(axis=1)
            columns = self._columns[self._feature[places]]
            changed = rows.copy()
            changed[each, columns] = self._slot[places]
            columns[distance[each, places] == inf] = NONE
            yield changed, columns
            distance[each, places] = inf

    def _lightest_after(self, rows: Rows, here: Numbers) -> Numbers:
        """Gives the lightest mix that safeguards permit after each candidate, shape (n, C)."""
        # How many fields demand each requirement.
        demands = (self._safeguards.demands(rows)[:, :, None] >> _BITS & 1).sum(axis=1)
        # All fields but one demand what more fields demand than that one does.
        others = (demands[:, None] > self._demands[here]) @ (1 << _BITS)
        after: Numbers = self._after[others.take(self._feature, axis=1), self._all]
        return after
