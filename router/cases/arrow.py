"""Cases that are scored or planned, from tables to cells, and how they are written with advice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from router.cases.assumed import NO_CASE, Assumed
from router.cases.cells import Cells
from router.cases.features import CASE_REF, FEATURES, REFERENCES, SHIELDED, are_shielded
from router.cases.mapping import AS_IS, KNOWN, FileMapping
from router.cases.problems import CasesRefused, Problems, shown_name
from router.cases.sources import Source, find_sources
from router.cases.tables import Table, open_tables
from router.decision.schema import Rows
from router.files.aside import written_aside
from router.files.formats import Format, check_out, format_of
from router.files.spreadsheet import batch_as_text

# Rows at once: large enough that Arrow and NumPy do the work, small beside any memory.
_BATCH = 32768


def read_batches(cases: Path, assumed: Assumed, mapping: FileMapping = AS_IS) -> Iterator[Cells]:
    """Reads cases in batches, from a file, a folder, a pattern, or hive partitions.

    Args:
        cases: Parquet or CSV; all that is in a folder.
        assumed: what was assumed is added here.
        mapping: what columns and codes are called there.

    Raises:
        CasesRefused: naming file, column and bound, if there is nothing that can be read.
    """
    for table in open_cases(find_sources([cases], assumed), assumed, mapping):
        count = 0
        for cells in cells_in(table, assumed):
            count += len(cells)
            yield cells
        if not count:
            assumed.add(NO_CASE, file=str(table.path))


def open_cases(
    sources: Sequence[Source], assumed: Assumed, mapping: FileMapping = AS_IS
) -> list[Table]:
    """Opens files of cases that are to be scored or planned.

    Args:
        sources: the files.
        assumed: what was assumed is added here.
        mapping: what columns and codes are called there.

    Raises:
        CasesRefused: naming file, column and bound, if one cannot be read.
    """
    problems = Problems()
    tables = open_tables(sources, mapping, problems, assumed)
    for table in tables:
        if CASE_REF not in table.columns:
            problems.add(f"{table.path}: column {CASE_REF}", "is missing")
    problems.refuse()
    for table in tables:
        if "shielded" not in table.columns:
            told = (
                "no column says who is shielded, so it is known of nobody that they are not: "
                "all are left to advisers, unless --map says it of all, under constants"
            )
            assumed.add(told, file=str(table.path))
    return tables


def cells_in(
    table: Table, assumed: Assumed, groups: range | None = None, first_row: int = 0
) -> Iterator[Cells]:
    """Reads the rows of a file in order, in batches.

    Args:
        table: the file.
        assumed: what was assumed is added here.
        groups: which row groups of a Parquet file; all if not given.
        first_row: rows of the file before them, for messages.

    Raises:
        CasesRefused: if the file cannot be read.
    """
    for batch in table.batches(_BATCH, groups):
        yield table.cells(batch, first_row, Problems(), assumed)
        first_row += len(batch)


def cells_of(batch: pa.RecordBatch, first_row: int) -> Cells:
    """Takes a batch as rows of cases.

    Args:
        batch: columns by the contract's names; an absent one or a null is unknown.
        first_row: rows before the batch, for messages.

    Raises:
        CasesRefused: if a column is there twice, or is no field of a case.
    """
    names = batch.schema.names
    unknown = [name for name in names if name not in KNOWN]
    if unknown:
        names_shown = ", ".join(map(shown_name, unknown))
        raise CasesRefused(f"columns {names_shown}: are not fields of a case")
    for name in names:
        if names.count(name) > 1:
            raise CasesRefused(f"column {name}: is there twice; permitted is once")
    return Cells(batch=batch, first_row=first_row, problems=Problems(), assumed=Assumed())


class CaseRows(NamedTuple):
    """Cases as they are decided.

    Attributes:
        rows: slots, shape (n, features); of a shielded case nothing but the fact.
        references: texts by column, null where there is none.
    """

    rows: Rows
    references: dict[str, pa.Array]


def read_rows(cells: Cells) -> CaseRows:
    """Reads cases.

    Raises:
        CasesRefused: naming every column that is not as it must be, with rows and bound.
    """
    references = {
        name: texts
        for name, rule in REFERENCES.items()
        if (texts := cells.short_texts(name, rule)) is not None
    }
    if CASE_REF in references:
        told = f"no reference; needed is one of {REFERENCES[CASE_REF].bound}"
        cells.refuse(CASE_REF, np.asarray(references[CASE_REF].is_null()), told)
    rows = np.zeros((len(cells), len(FEATURES.features)), np.uint16)
    for column, feature in enumerate(FEATURES.features):
        slots = cells.slots(feature)
        if slots is not None:
            rows[:, column] = slots
    cells.problems.refuse()
    if CASE_REF not in references:
        raise CasesRefused(f"column {CASE_REF}: is missing")

    shielded = are_shielded(rows)
    if shielded.any():
        # What was sent of them besides is dropped here, before anything can count or keep it.
        rows[shielded] *= np.arange(rows.shape[1]) == SHIELDED
    return CaseRows(rows=rows, references=references)


def write_batches(batches: Iterable[pa.RecordBatch], out: Path, cases: Path | None = None) -> int:
    """Writes batches to a CSV or Parquet file, which appears whole or not at all.

    Args:
        batches: of one schema.
        out: ends with .csv or .parquet.
        cases: where the batches come from; never overwritten.

    Returns:
        The number of rows.

    Raises:
        CasesRefused: if there is no batch.
        OutRefused: if nothing can be written there.
    """
    check_out(out, () if cases is None else (cases,))
    with written_aside(out) as aside:
        count = write_to(aside, format_of(out), batches)
        if count is None:
            raise CasesRefused(f"{cases}: has no cases" if cases else "has no cases")
    return count


# A path or one of PyArrow's files, which have no types.
def write_to(sink: Any, kind: Format | None, batches: Iterable[pa.RecordBatch]) -> int | None:  # noqa: ANN401
    """Writes batches as a table.

    Args:
        sink: a path, or a file that is open for writing.
        kind: CSV, or else Parquet.
        batches: of one schema.

    Returns:
        The number of rows; None if there was no batch, and nothing is written.
    """
    count, writer = 0, None
    for batch in batches:
        if writer is None:
            writer = _writer(sink, kind, batch.schema)
        writer.write_batch(batch_as_text(batch) if kind is Format.CSV else batch)
        count += len(batch)
    if writer is None:
        return None
    writer.close()
    return count


# One of two of PyArrow's classes, which have no types.
def _writer(sink: Any, kind: Format | None, schema: pa.Schema) -> Any:  # noqa: ANN401
    if kind is Format.CSV:
        return pa.csv.CSVWriter(sink, schema)
    # Only these repeat: a dictionary tried for numbers takes a fifth of the time, saves nothing.
    return pq.ParquetWriter(sink, schema, use_dictionary=["status", "mix", "adviser_minutes"])
