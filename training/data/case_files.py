"""Files of *logged* cases, for training: marks and digests, and how they are written."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
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


def write_cases(frame: pl.DataFrame, out: Path, marks: Mapping[str, str]) -> None:
    """Writes cases to a CSV or Parquet file, which appears whole or not at all.

    Args:
        frame: the cases.
        out: ends with .csv or .parquet; replaced if it exists.
        marks: metadata of a Parquet file; a CSV has none.
    """
    with written_aside(out) as aside:
        if format_of(out) is Format.CSV:
            texts = pl.col(pl.String).str.replace(FORMULA, "'$1")
            frame.with_columns(texts).write_csv(aside)
        else:
            frame.write_parquet(aside, metadata=dict(marks))


def digest(path: Path) -> str:
    """Gives the SHA-256 of a file, hexadecimal.

    Raises:
        CasesRefused: if it cannot be read.
    """
    with reading(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
