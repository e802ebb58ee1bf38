"""Files of cases, Parquet or CSV, a batch of rows at a time; what is wrong with them is gathered and told at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from router.cases.national_id import holds_national_id

BATCH = 65_536
"""Rows held as columns of text and numbers at a time."""
_SHOWN = 5
_SHOWN_CHARACTERS = 40
_DIGITS = r"\d[\d\s.\-_/]{9,}\d"
_OTHER_DIGITS = r"[^\x00-\x7F]"


class CasesRefused(ValueError):
    """Cases cannot be used; the message lists file, column, rows and bound of every problem."""


@dataclass(slots=True)
class _Cells:
    shown: list[str] = field(default_factory=list)
    count: int = 0


class Problems:
    """What is wrong with files of cases; rows are numbered from 1, a CSV's header not counted."""

    def __init__(self) -> None:
        self._texts: dict[str, None] = {}
        self._cells: dict[tuple[str, str, bool], _Cells] = {}

    def add(self, where: str, problem: str) -> None:
        """Adds a problem of a whole file or column, once."""
        self._texts[f"{where}: {problem}"] = None

    def cells(
        self,
        where: str,
        bad: NDArray[np.bool_],
        first_row: int,
        bound: str,
        values: pl.Series | None = None,
    ) -> None:
        """Adds cells of one batch.

        Args:
            where: file and column.
            bad: which rows of the batch, shape (n,).
            first_row: rows of the file before the batch.
            bound: what is permitted; without values, what the rows have in common.
            values: of the batch, shown in the message unless they look like a national identity
                number.
        """
        places = np.flatnonzero(bad)
        if not len(places):
            return
        found = self._cells.setdefault((where, bound, values is None), _Cells())
        found.count += len(places)
        for place in places[: _SHOWN - len(found.shown)].tolist():
            row = first_row + place + 1
            found.shown.append(f"{row}" if values is None else f"row {row}: {shown(values[place])}")

    def refuse(self) -> None:
        """Refuses the files if anything was added.

        Raises:
            CasesRefused: with every problem, one a line.
        """
        lines = list(self._texts)
        for (where, bound, bare), found in self._cells.items():
            more = (
                f" and {found.count - len(found.shown)} more"
                if found.count > len(found.shown)
                else ""
            )
            rows = ", ".join(found.shown) + more
            lines.append(
                f"{where}: rows {rows}: {bound}"
                if bare
                else f"{where}: {rows}; permitted is {bound}"
            )
        if lines:
            raise CasesRefused("\n".join(lines))


def shown(value: object) -> str:
    """A value as messages show it: short, and never a national identity number."""
    text = str(value)
    if holds_national_id(text):
        return "(looks like a national identity number)"
    if len(text) > _SHOWN_CHARACTERS:
        return f"{text[:_SHOWN_CHARACTERS]!r}..."
    return repr(value)


def is_csv(path: Path) -> bool:
    """Whether a file is CSV rather than Parquet.

    Raises:
        CasesRefused: if its name ends with neither.
    """
    if path.suffix not in (".csv", ".parquet"):
        raise CasesRefused(f"{path}: must end with .parquet or .csv")
    return path.suffix == ".csv"


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
                f"{path}: another file is named {path.name}; names must differ, for the manifest has them"
            )
        seen.add(path.name)


def marks(path: Path) -> dict[str, str]:
    """The marks in a Parquet file's metadata; a CSV has none.

    Raises:
        CasesRefused: if it cannot be read.
    """
    if is_csv(path):
        return {}
    try:
        found: dict[bytes, bytes] = pq.read_metadata(path).metadata or {}
    except (OSError, pa.ArrowException) as problem:
        raise CasesRefused(f"{path}: cannot be read: {problem}") from problem
    return {
        key.decode(errors="replace"): value.decode(errors="replace") for key, value in found.items()
    }


def columns_of(path: Path) -> list[str]:
    """Names of the columns.

    Raises:
        CasesRefused: if the file cannot be read.
    """
    try:
        if is_csv(path):
            return pl.read_csv(path, n_rows=0, infer_schema=False).columns
        names: list[str] = pq.read_schema(path).names
    except (OSError, pa.ArrowException, pl.exceptions.PolarsError) as problem:
        raise CasesRefused(f"{path}: cannot be read: {problem}") from problem
    return names


def batches(path: Path) -> Iterator[pl.DataFrame]:
    """Rows in order, at most a batch at a time; every column of a CSV is text, an empty cell null.

    Raises:
        CasesRefused: if the file cannot be read.
    """
    try:
        if is_csv(path):
            lines = pl.scan_csv(path, infer_schema=False)
            # Some programs put quotes around an empty cell too.
            texts = lines.with_columns(pl.when(pl.all() != "").then(pl.all()))
            yield from texts.collect_batches(chunk_size=BATCH, maintain_order=True)
            return
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH):
                frame = pl.from_arrow(batch)
                if isinstance(frame, pl.DataFrame):
                    yield frame
    except (OSError, pa.ArrowException, pl.exceptions.PolarsError) as problem:
        raise CasesRefused(f"{path}: cannot be read: {problem}") from problem


def digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal.

    Raises:
        CasesRefused: if it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        raise CasesRefused(f"{path}: cannot be read: {problem}") from problem


def national_ids(texts: pl.Series) -> NDArray[np.bool_]:
    """Which texts hold a national identity number, shape (n,); null holds none."""
    # Full-width and other digits are digits to the closer look, but not to this first, fast one.
    suspects = (
        (texts.str.contains(_DIGITS) | texts.str.contains(_OTHER_DIGITS))
        .fill_null(False)
        .to_numpy()
    )
    found = np.zeros(len(texts), np.bool_)
    for place in np.flatnonzero(suspects).tolist():
        found[place] = holds_national_id(texts[place])
    return found
