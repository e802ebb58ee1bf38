"""Cases of several batches and files as one; the same case twice is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from router.decision.schema import Rows
from training.data.audit import UNKNOWN, Texts
from training.data.case_columns import Days, Floats
from training.data.case_files import Problems, shown

Known = TypeVar("Known", np.float64, np.datetime64)
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Cases as `LoggedCases` has them, shielded ones left out; `numbers` are their rows in the file, from 1."""

    rows: Rows
    mix: NDArray[np.int64]
    outcome: Floats
    propensity: Floats | None
    minutes: Floats | None
    days: Days | None
    offices: Texts | None
    case_refs: Texts
    numbers: NDArray[np.int64]
    shielded: int


def stacked(parts: Sequence[Part]) -> Part:
    """Parts one after the other; an optional column is None unless all have it."""

    def optional(name: str) -> Any:  # noqa: ANN401 - arrays of several types
        found = [getattr(part, name) for part in parts]
        return None if any(values is None for values in found) else np.concatenate(found)

    if len(parts) == 1:
        return parts[0]
    return Part(
        rows=np.concatenate([part.rows for part in parts]),
        mix=np.concatenate([part.mix for part in parts]),
        outcome=np.concatenate([part.outcome for part in parts]),
        case_refs=np.concatenate([part.case_refs for part in parts]),
        numbers=np.concatenate([part.numbers for part in parts]),
        shielded=sum(part.shielded for part in parts),
        **{name: optional(name) for name in ("propensity", "minutes", "days", "offices")},
    )


def join_parts(parts: Sequence[Part], paths: Sequence[Path], problems: Problems) -> Part:
    """The parts of all files, in their order.

    Minutes and offices may be unknown for some; propensities and days are known for all cases or
    for none, because a mixture would weigh or leave out cases by whether they were recorded. The
    same case twice is refused.
    """
    _refuse_twice(parts, paths, problems)
    filled = [
        replace(part, minutes=_minutes(parts, part), offices=_offices(parts, part))
        for part in parts
    ]
    for name, column in (("propensity", "propensity"), ("days", "decided_on")):
        _all_or_none([getattr(part, name) for part in parts], column, parts, paths, problems)
    whole = stacked(filled)
    return replace(whole, propensity=_or_none(whole.propensity), days=_or_none(whole.days))


def _or_none(values: NDArray[Known] | None) -> NDArray[Known] | None:
    return None if values is None or np.isnan(values).all() else values


def _minutes(parts: Sequence[Part], part: Part) -> Floats | None:
    if part.minutes is None and any(other.minutes is not None for other in parts):
        return np.full(len(part.mix), np.nan)
    return part.minutes


def _offices(parts: Sequence[Part], part: Part) -> Texts | None:
    if part.offices is None and any(other.offices is not None for other in parts):
        return np.full(len(part.mix), UNKNOWN)
    return part.offices


def _all_or_none(
    columns: Sequence[Any],
    name: str,
    parts: Sequence[Part],
    paths: Sequence[Path],
    problems: Problems,
) -> None:
    unknown = [
        np.ones(len(part.mix), np.bool_) if values is None else np.isnan(values)
        for values, part in zip(columns, parts, strict=True)
    ]
    if all(missing.all() for missing in unknown):
        return
    bound = "are unknown while others are known; permitted is all or none"
    for path, missing, part in zip(paths, unknown, parts, strict=True):
        at = np.zeros(int(part.numbers[-1]) if len(part.numbers) else 0, np.bool_)
        at[part.numbers[missing] - 1] = True
        problems.cells(f"{path}: column {name}", at, 0, bound)


def _refuse_twice(parts: Sequence[Part], paths: Sequence[Path], problems: Problems) -> None:
    refs = pl.concat(
        [pl.Series("case_ref", part.case_refs.tolist(), dtype=pl.String) for part in parts]
    )
    twice = np.flatnonzero((refs.is_duplicated() & (refs != "")).to_numpy())
    if not len(twice):
        return
    file = np.repeat(np.arange(len(parts)), [len(part.numbers) for part in parts])
    number = np.concatenate([part.numbers for part in parts])
    places: dict[str, list[str]] = {}
    for place in twice.tolist():
        places.setdefault(refs[place], []).append(f"{paths[file[place]]} row {number[place]}")
    for ref, rows in list(places.items())[:_SHOWN]:
        problems.add(
            "column case_ref", f"{shown(ref)} is there more than once: {', '.join(rows[:_SHOWN])}"
        )
    if len(places) > _SHOWN:
        problems.add(
            "column case_ref", f"{len(places) - _SHOWN} more cases are there more than once"
        )
