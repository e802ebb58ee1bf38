"""The weakest-first weight: how many times an outcome counts for whom a policy puts first.

    w(x) = product over the weighted fields of the value's weight
    utility_k = expected_k - price / w(x) * minutes_k

which orders the mixes as w(x) * expected_k - price * minutes_k does. As w rises the minutes chosen
never fall.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from router.decision.schema import FeatureSet, Rows

Floats = NDArray[np.float64]
BY_VALUE = ("need_group", "digital_skill", "age_band")
WEEKS_LEFT = "benefit_weeks_left"
# From the value that a safeguard asks least for to the one it asks most for: a worse value must not
# weigh less.
_RISING = {"digital_skill": ("STRONG", "OK", "WEAK", "NON_USER")}
# The other groups have no order among themselves: none of them may weigh less than this one.
_LEAST = {"need_group": "GOOD_OPPORTUNITIES"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Weights:
    """Weights by slot of some fields.

    Attributes:
        columns: of the weighted fields.
        by_slot: for each of them the weights, shape (slots,), each at least 1; that of slot 0,
            unknown, is the largest, since unknown never means "no problem".
    """

    columns: tuple[int, ...] = ()
    by_slot: tuple[Floats, ...] = ()

    @cached_property
    def _flat(self) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
        """The columns, where the weights of each start, and all weights end to end."""
        starts = np.cumsum([0, *(len(weights) for weights in self.by_slot)])[:-1]
        return np.array(self.columns, np.intp), starts, np.concatenate(self.by_slot)

    def of(self, rows: Rows) -> Floats:
        """Gives each row's weight, shape (rows,)."""
        if not self.columns:
            return np.ones(len(rows))
        columns, starts, weights = self._flat
        each = weights.take(rows.take(columns, axis=1) + starts)
        product: Floats = np.multiply.reduce(each, axis=1)
        return product


def weights_of(
    features: FeatureSet,
    by_value: Mapping[str, Mapping[str, float]],
    weeks_left: Sequence[tuple[int, float]] = (),
) -> Weights:
    """Makes weights from those of single values; a value that is not named weighs 1.

    Args:
        features: the feature set.
        by_value: by field of `BY_VALUE`, then by value.
        weeks_left: (at most so many benefit weeks left, weight), rising.

    Raises:
        ValueError: naming the field and value, if a value with more need would weigh less than one
            with less need.
    """
    columns, tables = [], []
    for field, weights in by_value.items():
        feature = features[field]
        table = np.ones(feature.slots)
        for value, weight in weights.items():
            table[feature.slot(value)] = weight
        all_weights = {value: float(table[feature.slot(value)]) for value in feature.values}
        _check_order(field, all_weights)
        columns.append(features.column(field))
        tables.append(table)
    if weeks_left:
        feature = features[WEEKS_LEFT]
        table = np.ones(feature.slots)
        # From the longest stretch down: each shorter one then overwrites its own part.
        for at_most, weight in sorted(weeks_left, reverse=True):
            table[1 : feature.slot(at_most) + 1] = weight
        if (np.diff(table[1:]) > 0).any():
            raise ValueError(f"{WEEKS_LEFT}: more weeks left must not weigh more than fewer")
        columns.append(features.column(WEEKS_LEFT))
        tables.append(table)

    for table in tables:
        table[0] = table[1:].max()
    return Weights(columns=tuple(columns), by_slot=tuple(tables))


def _check_order(field: str, weights: Mapping[str, float]) -> None:
    order = _RISING.get(field, ())
    for better, worse in pairwise(order):
        if weights[worse] < weights[better]:
            below = f"{weights[worse]} is below the {weights[better]} of {better}"
            raise ValueError(f"{field}.{worse}: {below}: a user with more need would get less")
    least = _LEAST.get(field)
    for value, weight in weights.items():
        if least and weight < weights[least]:
            raise ValueError(f"{field}.{value}: {weight} is below the {weights[least]} of {least}")
