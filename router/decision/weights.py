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
from itertools import chain, pairwise, product

import numpy as np
from numpy.typing import NDArray

from router.decision.schema import Feature, FeatureSet, Rows

Floats = NDArray[np.float64]
BY_VALUE = ("need_group", "digital_skill", "age_band")
WEEKS_LEFT = "benefit_weeks_left"


@dataclass(frozen=True, kw_only=True, eq=False)
class Weights:
    """Weights by slot of some fields.

    Attributes:
        columns: of the weighted fields.
        by_slot: for each of them the weights, shape (slots,), each at least 1; that of slot 0,
            unknown, is the largest, since unknown never means "no problem", or that of the values
            that a field's order calls equally bad.
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
    """Makes weights from those of single values.

    A value that is not named weighs as the milder one before it, or 1: none falls by itself.

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
        table = _table(feature, weights)
        all_weights = {value: float(table[feature.slot(value)]) for value in feature.values}
        _check_order(feature, all_weights)
        table[0] = _unknown(feature, table)
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
        table[0] = _unknown(feature, table)
        columns.append(features.column(WEEKS_LEFT))
        tables.append(table)

    return Weights(columns=tuple(columns), by_slot=tuple(tables))


def _table(feature: Feature, weights: Mapping[str, float]) -> Floats:
    """Gives the weights by slot, that of unknown aside."""
    named = {feature.slot(value): weight for value, weight in weights.items()}
    table = np.array([named.get(slot, 1.0) for slot in range(feature.slots)])

    least = 1.0
    for step in feature.severity:
        known = [slot for slot in step if slot]
        table[known] = [named.get(slot, least) for slot in known]
        least = float(table[known].max(initial=least))
    return table


def _check_order(feature: Feature, weights: Mapping[str, float]) -> None:
    """Refuses weights that fall where the situation gets worse.

    What stands in no order must not weigh less than the mildest value.

    Raises:
        ValueError: naming the field and value.
    """
    steps = [[feature.values[slot - 1] for slot in step if slot] for step in feature.severity]
    pairs = [*pairwise(step for step in steps if step)]
    unordered = [value for value in feature.values if value not in chain(*steps)]
    if steps and unordered:
        pairs.append((steps[0], unordered))
    for milder, worse in pairs:
        for better, value in product(milder, worse):
            if weights[value] < weights[better]:
                raise ValueError(
                    f"{feature.name}.{value}: {weights[value]} is below the {weights[better]} of "
                    f"{better}: a user with more need would get less"
                )


def _unknown(feature: Feature, table: Floats) -> float:
    """Gives the weight of unknown: the largest, or that of its step where it stands in an order."""
    for step in feature.severity:
        if 0 in step and (known := [slot for slot in step if slot]):
            return float(table[known].max())
    return float(table[1:].max())
