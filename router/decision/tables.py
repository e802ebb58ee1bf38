"""What a model knows, as additive tables: one number per slot, mix and fold."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from router.decision.schema import FeatureSet, Role, Rows

Floats = NDArray[np.float64]
_FEW_ROWS = 8
_WINDOW = 20


@dataclass(frozen=True, kw_only=True)
class DecisionTables:
    """The value of mix k for a row, by fold f, is intercept[k, f] + the sum of values[slot, k, f] over its slots.

    Only features with the role MODEL have slots here, in column order. The mean over folds is the expected
    outcome; the folds' spread gives standard errors (delete-a-group jackknife).

    Args:
        features: the feature set that the slots belong to.
        values: shape (slots, mixes, folds), outcome points.
        intercept: shape (mixes, folds), outcome points.
        counts: shape (slots,), training cases seen with each slot.

    Raises:
        ValueError: if shapes do not fit each other or a number is not finite.
    """

    features: FeatureSet
    values: Floats
    intercept: Floats
    counts: NDArray[np.int64]

    def __post_init__(self) -> None:
        slots = sum(self.features.features[c].slots for c in self.columns)
        if self.values.ndim != 3 or self.values.shape[0] != slots or self.values.shape[2] < 2:
            raise ValueError(f"values must have shape ({slots}, mixes, folds >= 2), not {self.values.shape}")
        if self.intercept.shape != self.values.shape[1:] or self.counts.shape != (slots,):
            raise ValueError("intercept must have shape (mixes, folds) and counts (slots,)")
        if not (np.isfinite(self.values).all() and np.isfinite(self.intercept).all()):
            raise ValueError("values and intercept must be finite")
        if (self.counts < 0).any():
            raise ValueError("counts must not be negative")

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
    def _flat(self) -> Floats:
        return np.ascontiguousarray(self.values.reshape(len(self.values), -1))

    @cached_property
    def mean(self) -> Floats:
        """Mean over folds, shape (slots, mixes)."""
        return np.ascontiguousarray(self.values.mean(axis=2))

    def slots(self, rows: Rows) -> NDArray[np.intp]:
        """Places in the tables of each row's model features, shape (rows, model features)."""
        return rows[:, self.columns] + self.offsets

    def fold_values(self, rows: Rows) -> Floats:
        """Value of each mix by fold, shape (rows, mixes, folds). Equal bits whatever the number of rows."""
        places = self.slots(rows)
        table = self._flat
        if len(rows) <= _FEW_ROWS:
            total = np.add.reduce(table[places], axis=1)
        else:
            total = table[places[:, 0]]
            for column in range(1, places.shape[1]):
                total += table[places[:, column]]
        total += self.intercept.reshape(-1)
        folds: Floats = total.reshape(len(rows), *self.intercept.shape)
        return folds

    @cached_property
    def support(self) -> NDArray[np.int64]:
        """Training cases with this value or, for an integer feature, one near it, shape (slots,).

        Near is within a twentieth of the feature's range: single months are thin where the stretch is well known.
        """
        support = self.counts.copy()
        for column, start in zip(self.columns, self.offsets, strict=True):
            feature = self.features.features[column]
            if feature.values:
                continue
            counts = self.counts[start + 1 : start + feature.slots]
            reach = max(1, len(counts) // _WINDOW)
            total = np.concatenate([[0], np.cumsum(counts)])
            places = np.arange(len(counts))
            above = np.minimum(places + reach + 1, len(counts))
            support[start + 1 : start + feature.slots] = total[above] - total[np.maximum(places - reach, 0)]
        return support

    @cached_property
    def average(self) -> Floats:
        """Each feature's mean contribution over the training cases, shape (model features, mixes)."""
        means = []
        for column, start in zip(self.columns, self.offsets, strict=True):
            part = slice(start, start + self.features.features[column].slots)
            weights = self.counts[part] / max(1, self.counts[part].sum())
            means.append(weights @ self.mean[part])
        return np.array(means)
