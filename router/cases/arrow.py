"""Reads and writes files of cases that are scored or planned, in each format, by Arrow batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from router.cases.features import (
    CASE_REF,
    FEATURES,
    LOGGED,
    REFERENCES,
    SHIELDED,
    are_shielded,
    slots_of,
)
from router.cases.problems import CasesRefused, Problems, shown_name
from router.cases.references import TextRule
from router.decision.schema import Feature, Rows
from router.files.aside import written_aside
from router.files.formats import Format, format_of

# Rows at once: large enough that Arrow and NumPy do the work, small beside any memory.
_BATCH = 16384
_KNOWN = frozenset({*FEATURES.names, *REFERENCES, *LOGGED})


def rows_of(batch: pa.RecordBatch, first_row: int) -> Rows:
    """Reads the slots of a batch of cases; of a shielded one nothing but the fact.

    Args:
        batch: columns by name; an absent one or a null is unknown.
        first_row: rows of the file before the batch, for messages.

    Returns:
        Shape (n, features).

    Raises:
        CasesRefused: naming column, rows and bound of the first column that is not as it must be.
    """
    names = batch.schema.names
    unknown = [name for name in names if name not in _KNOWN]
    if unknown:
        names_shown = ", ".join(map(shown_name, unknown))
        raise CasesRefused(f"columns {names_shown}: are not fields of a case")
    if CASE_REF not in names:
        raise CasesRefused(f"column {CASE_REF}: is missing")
    _check_references(batch, first_row)

    rows = np.zeros((len(batch), len(FEATURES.features)), np.uint16)
    for column, feature in enumerate(FEATURES.features):
        if feature.name in names:
            rows[:, column] = _slots(batch.column(feature.name), feature, first_row)

    shielded = are_shielded(rows)
    if shielded.any():
        # What was sent of them besides is dropped here, before anything can count or keep it.
        rows[shielded] *= np.arange(rows.shape[1]) == SHIELDED
    return rows


def _slots(values: pa.Array, feature: Feature, first_row: int) -> NDArray[np.uint16]:
    # A column without any value has no type of its own in CSV and from some writers.
    if pa.types.is_null(values.type):
        return np.zeros(len(values), np.uint16)
    numbers = _places(values, feature) if feature.values else _integers(values, feature)
    known = values.null_count == 0 or np.asarray(values.is_valid())
    slots, bad = slots_of(numbers, known, feature)
    if bad.any():
        problems = Problems()
        where = f"column {feature.name}"
        problems.cells(where, bad, first_row, feature.bound, values.to_pylist())
        problems.refuse()
    return slots


def _places(values: pa.Array, feature: Feature) -> NDArray[np.int32]:
    """Gives each text's place among the feature's values, from 1; 0 for null and any other.

    Raises:
        CasesRefused: if they are no texts.
    """
    kind = values.type
    # Categories of pandas and polars come so.
    if pa.types.is_dictionary(kind):
        values = values.cast(pa.string())
    elif not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise CasesRefused(f"column {feature.name}: has type {kind}; permitted is {feature.bound}")
    places = pc.index_in(values, value_set=pa.array(feature.values, values.type))
    found: NDArray[np.int32] = np.asarray(places.fill_null(-1)) + 1
    return found


def _integers(values: pa.Array, feature: Feature) -> NDArray[np.int64]:
    if not pa.types.is_integer(values.type):
        raise CasesRefused(
            f"column {feature.name}: has type {values.type}; "
            f"permitted are whole numbers, {feature.bound}"
        )
    # Beyond 63 bits there are but numbers that are too high, whatever they are.
    if pa.types.is_uint64(values.type):
        too_high = pa.scalar(feature.upper + 1, pa.uint64())
        values = pc.min_element_wise(values, too_high, skip_nulls=False)
    numbers = values.cast(pa.int64()).fill_null(feature.lower - 1)
    found: NDArray[np.int64] = np.asarray(numbers)
    return found


def _check_references(batch: pa.RecordBatch, first_row: int) -> None:
    problems = Problems()
    for name, rule in REFERENCES.items():
        # Values of another kind are refused, or not read, by whoever reads the column.
        if name in batch.schema.names and not pa.types.is_nested(batch.column(name).type):
            texts = batch.column(name).cast(pa.string())
            for problem, bad in text_problems(texts, rule).items():
                problems.cells(f"column {name}", bad, first_row, problem)

    refs = batch.column(CASE_REF).cast(pa.string())
    missing = np.asarray(pc.utf8_length(refs).fill_null(0)) == 0
    told = f"no reference; needed is one of {REFERENCES[CASE_REF].bound}"
    problems.cells(f"column {CASE_REF}", missing, first_row, told)
    problems.refuse()


def text_problems(texts: pa.Array, rule: TextRule) -> dict[str, NDArray[np.bool_]]:
    """Says what is wrong with a column of texts, each problem with the rows that have it, (n,)."""
    # Those that may be bad are found in bulk; they are few, and looked at one by one.
    unsure = pc.or_(
        pc.match_substring_regex(texts, rule.unsure),
        pc.greater(pc.utf8_length(texts), rule.longest),
    ).fill_null(False)
    places = np.flatnonzero(np.asarray(unsure))
    return rule.problems(texts.take(pa.array(places)).to_pylist(), places, len(texts))


def read_batches(cases: Path) -> Iterator[pa.RecordBatch]:
    """Reads a CSV or Parquet file in batches; the columns of a CSV are typed as the contract's."""
    if format_of(cases) is not Format.CSV:
        batches: Iterator[pa.RecordBatch] = pq.ParquetFile(cases).iter_batches(_BATCH)
        return batches
    types = {f.name: pa.string() if f.values else pa.int64() for f in FEATURES.features}
    types[CASE_REF] = pa.string()
    # Nothing but an empty field is unknown: "NA" or "null" is a mistake, and is told as one.
    options = pa.csv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""])
    return iter(pa.csv.read_csv(cases, convert_options=options).to_batches(_BATCH))


def write_batches(batches: Iterable[pa.RecordBatch], out: Path) -> int:
    """Writes batches to a CSV or Parquet file, which appears whole or not at all.

    Returns:
        The number of rows.

    Raises:
        CasesRefused: if there is no batch.
    """
    count, writer = 0, None
    with written_aside(out) as aside:
        for batch in batches:
            if writer is None:
                writer = _writer(aside, format_of(out), batch.schema)
            writer.write_batch(batch)
            count += len(batch)
        if writer is None:
            raise CasesRefused("has no cases")
        writer.close()
    return count


# One of two of PyArrow's classes, which have no types.
def _writer(aside: Path, kind: Format | None, schema: pa.Schema) -> Any:  # noqa: ANN401
    if kind is Format.CSV:
        return pa.csv.CSVWriter(aside, schema)
    # Only these repeat: a dictionary tried for numbers takes a fifth of the time, saves nothing.
    return pq.ParquetWriter(aside, schema, use_dictionary=["status", "mix", "adviser_minutes"])
