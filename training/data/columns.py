"""Columns of files of logged cases, as polars reads them; what is wrong is added to the problems.

Polars and not Arrow, because every bad cell of a CSV is told at once: its cells are texts here, and
one that is no number is a problem of that cell. PyArrow refuses a file at its first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from router.cases.features import slots_of
from router.cases.problems import Problems
from router.cases.references import TextRule
from router.decision.schema import Feature
from training.data.case_files import is_csv

EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)
_DAYS = f"a date as YYYY-MM-DD, {EARLIEST} to {LATEST}"

Bools = NDArray[np.bool_]
Days = NDArray[np.datetime64]
Floats = NDArray[np.float64]
Texts = NDArray[np.str_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Some rows of a file, read column by column.

    A column that is absent, or whose type cannot hold its values, is None; the latter is a problem.
    So is a cell outside the bound, and what is read of it means nothing.

    Attributes:
        frame: n rows.
        path: of the file.
        first_row: rows of the file before these.
        problems: where what is wrong is added.
    """

    frame: pl.DataFrame
    path: Path
    first_row: int
    problems: Problems

    def slots(self, feature: Feature) -> NDArray[np.uint16] | None:
        """Reads the slots of a feature's values, shape (n,)."""
        # Just below the bound, so that what cannot be read is refused as any other bad value is.
        unread = feature.lower - 1
        if feature.values:
            given = self._texts(feature.name, feature.bound)
            if given is None:
                return None
            places = {value: place for place, value in enumerate(feature.values, 1)}
            numbers = given.replace_strict(places, default=unread, return_dtype=pl.Int32)
        else:
            given = self._whole_numbers(feature.name, f"whole numbers, {feature.bound}")
            if given is None:
                return None
            numbers = given.cast(pl.Int64, strict=False)

        known = given.is_not_null().to_numpy()
        slots, bad = slots_of(numbers.fill_null(unread).to_numpy(), known, feature)
        self.refuse(feature.name, bad, feature.bound, self.frame[feature.name])
        # A value that says nothing may not say that a case is not shielded.
        slots[bad] = 0
        return slots

    def numbers(
        self,
        name: str,
        lower: float,
        upper: float,
        bound: str,
        kept: Bools,
        *,
        needed: bool = False,
    ) -> Floats | None:
        """Reads numbers, shape (n,), unknown as NaN.

        Args:
            name: of the column.
            lower: lowest permitted.
            upper: highest permitted.
            bound: both in words.
            kept: the rows whose values must be within it, shape (n,).
            needed: whether they must be known.
        """
        given = self._given(name, bound, lambda kind: not self._typed or kind.is_numeric())
        if given is None:
            return None
        numbers = given.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
        unread = np.isnan(numbers)
        if not needed:
            # In a file that has types NaN is a number that is unknown.
            unread &= given.is_not_null().to_numpy() & (not self._typed)

        bad = unread | (numbers < lower) | (numbers > upper)
        self.refuse(name, bad & kept, bound, given)
        return numbers

    def days(self, name: str, kept: Bools) -> Days | None:
        """Reads days, shape (n,), unknown as NaT; those of the rows kept must be within bounds."""
        given = self._given(
            name, _DAYS, lambda kind: _is_text(kind) or kind in (pl.Date, pl.Datetime)
        )
        if given is None:
            return None
        if _is_text(given.dtype):
            read = given.cast(pl.String).str.to_date("%Y-%m-%d", strict=False)
        else:
            read = given.cast(pl.Date)
        days = read.to_numpy().astype("datetime64[D]")

        unread = np.isnat(days) & given.is_not_null().to_numpy()
        bad = unread | (days < np.datetime64(EARLIEST)) | (days > np.datetime64(LATEST))
        self.refuse(name, bad & kept, _DAYS, given)
        return days

    def codes(self, name: str, ids: tuple[str, ...], kept: Bools) -> NDArray[np.int64] | None:
        """Reads the number of each id, shape (n,); the rows kept must have one of them."""
        given = self._texts(name, "texts")
        if given is None:
            return None
        numbers = {value: number for number, value in enumerate(ids)}
        codes = given.replace_strict(numbers, default=-1, return_dtype=pl.Int64)
        found = codes.fill_null(-1).to_numpy()
        self.refuse(name, (found < 0) & kept, "one of " + ", ".join(ids), self.frame[name])
        return found

    def short_texts(self, name: str, rule: TextRule) -> pl.Series | None:
        """Reads texts, an empty one as null; those that the rule refuses are problems.

        Args:
            name: of the column.
            rule: what they may be.
        """
        texts = self._texts(name, f"a text of {rule.bound}")
        if texts is None:
            return None
        # A pattern first, in Rust: only the few texts that may be bad are looked at one by one.
        unsure = texts.str.contains(rule.unsure) | (texts.str.len_chars() > rule.longest)
        unsure = unsure.fill_null(False)
        places = np.flatnonzero(unsure.to_numpy())
        for problem, bad in rule.problems(
            texts.filter(unsure).to_list(), places, len(texts)
        ).items():
            self.refuse(name, bad, problem)
        return texts

    def refuse(self, name: str, bad: Bools, bound: str, values: pl.Series | None = None) -> None:
        """Adds the bad cells of a column to the problems.

        Args:
            name: of the column.
            bad: which rows, shape (n,).
            bound: what is permitted; without values, what the rows have in common.
            values: to show, n of them.
        """
        self.problems.cells(self._where(name), bad, self.first_row, bound, values)

    @property
    def _typed(self) -> bool:
        """Whether the file has types (Parquet); in one that has none (CSV) every cell is a text."""
        return not is_csv(self.path)

    def _where(self, name: str) -> str:
        return f"{self.path}: column {name}"

    def _given(
        self, name: str, bound: str, holds: Callable[[pl.DataType], bool]
    ) -> pl.Series | None:
        if name not in self.frame.columns:
            return None
        values = self.frame[name]
        # A column of nothing but unknowns has no type, and any other would do.
        if values.dtype == pl.Null or holds(values.dtype):
            return values
        self.problems.add(self._where(name), f"has type {values.dtype}; permitted is {bound}")
        return None

    def _texts(self, name: str, bound: str) -> pl.Series | None:
        given = self._given(name, bound, _is_text)
        if given is None:
            return None
        texts = given.cast(pl.String)
        return texts.set(texts == "", None)

    def _whole_numbers(self, name: str, bound: str) -> pl.Series | None:
        return self._given(name, bound, lambda kind: not self._typed or kind.is_integer())


def _is_text(kind: pl.DataType) -> bool:
    return kind in (pl.String, pl.Categorical, pl.Enum)
