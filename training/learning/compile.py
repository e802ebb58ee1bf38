"""Reads tables off distilled students, and proves them equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from router.decision.pairs import Pair
from router.decision.schema import Rows
from router.decision.tables import DecisionTables
from router.decision.whole_tens import whole_tens
from training.learning.distil import Coarse, Distilled, PairModel
from training.learning.encoding import Encoding, slot_counts
from training.learning.scores import Floats
from training.learning.stack import centred

# Adding up in another order moves a value by some 1e-15; tables read off wrongly are off by far
# more.
TOLERANCE = 1e-9
# All rows at once would hold a value for each mix and fold of each of them, twice.
_ROWS_AT_ONCE = 50_000


class NotAdditive(RuntimeError):
    """The tables differ from the students they were read off; nothing is published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """The proof: rows and slots compared, and the largest difference found, outcome points."""

    rows: int
    slots: int
    max_abs_difference: float


def compile_tables(
    students: Sequence[Distilled], encoding: Encoding, rows: Rows, error_scale: float = 1.0
) -> tuple[DecisionTables, Parity]:
    """Compiles students, one a fold, into tables.

    A sum of one-feature functions has as its entry for a slot the prediction for a reference row
    with that slot set, minus the prediction for the reference. Only `predict` is used. What a pair
    adds is predicted for each of its cells. The folds are spread around their mean by the scale of
    the errors, so that their jackknife is the calibrated error.

    Args:
        students: F fitted students.
        encoding: what they see of a row.
        rows: the training rows, shape (n, features), counted per slot and cell, and compared.
        error_scale: factor on the folds' distance from their mean.

    Raises:
        NotAdditive: if any slot or training row differs by more than 1e-9.
    """
    features = encoding.features
    # Any row would do; that of all unknown exists whatever the features are.
    reference = np.zeros(len(features.features), np.uint16)

    probes = []
    for column in encoding.columns:
        slots = features.features[column].slots
        block = np.tile(reference, (slots, 1))
        block[:, column] = np.arange(slots)
        probes.append(block)

    probe = np.concatenate(probes)
    # Without pairs, or a slot would also carry what it adds together with the reference row's.
    alone = [replace(student, pairs=()) for student in students]
    start = _values(alone, encoding, reference[None])[0]
    # Strict: all students have the same pairs, or their folds could not stand in one table.
    by_pair = zip(*(student.pairs for student in students), strict=True)

    tables = DecisionTables(
        features=features,
        values=_spread(_values(alone, encoding, probe) - start, error_scale),
        intercept=_spread(start, error_scale),
        counts=slot_counts(features, encoding.columns, rows),
        pairs=tuple(_pair(models, encoding, rows, error_scale) for models in by_pair),
    )

    # Slots that no case has are compared too: the service may meet them.
    compared = np.concatenate([probe, rows])
    difference = 0.0
    for part in np.array_split(compared, 1 + len(compared) // _ROWS_AT_ONCE):
        expected = _spread(_values(students, encoding, part), error_scale)
        apart = np.abs(tables.fold_values(part) - expected)
        difference = max(difference, float(apart.max()))

    if difference > TOLERANCE:
        raise NotAdditive(
            f"tables differ from the students by up to {difference}, more than {TOLERANCE}"
        )
    return tables, Parity(rows=len(rows), slots=len(probe), max_abs_difference=difference)


def _values(students: Sequence[Distilled], encoding: Encoding, rows: Rows) -> Floats:
    inputs = encoding.inputs(rows)
    return np.stack([student.values(inputs) for student in students], axis=-1)


def _spread(values: Floats, scale: float) -> Floats:
    mean = values.mean(axis=-1, keepdims=True)
    wider: Floats = mean + scale * (values - mean)
    return wider


def _pair(models: Sequence[PairModel], encoding: Encoding, rows: Rows, error_scale: float) -> Pair:
    """Reads one pair of all folds' students as a table."""
    first, second = models[0].first, models[0].second
    sides = [_bins(encoding, first), _bins(encoding, second)]
    # Bins that no slot falls into are left out, so that every bin's number is that of some slot.
    used = [np.unique(side) for side in sides]

    grid = np.stack(np.meshgrid(*used, indexing="ij"), axis=-1).reshape(-1, 2)

    # Students learn steps between mixes; a table holds each mix's height, centred as theirs are.
    nothing = np.zeros(len(grid))
    heights = [np.cumsum(np.column_stack([nothing, model.added(grid)]), axis=1) for model in models]
    values = _spread(np.stack([centred(one) for one in heights], axis=-1), error_scale)

    columns = [int(encoding.columns[one.column]) for one in (first, second)]
    numbers = [
        np.searchsorted(kept, side).astype(np.uint16)
        for kept, side in zip(used, sides, strict=True)
    ]

    # Cells are numbered as `Pair` looks them up: the first side's bin, then the second's.
    cells = (
        numbers[0][rows[:, columns[0]]].astype(np.intp) * len(used[1])
        + numbers[1][rows[:, columns[1]]]
    )

    return Pair(
        first=columns[0],
        second=columns[1],
        first_bins=numbers[0],
        second_bins=numbers[1],
        values=values,
        counts=whole_tens(np.bincount(cells, minlength=len(grid)).astype(np.int64)),
    )


def _bins(encoding: Encoding, cut: Coarse) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Gives the bin of each slot of a column."""
    return cut.of(encoding.maps[cut.column])
