"""The proof that a worse value never makes tables want less human contact, over every value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from router.decision.pairs import Pair
from router.decision.schema import UNKNOWN, Feature
from router.decision.tables import DecisionTables, Floats

# Adding up in another order moves a value by some 1e-16: a smaller fall is none.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """A worse value for which a heavier mix gains less over the one before it.

    Attributes:
        feature: name of the field.
        better: the milder value, "UNKNOWN" for an unknown one.
        worse: the value of the next step of severity, likewise.
        lighter: id of the lighter mix.
        heavier: id of the mix after it.
        by: how much less the heavier one gains, outcome points; above 0.
    """

    feature: str
    better: str
    worse: str
    lighter: str
    heavier: str
    by: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was compared, and every exception found.

    Attributes:
        features: names of the fields with an order of severity that the tables read.
        steps: comparisons: a value, one of the next step, and two neighbouring mixes.
        falls: the exceptions, by field, value and mix; empty if a worse value never means less
            contact.
        unordered: likewise, where a value that stands in no order, as unknown often does, wants
            less than the mildest one: it would count as "no problem".
    """

    features: tuple[str, ...]
    steps: int
    falls: tuple[Fall, ...]
    unordered: tuple[Fall, ...]

    @property
    def holds(self) -> bool:
        """Whether there is no exception."""
        return not self.falls


def prove(tables: DecisionTables, mixes: Sequence[str]) -> Proof:
    """Compares every value of an ordered field with every one of the next step of severity.

    With g_k(x) = value[k + 1](x) - value[k](x), the best of the permitted mixes never gets lighter
    if no g_k falls (Topkis 1978), whatever price, minutes and other fields are. Values are sums
    over fields, so what a step does to g_k is a difference of two numbers in the table, and of
    what pairs add, the least over the other fields' values:

        g_k(worse) - g_k(better) = slots + sum over the other fields of min over their values

    Every comparison is made, and each other field takes its least at some value: the exceptions
    are exactly those that a case can meet.

    Args:
        tables: to compare in, by the mean over folds, as mixes are chosen.
        mixes: their ids, lightest first.
    """
    names, steps = [], 0
    falls: list[Fall] = []
    unordered: list[Fall] = []
    for column in tables.columns.tolist():
        feature = tables.features.features[column]
        if not feature.severity:
            continue

        names.append(feature.name)
        gains = _Gains.of(tables, column)
        # Every slot of a step with every slot of the next: between steps further apart it follows.
        for milder, worse in pairwise(feature.severity):
            steps += len(milder) * len(worse) * gains.count
            falls += _falls(feature, gains, mixes, milder, worse)
        ranks = feature.ranks
        outside = tuple(slot for slot in range(feature.slots) if slot not in ranks)
        unordered += _falls(feature, gains, mixes, feature.severity[0], outside)
    return Proof(features=tuple(names), steps=steps, falls=tuple(falls), unordered=tuple(unordered))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gains:
    """What a field's slots say of each mix's gain over the one before.

    Attributes:
        slots: (slots, mixes - 1).
        beside: what pairs add, for each other field (slots, its values told apart, mixes - 1).
    """

    slots: Floats
    beside: list[Floats]

    @property
    def count(self) -> int:
        """Number of gains: one less than mixes."""
        return int(self.slots.shape[1])

    @classmethod
    def of(cls, tables: DecisionTables, column: int) -> _Gains:
        """Reads them off the mean over folds, by which mixes are chosen."""
        start = int(tables.offsets[tables.columns.tolist().index(column)])
        slots = tables.mean[start : start + tables.features.features[column].slots]
        return cls(slots=np.diff(slots, axis=1), beside=_beside(tables, column))

    def least_change(self, better: int, worse: int) -> Floats:
        """Gives the least that each gain changes by from one slot to another, (mixes - 1,)."""
        change: Floats = self.slots[worse] - self.slots[better]
        for added in self.beside:
            change = change + (added[worse] - added[better]).min(axis=0)
        return change


def _falls(
    feature: Feature,
    gains: _Gains,
    mixes: Sequence[str],
    milder: Sequence[int],
    worse: Sequence[int],
) -> list[Fall]:
    return [
        Fall(
            feature=feature.name,
            better=_value(feature, one),
            worse=_value(feature, other),
            lighter=mixes[lighter],
            heavier=mixes[lighter + 1],
            by=-float(change[lighter]),
        )
        for one, other in product(milder, worse)
        for change in [gains.least_change(one, other)]
        for lighter in np.flatnonzero(change < -_ROUNDING).tolist()
    ]


def _value(feature: Feature, slot: int) -> str:
    value = feature.value(slot)
    return UNKNOWN if value is None else str(value)


def _beside(tables: DecisionTables, column: int) -> list[Floats]:
    """Gives what pairs add to each g_k, by the column's slot and the other field's values.

    Returns:
        For each other field an array of shape (slots, values told apart, mixes - 1).
    """
    by_other: dict[int, list[tuple[NDArray[np.intp], NDArray[np.intp], Floats]]] = {}
    for pair in tables.pairs:
        if column in (pair.first, pair.second):
            other = pair.second if column == pair.first else pair.first
            by_other.setdefault(other, []).append(_turned(pair, column))

    found = []
    for pairs in by_other.values():
        # Of two pairs with the same field: one value of it is in a bin of each.
        bins = np.unique(np.stack([others for _, others, _ in pairs]), axis=1)
        added = sum(
            np.diff(values[own[:, None], of_pair], axis=2)
            for (own, _, values), of_pair in zip(pairs, bins, strict=True)
        )
        found.append(np.asarray(added))
    return found


def _turned(pair: Pair, column: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Gives a pair as its column's bins, the other's bins, and values (own, other, mixes)."""
    own, others = pair.first_bins.astype(np.intp), pair.second_bins.astype(np.intp)
    mean = pair.values.mean(axis=2)
    values = mean.reshape(-1, pair.width, mean.shape[1])
    if column == pair.first:
        return own, others, values
    return others, own, values.transpose(1, 0, 2)
