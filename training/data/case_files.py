"""Files of *logged* cases, for training: names, marks, digests; read in batches, and written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from router.cases.problems import CasesRefused
from router.files.aside import written_aside
from router.files.formats import Format, format_of

BATCH = 65_536
"""Rows held as columns of text and numbers at a time."""
# Marks: what a file says of itself, beside its columns.
SYNTHETIC_KEY = "synthetic"
SEED_KEY = "seed"


def is_csv(path: Path) -> bool:
    """Says whether a file is CSV rather than Parquet.

    Raises:
        CasesRefused: if its name ends with neither.
    """
    kind = format_of(path)
    if kind is None:
        raise CasesRefused(f"{path}: must end with .parquet or .csv")
    return kind is Format.CSV


def check_names(paths: Sequence[Path]) -> None:
    """Checks that files can be told apart by their names, which messages and manifests use.

    Raises:
        CasesRefused: if there is none, or two have the same name.
    """
    if not paths:
        raise CasesRefused("cases: no file given; at least one is needed")
    seen: set[str] = set()
    for path in paths:
        if path.name in seen:
            raise CasesRefused(
                f"{path}: another file is named {path.name}; "
                "names must differ, for the manifest has them"
            )
        seen.add(path.name)


def marks(path: Path) -> dict[str, str]:
    """Reads the marks in a Parquet file's metadata; a CSV has none.

    Raises:
        CasesRefused: if it cannot be read.
    """
    if is_csv(path):
        return {}
    with _reading(path):
        found: dict[bytes, bytes] = pq.read_metadata(path).metadata or {}
    return {
        key.decode(errors="replace"): value.decode(errors="replace") for key, value in found.items()
    }


def columns_of(path: Path) -> list[str]:
    """Reads the names of the columns.

    Raises:
        CasesRefused: if the file cannot be read.
    """
    with _reading(path):
        if is_csv(path):
            return pl.read_csv(path, n_rows=0, infer_schema=False).columns
        names: list[str] = pq.read_schema(path).names
    return names


def batches(path: Path) -> Iterator[pl.DataFrame]:
    """Reads rows in order, at most a batch at a time.

    Every column of a CSV is text, an empty cell null.

    Raises:
        CasesRefused: if the file cannot be read.
    """
    with _reading(path):
        if is_csv(path):
            # No types are guessed: a guess from the first rows fails at a later cell without naming
            # it.
            lines = pl.scan_csv(path, infer_schema=False)
            # Some programs put quotes around an empty cell too.
            texts = lines.with_columns(pl.when(pl.all() != "").then(pl.all()))
            yield from texts.collect_batches(chunk_size=BATCH, maintain_order=True)
            return
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH):
                # Of a batch it is always a frame; the test tells type checkers so.
                frame = pl.from_arrow(batch)
                if isinstance(frame, pl.DataFrame):
                    yield frame


def write_cases(frame: pl.DataFrame, out: Path, marks: Mapping[str, str]) -> None:
    """Writes cases to a CSV or Parquet file, which appears whole or not at all.

    Args:
        frame: the cases.
        out: ends with .csv or .parquet; replaced if it exists.
        marks: metadata of a Parquet file; a CSV has none.
    """
    with written_aside(out) as aside:
        if format_of(out) is Format.CSV:
            frame.write_csv(aside)
        else:
            frame.write_parquet(aside, metadata=dict(marks))


def digest(path: Path) -> str:
    """Gives the SHA-256 of a file, hexadecimal.

    Raises:
        CasesRefused: if it cannot be read.
    """
    with _reading(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turns whatever the libraries raise of a file that they cannot read into one refusal.

    Raises:
        CasesRefused: if the file cannot be read.
    """
    try:
        yield
    except (OSError, pa.ArrowException, pl.exceptions.PolarsError) as problem:
        raise CasesRefused(f"{path}: cannot be read: {problem}") from problem
