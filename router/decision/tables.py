"""What a model knows, as additive tables.

One number per slot, mix and fold, and the same for the cells of a few pairs of features.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
from numpy.typing import NDArray

from router.decision.pairs import Pair
from router.decision.schema import FeatureSet, Role, Rows

Floats = NDArray[np.float64]
# Up to so many rows one gather of all places is faster; above, it would make a large array of them.
_FEW_ROWS = 40
ROWS_AT_ONCE = 512
"""Of more, so many at once: what is added up then stays in the cache of a core."""
ROUNDING = 1e-9
"""Outcome points: far above the rounding of sums of some fifty numbers, far below what matters."""
_WINDOW = 20
# NumPy's pairwise summation begins with blocks of eight.
_ADDED_IN_ORDER = 7


@dataclass(frozen=True, kw_only=True)
class DecisionTables:
    """The value of each mix for a row, by fold.

        value[k, f] = intercept[k, f] + sum of values[place, k, f] over the row's places

    Places are slots of the features with the role MODEL, in column order, and then the cells of
    pairs. The mean over folds is the expected outcome; the folds' spread gives standard errors
    (delete-a-group jackknife).

    Args:
        features: the feature set that the slots belong to.
        values: shape (slots, mixes, folds), outcome points.
        intercept: shape (mixes, folds), outcome points.
        counts: shape (slots,), training cases seen with each slot, in tens (`whole_tens`).
        pairs: what pairs of model features add beyond what each adds alone.
        unscored: numbers of mixes that nothing was learned of (`unscored`).

    Raises:
        ValueError: if shapes do not fit each other or a number is not finite.
    """

    features: FeatureSet
    values: Floats
    intercept: Floats
    counts: NDArray[np.int64]
    pairs: tuple[Pair, ...] = ()
    unscored: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        slots = sum(self.features.features[c].slots for c in self.columns)
        if self.values.ndim != 3 or self.values.shape[0] != slots or self.values.shape[2] < 2:
            raise ValueError(
                f"values must have shape ({slots}, mixes, folds >= 2), not {self.values.shape}"
            )
        if self.intercept.shape != self.values.shape[1:] or self.counts.shape != (slots,):
            raise ValueError("intercept must have shape (mixes, folds) and counts (slots,)")
        if not (np.isfinite(self.values).all() and np.isfinite(self.intercept).all()):
            raise ValueError("values and intercept must be finite")
        if (self.counts < 0).any():
            raise ValueError("counts must not be negative")
        for pair in self.pairs:
            self._check_pair(pair)

    def _check_pair(self, pair: Pair) -> None:
        model = set(self.columns.tolist())
        for column, bins in ((pair.first, pair.first_bins), (pair.second, pair.second_bins)):
            if column not in model:
                raise ValueError(f"a pair's column {column} is not that of a model feature")
            feature = self.features.features[column]
            if bins.shape != (feature.slots,):
                raise ValueError(
                    f"a pair must have {feature.slots} bins of {feature.name}, not {bins.shape}"
                )
        if pair.values.shape[1:] != self.intercept.shape:
            wanted, found = self.intercept.shape, pair.values.shape
            raise ValueError(f"a pair's values must have shape (cells, {wanted}), not {found}")

    @cached_property
    def columns(self) -> NDArray[np.intp]:
        """Columns of the model's features."""
        return self.features.columns(Role.MODEL)

    @cached_property
    def offsets(self) -> NDArray[np.intp]:
        """Where each model feature's slots start, shape (model features,)."""
        sizes = [self.features.features[c].slots for c in self.columns]
        return np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)

    @property
    def folds(self) -> int:
        """Number of folds."""
        return int(self.values.shape[2])

    @cached_property
    def pair_starts(self) -> list[int]:
        """Place of each pair's first cell."""
        sizes = [len(self.values), *(len(pair.values) for pair in self.pairs)]
        starts: list[int] = np.cumsum(sizes)[:-1].tolist()
        return starts

    @cached_property
    def runs(self) -> tuple[Floats, NDArray[np.intp]]:
        """The values of places without repetitions, and which of them each place has.

        Most numbers of a field have the values of the number before. So the table of a wide
        catalogue fits into memory once, and what a case needs of it into the cache.

        Returns:
            Shape (runs + 1, mixes * folds), the last the intercept; and shape (places + 1,), the
            last that of the intercept.
        """
        tables, which, before = [], [], 0
        # Part by part: one array of them all would be as large as the tables once more.
        for part in (self.values, *(pair.values for pair in self.pairs), self.intercept[None]):
            flat = np.ascontiguousarray(part).reshape(-1, self.intercept.size)
            # By their bits: 0.0 and -0.0 are equal, but what is added to them need not be.
            bits = flat.view(np.uint64)
            begins = np.ones(len(flat), np.bool_)
            np.logical_or.reduce(bits[1:] != bits[:-1], axis=1, out=begins[1:])
            tables.append(flat[begins])
            which.append(before - 1 + np.cumsum(begins))
            before += len(tables[-1])
        return np.concatenate(tables), np.concatenate(which)

    @cached_property
    def mean(self) -> Floats:
        """Mean over folds, shape (places, mixes)."""
        table, which = self.runs
        means: Floats = table.reshape(-1, *self.intercept.shape).mean(axis=2).take(which[:-1], 0)
        return means

    @cached_property
    def _pair_columns(self) -> NDArray[np.intp]:
        """Columns of all pairs' first features, then of their second ones."""
        sides = [*(pair.first for pair in self.pairs), *(pair.second for pair in self.pairs)]
        return np.array(sides, np.intp)

    @cached_property
    def _pair_steps(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """What each slot of those columns adds to a cell's place, and where each column starts."""
        # The first side also carries where its pair begins, so that a cell's place is one addition.
        firsts = [
            start + pair.strides[0]
            for start, pair in zip(self.pair_starts, self.pairs, strict=True)
        ]
        steps = [*firsts, *(pair.strides[1] for pair in self.pairs)]
        starts = np.cumsum([0, *(len(one) for one in steps)])[:-1]
        return np.concatenate(steps), starts

    def places(self, rows: Rows) -> NDArray[np.intp]:
        """Gives the places of each row's model features and then pairs.

        Returns:
            Shape (rows, model features + pairs).
        """
        slots: NDArray[np.intp] = rows.take(self.columns, axis=1) + self.offsets
        if not self.pairs:
            return slots
        steps, starts = self._pair_steps

        # One gather for all pairs and both sides, however many pairs there are.
        sides = steps.take(rows.take(self._pair_columns, axis=1) + starts)
        cells = sides[:, : len(self.pairs)] + sides[:, len(self.pairs) :]
        return np.concatenate([slots, cells], axis=1)

    def fold_values(self, rows: Rows) -> Floats:
        """Gives the value of each mix by fold, shape (rows, mixes, folds)."""
        return self.values_at(self.places(rows))

    def values_at(self, places: NDArray[np.intp]) -> Floats:
        """Gives the value of each mix by fold, shape (rows, mixes, folds).

        The bits are equal whatever the number of rows: both ways add place after place, and the
        intercept last.

        Args:
            places: from `places`.
        """
        # Over an axis that is not the last, `reduce` adds
        # in order: the same bits as `_add_up`.
        if len(places) <= _FEW_ROWS:
            table, which = self.runs
            total = np.add.reduce(table.take(which.take(places), axis=0), axis=1)
        else:
            total = np.empty((len(places), self.intercept.size))
            for first in range(0, len(places), ROWS_AT_ONCE):
                self._add_up(places[first : first + ROWS_AT_ONCE], total[first:])
        total += self.intercept.reshape(-1)
        folds: Floats = total.reshape(len(places), *self.intercept.shape)
        return folds

    def _add_up(self, places: NDArray[np.intp], total: Floats) -> None:
        """Adds the values of places, column after column, into the first rows of `total`."""
        table, which = self.runs
        first, *others = which.take(places.T)
        total = total[: len(places)]
        more = np.empty_like(total)
        # All are in the table, so that nothing is clipped; any other mode copies once more.
        table.take(first, axis=0, out=total, mode="clip")
        for column in others:
            table.take(column, axis=0, out=more, mode="clip")
            total += more

    @cached_property
    def support(self) -> NDArray[np.int64]:
        """Training cases with this value or, for an integer feature, one near it, shape (slots,).

        Near is within a twentieth of the feature's range: single months are thin where the stretch
        is well known.
        """
        support = self.counts.copy()
        for column, start in zip(self.columns, self.offsets, strict=True):
            feature = self.features.features[column]
            if feature.values:
                continue

            # Slot 0 stands near no value: unknown keeps its own count.
            counts = self.counts[start + 1 : start + feature.slots]
            reach = max(1, len(counts) // _WINDOW)
            # The sum within reach of each value is a difference of two running sums.
            total = np.concatenate([[0], np.cumsum(counts)])
            places = np.arange(len(counts))
            above = np.minimum(places + reach + 1, len(counts))
            support[start + 1 : start + feature.slots] = (
                total[above] - total[np.maximum(places - reach, 0)]
            )
        return support

    @cached_property
    def average(self) -> Floats:
        """Mean contribution over the training cases of each feature, then pair.

        Shape (features + pairs, mixes).
        """
        counts = np.concatenate([self.counts, *(pair.counts for pair in self.pairs)])
        means, start = [], 0
        for size in self.sizes:
            part = slice(start, start + size)
            # At least 1: a pair or feature that no training
            # case had contributes nothing on average.
            shares = counts[part] / max(1, counts[part].sum())
            # Not by BLAS: its last digits, and so the answers, would differ by processor.
            means.append((shares[:, np.newaxis] * self.mean[part]).sum(axis=0))
            start += size
        return np.array(means)

    @cached_property
    def centred(self) -> Floats:
        """Contribution of each place less its feature's or pair's average, (mixes, places)."""
        return np.ascontiguousarray((self.mean - np.repeat(self.average, self.sizes, axis=0)).T)

    @cached_property
    def sizes(self) -> list[int]:
        """Number of places of each model feature, then of each pair."""
        slots = [self.features.features[column].slots for column in self.columns]
        return slots + [len(pair.values) for pair in self.pairs]


def sum_of_folds(values: Floats) -> Floats:
    """Adds the folds one after the other, (..., F, n): the same bits however many rows there are.

    NumPy does so too up to seven; more it adds in pairs, but only where there is one row.
    """
    if values.shape[1] <= _ADDED_IN_ORDER:
        total: Floats = np.add.reduce(values, axis=1)
        return total
    return reduce(np.add, values.transpose(1, 0, 2))
