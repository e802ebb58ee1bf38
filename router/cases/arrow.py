"""Cases as Arrow batches, from Parquet or CSV files: read into rows of slots, and written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from router.cases.features import FEATURES
from router.cases.national_id import holds_national_id
from router.decision.schema import Feature, Rows

_BATCH = 16384
KEY = "case_ref"
# Columns of logged cases that say nothing about what to recommend.
_IGNORED = frozenset(
    {"mix", "outcome", "adviser_minutes", "propensity", "decided_on", "office_ref"}
)
_SHOWN = 5
_DIGITS = r"\d[\d\s.\-_/]{9,}\d"
_REF_AT_MOST = 64


class CasesRefused(ValueError):
    """A file of cases cannot be scored; the message names file, column, rows and the bound."""


def rows_of(batch: pa.RecordBatch, first_row: int) -> Rows:
    """Slots of a batch of cases, shape (n, features); nothing but the fact of a shielded case.

    Raises:
        CasesRefused: naming column, rows and bound.
    """
    known = {*FEATURES.names, KEY, *_IGNORED}
    unknown = [name for name in batch.schema.names if name not in known]
    if unknown:
        raise CasesRefused(f"columns {', '.join(unknown)}: are not fields of a case")
    if KEY not in batch.schema.names:
        raise CasesRefused(f"column {KEY}: is missing")
    _check_refs(batch.column(KEY).cast(pa.string()), first_row)
    rows = np.zeros((len(batch), len(FEATURES.features)), np.uint16)
    for column, feature in enumerate(FEATURES.features):
        if feature.name in batch.schema.names:
            rows[:, column] = _slots(batch.column(feature.name), feature, first_row)
    shielded = rows[:, FEATURES.column("shielded")] != FEATURES["shielded"].slot("NO")
    if shielded.any():
        only = np.arange(rows.shape[1]) == FEATURES.column("shielded")
        rows[shielded] *= only
    return rows


def _slots(values: pa.Array, feature: Feature, first_row: int) -> NDArray[np.uint16]:
    kind = values.type
    if pa.types.is_null(kind):
        return np.zeros(len(values), np.uint16)
    if feature.values:
        if pa.types.is_dictionary(kind):
            values = values.cast(pa.string())
        if not (
            pa.types.is_string(kind)
            or pa.types.is_dictionary(kind)
            or pa.types.is_large_string(kind)
        ):
            raise CasesRefused(
                f"column {feature.name}: has type {kind}; permitted is {feature.bound}"
            )
        places = pc.index_in(values, value_set=pa.array(feature.values, values.type))
        slots = np.asarray(places.fill_null(-1)) + 1
        _refuse((slots == 0) & np.asarray(values.is_valid()), values, feature, first_row)
        return slots.astype(np.uint16)
    if not pa.types.is_integer(kind):
        raise CasesRefused(
            f"column {feature.name}: has type {kind}; permitted are whole numbers, {feature.bound}"
        )
    numbers = np.asarray(values.cast(pa.int64()).fill_null(feature.lower - 1))
    valid = np.asarray(values.is_valid())
    _refuse(
        ((numbers < feature.lower) | (numbers > feature.upper)) & valid, values, feature, first_row
    )
    return (numbers - feature.lower + 1).astype(np.uint16)


def _refuse(bad: NDArray[np.bool_], values: pa.Array, feature: Feature, first_row: int) -> None:
    if not bad.any():
        return
    places = np.flatnonzero(bad)
    shown = ", ".join(
        f"row {first_row + p + 1}: {values[int(p)].as_py()!r}" for p in places[:_SHOWN]
    )
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    raise CasesRefused(f"column {feature.name}: {shown}{more}; permitted is {feature.bound}")


def _check_refs(refs: pa.Array, first_row: int) -> None:
    length = pc.utf8_length(refs).fill_null(0)
    wrong = np.asarray(length.to_numpy(zero_copy_only=False))
    bad = np.flatnonzero((wrong < 1) | (wrong > _REF_AT_MOST))
    if len(bad):
        raise CasesRefused(f"column {KEY}: row {first_row + int(bad[0]) + 1} has {wrong[bad[0]]} characters; "
                           f"permitted are 1 to {_REF_AT_MOST}")  # fmt: skip
    suspects = np.flatnonzero(
        pc.match_substring_regex(refs, _DIGITS).to_numpy(zero_copy_only=False)
    )
    for place in suspects.tolist():
        if holds_national_id(refs[place].as_py()):
            raise CasesRefused(
                f"column {KEY}: row {first_row + place + 1} looks like a national identity number"
            )


def read_batches(cases: Path) -> Iterator[pa.RecordBatch]:
    """Batches of a CSV or Parquet file."""
    if cases.suffix == ".csv":
        types = {f.name: pa.string() if f.values else pa.int64() for f in FEATURES.features} | {
            KEY: pa.string()
        }
        options = pa.csv.ConvertOptions(
            column_types=types, strings_can_be_null=True, null_values=[""]
        )
        return iter(pa.csv.read_csv(cases, convert_options=options).to_batches(_BATCH))
    batches: Iterator[pa.RecordBatch] = pq.ParquetFile(cases).iter_batches(_BATCH)
    return batches


def batch_writer(aside: Path, csv: bool, schema: pa.Schema) -> Any:  # noqa: ANN401 - one of two of PyArrow's classes
    """A writer of record batches, CSV or Parquet."""
    if csv:
        return pa.csv.CSVWriter(aside, schema)
    # Only these repeat: trying a dictionary for numbers takes a fifth of the time and saves nothing.
    return pq.ParquetWriter(aside, schema, use_dictionary=["status", "mix", "adviser_minutes"])
