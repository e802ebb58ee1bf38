"""Logged cases from Parquet or CSV, validated against the contract's features; all problems are named at once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from numpy.typing import NDArray

from router.decision.catalogue import Catalogue
from router.decision.schema import Feature, Rows
from router.features import FEATURES
from router.national_id import holds_national_id
from training.simulate import SEED_KEY, SYNTHETIC_KEY

CASES_OF_A_MIX = 200
_SHOWN = 5
_LOGGED = ("case_ref", "mix", "outcome", "adviser_minutes", "propensity", "decided_on", "office_ref")
_DIGITS = r"\d[\d\s.\-_/]{9,}\d"


class CasesRefused(ValueError):
    """Logged cases cannot be used; the message lists file, column, rows and bound of every problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedCases:
    """Logged cases as arrays of one length n, shielded ones left out.

    Attributes:
        rows: (n, features) slots.
        mix: (n,) number of the logged mix.
        outcome: (n,) 0 to 1.
        propensity: (n,) probability of the logged mix, or None if it was not logged.
        dates: first and last date of decision, or None.
        synthetic: whether the file says that it is; None if it does not say.
        seed: of a simulation, "" otherwise.
        sha256: of the file.
    """

    rows: Rows
    mix: NDArray[np.int64]
    outcome: NDArray[np.float64]
    propensity: NDArray[np.float64] | None
    dates: tuple[date, date] | None
    synthetic: bool | None
    seed: str
    sha256: str


