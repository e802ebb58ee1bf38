"""Tables of "What each mix is worth, by field" (sections/effects), one a field."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.decision.schema import Feature
from router.decision.tables import DecisionTables, Floats
from training.report.heat import HeatRow, HeatTable, heat_row, jackknife
from training.report.words import names, number

FIELDS_SHOWN, FIELDS_TOLD = 6, 12
STRETCHES = 6
"""Numbers are shown in so many stretches of about equally many cases."""
LEAST = 0.005
"""Points: a field that shifts less on average would be a table of zeros."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """One field's part of the contrasts to the first mix, as shifts from the average training case.

    Attributes:
        feature: the field.
        folds: (slots, mixes - 1, folds) points.
        counts: (slots,) training cases.
    """

    feature: Feature
    folds: Floats
    counts: NDArray[np.int64]

    @property
    def shift(self) -> Floats:
        """Shifts, (slots, mixes - 1) points."""
        mean: Floats = self.folds.mean(axis=2)
        return mean

    @property
    def weight(self) -> float:
        """Mean absolute shift over training cases and mixes, points: how much the field matters."""
        cases = self.counts.sum()
        return float((self.counts @ np.abs(self.shift)).mean() / cases) if cases else 0.0


def effects(tables: DecisionTables) -> list[Effects]:
    """Measures all model fields, the one that matters most first.

    The tables' folds are spread by the calibrated factor already.
    """
    found = []
    for column, start in zip(tables.columns, tables.offsets, strict=True):
        feature = tables.features.features[column]
        part = slice(start, start + feature.slots)
        counts = tables.counts[part]
        contrast = 100 * (tables.values[part, 1:] - tables.values[part, :1])
        if counts.sum():
            # Relative to the average case, as the reasons that users are given are.
            contrast = contrast - np.tensordot(counts / counts.sum(), contrast, 1)
        found.append(Effects(feature=feature, folds=contrast, counts=counts))
    return sorted(found, key=lambda one: (-one.weight, one.feature.name))


def effect_tables(found: list[Effects], mixes: tuple[str, ...]) -> list[HeatTable]:
    """Makes the tables of the fields that matter most."""
    shown = [one for one in found[:FIELDS_SHOWN] if one.weight >= LEAST]
    parts = [_parts(one) for one in shown]
    # One scale for all fields and mixes: they stand beside each other to be compared.
    strongest = [float(np.abs(mean).max()) for part in parts for _, _, mean, _ in part]
    reach = max([*strongest, 0.01])
    return [_table(one, part, reach, mixes) for one, part in zip(shown, parts, strict=True)]


def _parts(one: Effects) -> list[tuple[str, int, Floats, Floats]]:
    """Gives words, cases, shift and error of each value or stretch that has cases."""
    parts = _values(one) if one.feature.values else _stretches(one)
    counted = [(words, slots, int(one.counts[slots].sum())) for words, slots in parts]
    return [(words, cases, *_mean(one, slots)) for words, slots, cases in counted if cases]


def _table(
    one: Effects,
    parts: list[tuple[str, int, Floats, Floats]],
    reach: float,
    mixes: tuple[str, ...],
) -> HeatTable:
    label = names().field(one.feature.name)
    rows = tuple(heat_row(*part, reach) for part in parts)
    return HeatTable(
        title=f"{label[0].upper()}{label[1:]}",
        sentence=_sentence(rows, mixes),
        corner=one.feature.unit,
        heads=tuple(names().mix(mix) for mix in mixes[1:]),
        rows=rows,
    )


def _mean(one: Effects, slots: NDArray[np.intp]) -> tuple[Floats, Floats]:
    counts = one.counts[slots]
    return jackknife(np.tensordot(counts / counts.sum(), one.folds[slots], 1))


def _values(one: Effects) -> list[tuple[str, NDArray[np.intp]]]:
    english, feature = names().english, one.feature
    # Unknown last, as in the tables of numbers.
    slots = [*range(1, len(one.counts)), 0]
    return [(english.value(feature, slot), np.array([slot])) for slot in slots]


def _stretches(one: Effects) -> list[tuple[str, NDArray[np.intp]]]:
    """Cuts numbers where so many cases lie below, and gives each stretch its words."""
    counts = one.counts[1:]
    below = np.cumsum(counts) - counts / 2
    part = np.floor(STRETCHES * below / max(1, counts.sum())).astype(np.intp)
    found = []
    for stretch in np.unique(part):
        slots = np.flatnonzero(part == stretch) + 1
        low, high = one.feature.value(int(slots[0])), one.feature.value(int(slots[-1]))
        found.append((f"{low}" if low == high else f"{low}–{high}", slots))
    return [*found, ("unknown", np.array([0]))]


def _sentence(rows: tuple[HeatRow, ...], mixes: tuple[str, ...]) -> str:
    """Says where the field speaks loudest, and that it may be chance."""
    cells = [
        (abs(cell.strength), row.label, mix, cell)
        for row in rows
        for mix, cell in zip(mixes[1:], row.cells, strict=True)
        if cell.sure
    ]
    if not cells:
        return "No shift is beyond chance."
    _, label, mix, cell = max(cells, key=lambda one: one[0])
    return f"The largest sure shift: {cell.words} for “{names().mix(mix)}” where it is “{label}”."


def weights_in_words(found: list[Effects]) -> str:
    """Tells how much the fields shift, the strongest first, and how many shift less."""
    told = [one for one in found[:FIELDS_TOLD] if one.weight >= LEAST]
    words = [f"{names().field(one.feature.name)} {number(one.weight, 2)}" for one in told]
    rest = len(found) - len(told)
    less = number(told[-1].weight, 2) if told else f"{LEAST:g}"
    others = f"{rest} other fields" if told else f"all {rest} fields"
    return "; ".join([*words, *([f"{others} at most {less}"] if rest else [])])
