"""Reads tables off fitted additive students, and proves them equal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from router.decision.schema import Rows
from router.decision.tables import DecisionTables
from training.student import Encoding, Student

TOLERANCE = 1e-9


class NotAdditive(RuntimeError):
    """The tables differ from the students they were read off; nothing is published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """The proof: rows and slots compared, and the largest difference found, outcome points."""

    rows: int
    slots: int
    max_abs_difference: float


def compile_tables(students: list[Student], encoding: Encoding, rows: Rows) -> tuple[DecisionTables, Parity]:
    """Compiles students, one a fold, into tables.

    An additive model's entry for a slot is the prediction for a reference row with that slot set, minus the
    prediction for the reference. Only `predict` is used.

    Args:
        students: F fitted students.
        encoding: their encoding.
        rows: the training rows, shape (n, features), counted per slot and compared.

    Raises:
        NotAdditive: if any slot or training row differs by more than 1e-9.
    """
    features = encoding.features
    reference = np.zeros(len(features.features), np.uint16)
    probes, counts = [], []
    for column in encoding.columns:
        slots = features.features[column].slots
        block = np.tile(reference, (slots, 1))
        block[:, column] = np.arange(slots)
        probes.append(block)
        counts.append(np.bincount(rows[:, column], minlength=slots))
    probe = np.concatenate(probes)
    inputs, start = encoding.inputs(probe), encoding.inputs(reference[None])
    intercept = np.stack([student.values(start)[0] for student in students], axis=-1)
    values = np.stack([student.values(inputs) for student in students], axis=-1) - intercept
    tables = DecisionTables(
        features=features, values=values, intercept=intercept, counts=np.concatenate(counts).astype(np.int64)
    )
    compared = np.concatenate([probe, rows])
    expected = np.stack([student.values(encoding.inputs(compared)) for student in students], axis=-1)
    difference = float(np.abs(tables.fold_values(compared) - expected).max())
    if difference > TOLERANCE:
        raise NotAdditive(f"tables differ from the students by up to {difference}, more than {TOLERANCE}")
    return tables, Parity(rows=len(rows), slots=len(probe), max_abs_difference=difference)