def read_cases(path: Path, catalogue: Catalogue) -> LoggedCases:
    """Reads and validates a file of logged cases.

    Raises:
        CasesRefused: listing every problem with column, row numbers (from 1) and bound.
    """
    try:
        csv = path.suffix == ".csv"
        frame = pl.read_csv(path, infer_schema_length=None) if csv else pl.read_parquet(path)
        marks = {} if csv else pq.read_metadata(path).metadata or {}
    except (OSError, pl.exceptions.PolarsError) as problem:
        raise CasesRefused(f"{path}: cannot be read: {problem}") from problem
    problems = _unknown_columns(frame)
    rows = np.zeros((len(frame), len(FEATURES.features)), np.uint16)
    for column, feature in enumerate(FEATURES.features):
        if feature.name in frame.columns:
            slots, found = _slots(frame[feature.name], feature)
            rows[:, column] = slots
            problems += found
    problems += _problems_of_references(frame)
    kept = rows[:, FEATURES.column("shielded")] == FEATURES["shielded"].slot("NO")
    mix, found = _mixes(frame, kept, catalogue)
    problems += found
    outcome, found = _shares(frame, "outcome", kept)
    problems += found
    propensity = None
    if "propensity" in frame.columns:
        propensity, found = _shares(frame, "propensity", kept)
        problems += found
        problems += [] if (propensity > 0).all() else ["column propensity: must be above 0 for the logged mix"]
    if problems:
        raise CasesRefused("\n".join(f"{path}: {problem}" for problem in problems))
    synthetic = marks.get(SYNTHETIC_KEY.encode())
    return LoggedCases(
        rows=rows[kept],
        mix=mix,
        outcome=outcome,
        propensity=propensity,
        dates=_dates(frame),
        synthetic=None if synthetic is None else synthetic == b"true",
        seed=marks.get(SEED_KEY.encode(), b"").decode(),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def _unknown_columns(frame: pl.DataFrame) -> list[str]:
    known = {*FEATURES.names, *_LOGGED}
    found = [f"column {name}: is not a field of a case" for name in frame.columns if name not in known]
    needed = ("case_ref", "shielded", "mix", "outcome")
    return found + [f"column {name}: is missing" for name in needed if name not in frame.columns]


def _named(column: str, bad: NDArray[np.bool_], values: pl.Series, bound: str) -> list[str]:
    places = np.flatnonzero(bad)
    if not len(places):
        return []
    shown = ", ".join(f"row {place + 1}: {values[int(place)]!r}" for place in places[:_SHOWN])
    more = f" and {len(places) - _SHOWN} more rows" if len(places) > _SHOWN else ""
    return [f"column {column}: {shown}{more}; permitted is {bound}"]


def _slots(values: pl.Series, feature: Feature) -> tuple[NDArray[np.uint16], list[str]]:
    none = np.zeros(len(values), np.uint16)
    if values.dtype == pl.Null:
        return none, []
    if feature.values:
        if values.dtype not in (pl.String, pl.Categorical, pl.Enum):
            return none, [f"column {feature.name}: has type {values.dtype}; permitted is {feature.bound}"]
        names = {value: slot for slot, value in enumerate(feature.values, 1)}
        texts = values.cast(pl.String)
        slots = texts.replace_strict(names, default=0, return_dtype=pl.UInt16).fill_null(0).to_numpy()
        bad = (slots == 0) & texts.is_not_null().to_numpy() & (texts.fill_null("") != "").to_numpy()
        return slots, _named(feature.name, bad, values, feature.bound)
    if not values.dtype.is_integer():
        return none, [f"column {feature.name}: has type {values.dtype}; permitted are whole numbers, {feature.bound}"]
    numbers = values.cast(pl.Int64).fill_null(feature.lower - 1).to_numpy()
    bad = ((numbers < feature.lower) | (numbers > feature.upper)) & values.is_not_null().to_numpy()
    slots = np.where(bad, 0, numbers - feature.lower + 1).astype(np.uint16)
    return slots, _named(feature.name, bad, values, feature.bound)


def _problems_of_references(frame: pl.DataFrame) -> list[str]:
    if "case_ref" not in frame.columns:
        return []
    texts = frame["case_ref"].cast(pl.String)
    suspects = np.flatnonzero(texts.str.contains(_DIGITS).fill_null(False).to_numpy())
    found = [place for place in suspects.tolist() if holds_national_id(texts[place])]
    if not found:
        return []
    rows = ", ".join(str(place + 1) for place in found[:_SHOWN])
    return [f"column case_ref: rows {rows}: look like national identity numbers ({len(found)} in all)"]


def _mixes(frame: pl.DataFrame, kept: NDArray[np.bool_], catalogue: Catalogue) -> tuple[NDArray[np.int64], list[str]]:
    if "mix" not in frame.columns:
        return np.zeros(int(kept.sum()), np.int64), []
    numbers = {mix: number for number, mix in enumerate(catalogue.ids)}
    texts = frame["mix"].cast(pl.String)
    mix = texts.replace_strict(numbers, default=-1, return_dtype=pl.Int64).fill_null(-1).to_numpy()
    problems = _named("mix", (mix < 0) & kept, texts, "one of " + ", ".join(catalogue.ids))
    counts = np.bincount(mix[kept & (mix >= 0)], minlength=len(catalogue.ids))
    problems += [
        f"column mix: {name} has {count} cases; at least {CASES_OF_A_MIX} are needed to learn its value"
        for name, count in zip(catalogue.ids, counts, strict=True)
        if count < CASES_OF_A_MIX
    ]
    return mix[kept], problems


def _shares(frame: pl.DataFrame, name: str, kept: NDArray[np.bool_]) -> tuple[NDArray[np.float64], list[str]]:
    if name not in frame.columns:
        return np.zeros(int(kept.sum())), []
    if not frame[name].dtype.is_numeric():
        return np.zeros(int(kept.sum())), [f"column {name}: has type {frame[name].dtype}; permitted is 0 to 1"]
    values = frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
    return values[kept], _named(name, ~((values >= 0) & (values <= 1)) & kept, frame[name], "0 to 1")


def _dates(frame: pl.DataFrame) -> tuple[date, date] | None:
    if "decided_on" not in frame.columns:
        return None
    days = frame["decided_on"].cast(pl.String).str.to_date(strict=False).drop_nulls()
    if not len(days):
        return None
    ordered = days.sort()
    return ordered[0], ordered[-1]
