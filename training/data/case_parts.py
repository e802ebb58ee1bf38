"""The arrays of one file of logged cases; what is wrong with it is added to the problems."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from router.cases.features import FEATURES
from router.decision.catalogue import Catalogue
from router.decision.schema import Rows
from router.journal.feedback import MINUTES_AT_MOST
from training.data.audit import LOGGED, UNKNOWN, Texts
from training.data.case_columns import (
    DAYS_BOUND,
    Bools,
    Floats,
    WrongType,
    days_of,
    numbers_of,
    slots_of,
    texts_of,
)
from training.data.case_files import Problems, batches, columns_of, is_csv, national_ids
from training.data.case_join import Part, stacked

_SHARE = "0 to 1"
_CHANCE = "above 0 and at most 1"
_MINUTES = f"0 to {MINUTES_AT_MOST} minutes"
_REFERENCE = "a text of 1 to 64 characters"
_LONGEST = 64
_LEAST_CHANCE = float(np.nextafter(0, 1))
_NEEDED = ("case_ref", "shielded", "mix", "outcome")
Array = NDArray[Any]
_NOT_SHIELDED = FEATURES["shielded"].slot("NO")
_SHIELDED = FEATURES.column("shielded")


def read_parts(path: Path, catalogue: Catalogue, problems: Problems) -> Part:
    """Reads one file, a batch at a time.

    Raises:
        CasesRefused: if the file cannot be read.
    """
    columns = columns_of(path)
    known = {*FEATURES.names, *LOGGED}
    for name in columns:
        if name not in known:
            problems.add(f"{path}: column {name}", "is not a field of a case")
    for name in _NEEDED:
        if name not in columns:
            problems.add(f"{path}: column {name}", "is missing")
    typed, found, first_row = not is_csv(path), [], 0
    for frame in batches(path):
        batch = _Batch(frame=frame, path=path, typed=typed, first_row=first_row, problems=problems)
        found.append(_part(batch, catalogue))
        first_row += len(frame)
    if not first_row:
        problems.add(f"{path}", "has no cases")
        nothing = pl.DataFrame(schema=dict.fromkeys(columns, pl.Null))
        batch = _Batch(frame=nothing, path=path, typed=typed, first_row=0, problems=problems)
        found = [_part(batch, catalogue)]
    return stacked(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Some rows of a file; its readers give None for a column that is absent or of another type."""

    frame: pl.DataFrame
    path: Path
    typed: bool
    first_row: int
    problems: Problems

    def column(
        self, name: str, bound: str, kept: Bools, read: Callable[[pl.Series], tuple[Array, Bools]]
    ) -> Any:  # noqa: ANN401
        """The kept rows of what `read` makes of a column; those must be within the bound."""
        if name not in self.frame.columns:
            return None
        where = f"{self.path}: column {name}"
        try:
            found, bad = read(self.frame[name])
        except WrongType as problem:
            self.problems.add(where, str(problem))
            return None
        self.problems.cells(where, bad & kept, self.first_row, bound, self.frame[name])
        return found[kept]

    def numbers(
        self, name: str, lower: float, upper: float, bound: str, kept: Bools
    ) -> Floats | None:
        """A column of numbers, NaN where unknown."""
        found: Floats | None = self.column(
            name,
            bound,
            kept,
            lambda values: numbers_of(values, lower, upper, bound, typed=self.typed),
        )
        return found

    def reference(self, name: str) -> pl.Series | None:
        """A column of references as texts; those of shielded cases are looked at too."""
        if name not in self.frame.columns:
            return None
        where = f"{self.path}: column {name}"
        try:
            texts = texts_of(self.frame[name], _REFERENCE)
        except WrongType as problem:
            self.problems.add(where, str(problem))
            return None
        too_long = (texts.str.len_chars() > _LONGEST).fill_null(False).to_numpy()
        self.problems.cells(where, too_long, self.first_row, _REFERENCE, texts)
        self.problems.cells(
            where, national_ids(texts), self.first_row, "look like national identity numbers"
        )
        return texts

    def rows(self) -> Rows:
        """Slots of every row of the batch."""
        every = np.ones(len(self.frame), np.bool_)
        rows = np.zeros((len(self.frame), len(FEATURES.features)), np.uint16)
        for column, feature in enumerate(FEATURES.features):
            slots = self.column(
                feature.name,
                feature.bound,
                every,
                partial(slots_of, feature=feature, typed=self.typed),
            )
            if slots is not None:
                rows[:, column] = slots
        return rows


def _part(batch: _Batch, catalogue: Catalogue) -> Part:
    rows = batch.rows()
    kept = rows[:, _SHIELDED] == _NOT_SHIELDED
    refs, offices = batch.reference("case_ref"), batch.reference("office_ref")
    where = f"{batch.path}: column "
    if refs is not None:
        batch.problems.cells(
            f"{where}case_ref", refs.is_null().to_numpy() & kept, batch.first_row, _REFERENCE, refs
        )
    codes = {mix: number for number, mix in enumerate(catalogue.ids)}

    def mixes(values: pl.Series) -> tuple[NDArray[np.int64], Bools]:
        texts = texts_of(values, "texts")
        mix = (
            texts.replace_strict(codes, default=-1, return_dtype=pl.Int64).fill_null(-1).to_numpy()
        )
        return mix, mix < 0

    def outcomes(values: pl.Series) -> tuple[Floats, Bools]:
        found, bad = numbers_of(values, 0, 1, _SHARE, typed=batch.typed)
        return found, bad | np.isnan(found)

    count = int(kept.sum())
    mix = batch.column("mix", "one of " + ", ".join(codes), kept, mixes)
    outcome = batch.column("outcome", _SHARE, kept, outcomes)
    return Part(
        rows=rows[kept],
        mix=np.full(count, -1) if mix is None else mix,
        outcome=np.zeros(count) if outcome is None else outcome,
        propensity=batch.numbers("propensity", _LEAST_CHANCE, 1, _CHANCE, kept),
        minutes=batch.numbers("adviser_minutes", 0, MINUTES_AT_MOST, _MINUTES, kept),
        days=batch.column("decided_on", DAYS_BOUND, kept, days_of),
        offices=None if offices is None else _array(offices.fill_null(UNKNOWN), kept),
        case_refs=np.full(count, "") if refs is None else _array(refs.fill_null(""), kept),
        numbers=batch.first_row + 1 + np.flatnonzero(kept),
        shielded=len(rows) - count,
    )


def _array(texts: pl.Series, kept: Bools) -> Texts:
    return np.array(texts.filter(pl.Series(kept)).to_list(), np.str_)
