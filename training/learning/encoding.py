"""How the slots of a case become the numbers that learners see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from router.decision.schema import FeatureSet, Role, Rows
from router.decision.whole_tens import whole_tens
from training.learning.scores import Floats

# As many cases as a value must have before its own mean outcome counts for half.
_PRIOR_CASES = 50


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """Ordered numbers for the model's features.

    Where the contract says which values are worse, a value's number is its step of severity, the
    mildest 0; what stands in no order is NaN. Elsewhere unknown is NaN.

    Attributes:
        features: all features.
        orders: for features whose values have no order, the number of each known slot.
    """

    features: FeatureSet
    orders: Mapping[str, Floats] = field(default_factory=dict)

    @cached_property
    def columns(self) -> NDArray[np.intp]:
        """Columns of the model's features."""
        return self.features.columns(Role.MODEL)

    @cached_property
    def maps(self) -> list[Floats]:
        """Number of each slot, by model feature."""
        return [self._map(self.features.features[column].name) for column in self.columns]

    def _map(self, name: str) -> Floats:
        feature = self.features[name]
        values = np.arange(feature.slots, dtype=np.float64)
        values[0] = np.nan
        if name in self.orders:
            values[1:] = self.orders[name]

        if feature.severity:
            values[:] = np.nan
            for slot, rank in feature.ranks.items():
                values[slot] = rank
        return values

    def inputs(self, rows: Rows) -> Floats:
        """Gives the numbers of rows of slots, shape (n, model features)."""
        each = zip(self.maps, self.columns, strict=True)
        return np.column_stack([table[rows[:, column]] for table, column in each])

    def others(self, rows: Rows) -> Floats:
        """Gives the slots of all other features as numbers, shape (n, others).

        They confound, but must not decide.
        """
        columns = np.setdiff1d(np.arange(len(self.features.features)), self.columns)
        return plain_numbers(rows[:, columns])

    @cached_property
    def ordered(self) -> tuple[str, ...]:
        """Names of the model's features whose values have an order of severity."""
        features = [self.features.features[column] for column in self.columns]
        return tuple(feature.name for feature in features if feature.severity)

    @property
    def monotone(self) -> list[int]:
        """1 for features whose worse values may only raise the wish for human contact, else 0."""
        names = [self.features.features[column].name for column in self.columns]
        return [int(name in self.ordered) for name in names]


def plain_numbers(rows: Rows) -> Floats:
    """Gives slots as numbers, unknown as NaN; shape of the rows."""
    return np.where(rows == 0, np.nan, rows.astype(np.float64))


def encoding_for(features: FeatureSet, rows: Rows, outcome: Floats) -> Encoding:
    """Makes an encoding in which values without an order stand in that of their mean outcome.

    The means are drawn to the overall mean:

    mean_s = (sum of outcomes with s + 50 * overall mean) / (cases with s + 50)

    One order serves trees and splines alike, and any function of the value can still be learned in
    steps.

    Args:
        features: all features.
        rows: (n, features) slots of the training cases.
        outcome: (n,) 0 to 1.
    """
    orders = {}
    for column in features.columns(Role.MODEL).tolist():
        feature = features.features[column]
        if not feature.nominal or feature.severity:
            continue
        cases = np.bincount(rows[:, column], minlength=feature.slots)
        reached = np.bincount(rows[:, column], weights=outcome, minlength=feature.slots)
        mean = (reached + _PRIOR_CASES * outcome.mean()) / (cases + _PRIOR_CASES)
        # Ranks, not the means: values whose means are alike must still be told apart by a split.
        ranks = np.empty(feature.slots - 1)
        ranks[np.argsort(mean[1:], kind="stable")] = np.arange(feature.slots - 1)
        orders[feature.name] = ranks
    return Encoding(features=features, orders=orders)


def slot_counts(features: FeatureSet, columns: Iterable[int], rows: Rows) -> NDArray[np.int64]:
    """Counts cases of each slot of some fields, one field after the other.

    In tens from here on: what is measured later is measured of the tables that are served.
    """
    return np.concatenate(
        [
            whole_tens(np.bincount(rows[:, column], minlength=features.features[column].slots))
            for column in columns
        ]
    ).astype(np.int64)
