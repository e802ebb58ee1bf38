"""Files of *logged* cases, for training: marks and digests, and how they are written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from numpy.typing import NDArray

from router.cases.sources import Kind, Source
from router.cases.tables import reading
from router.files.aside import written_aside
from router.files.formats import Format, format_of
from router.files.spreadsheet import FORMULA

Texts = NDArray[np.str_]
BATCH = 65_536
"""Rows held as columns of text and numbers at a time."""
# Rows of a Parquet file's row group, about: as Polars cuts a frame that is written at once.
_GROUP = 122_880
# Marks: what a file says of itself, beside its columns.
SYNTHETIC_KEY = "synthetic"
SEED_KEY, WORLD_KEY, CASES_KEY = "seed", "world", "cases"


def marks(source: Source) -> dict[str, str]:
    """Reads the marks in a Parquet file's metadata; a CSV has none.

    Raises:
        CasesRefused: if it cannot be read.
    """
    if source.kind is not Kind.PARQUET:
        return {}
    with reading(source.path):
        found: dict[bytes, bytes] = pq.read_metadata(source.path).metadata or {}
    return {
        key.decode(errors="replace"): value.decode(errors="replace") for key, value in found.items()
    }


def write_cases(
    cases: Iterable[pl.DataFrame], rows: int, out: Path, marks: Mapping[str, str]
) -> None:
    """Writes cases to a CSV or Parquet file, which appears whole or not at all.

    Args:
        cases: some at a time, of the same columns.
        rows: of all of them, at least one.
        out: ends with .csv or .parquet; replaced if it exists.
        marks: metadata of a Parquet file; a CSV has none.
    """
    with written_aside(out) as aside:
        if format_of(out) is Format.CSV:
            _write_csv(cases, aside)
        else:
            _write_parquet(_in_groups(cases, rows), aside, marks)


def _write_csv(cases: Iterable[pl.DataFrame], path: Path) -> None:
    texts = pl.col(pl.String).str.replace(FORMULA, "'$1")
    with path.open("wb") as file:
        for place, frame in enumerate(cases):
            frame.with_columns(texts).write_csv(file, include_header=place == 0)


def _write_parquet(groups: Iterator[pl.DataFrame], path: Path, marks: Mapping[str, str]) -> None:
    """Writes row groups, each a frame; only a few of them are in memory."""
    first = next(groups)

    def frames(*_: object) -> Iterator[pl.DataFrame]:
        # Nothing is asked for but all columns and rows.
        yield first
        yield from groups

    lazily = pl.io.plugins.register_io_source(frames, schema=first.schema)
    lazily.sink_parquet(path, metadata=dict(marks), engine="streaming")


def _in_groups(cases: Iterable[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """Puts cases together, and cuts them into groups of about `_GROUP` rows, as many each."""
    fewer, more = max(rows // _GROUP, 1), -(-rows // _GROUP)
    count = min(fewer, more, key=lambda groups: abs(rows // groups - _GROUP))
    sizes = (rows // count + (place < rows % count) for place in range(count))
    size, waiting, length = next(sizes), [], 0
    for frame in cases:
        waiting.append(frame)
        length += len(frame)
        while size and length >= size:
            every = pl.concat(waiting)
            yield every[:size].rechunk()
            waiting, length = [every[size:]], length - size
            size = next(sizes, 0)


def digest(path: Path) -> str:
    """Gives the SHA-256 of a file, hexadecimal.

    Raises:
        CasesRefused: if it cannot be read.
    """
    with reading(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
