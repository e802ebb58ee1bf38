"""Logged cases from Parquet or CSV files, validated against the contract's features; all problems are told at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from router.decision.catalogue import Catalogue
from router.decision.schema import Rows
from training.data.audit import Texts, read_audit
from training.data.case_columns import Days, Floats
from training.data.case_files import CasesRefused, Problems, check_names, digest, marks
from training.data.case_join import Part, join_parts
from training.data.case_parts import read_parts

__all__ = ["CASES_OF_A_MIX", "CasesRefused", "LoggedCases", "read_cases"]

CASES_OF_A_MIX = 200
HORIZON_AT_MOST = 3650
# What a file says of itself, beside its columns.
SYNTHETIC_KEY = "synthetic"
SEED_KEY = "seed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedCases:
    """Logged cases as arrays of one length n, shielded ones left out.

    Attributes:
        rows: (n, features) slots.
        mix: (n,) number of the logged mix.
        outcome: (n,) 0 to 1.
        propensity: (n,) probability of the logged mix, or None if it was not logged.
        minutes: (n,) adviser minutes really spent, NaN where unknown, or None if they were not
            logged.
        days: (n,) day of the decision, or None if it was not logged.
        offices: (n,) pseudonym of the office, "unknown" where missing, or None if it was not
            logged.
        case_refs: (n,) references, each once.
        audit: by column of the audit file, (n,) categories, "unknown" where it does not say. Never
            an input of a model.
        audit_unknown: rows of the audit file whose case is not among the n.
        too_recent: cases left out because their outcome window had not ended.
        shielded: cases left out because they are shielded or do not say.
        synthetic: whether the files say that they are; None if they do not say.
        seed: of a simulation, "" otherwise.
        sha256: of every file by its name, the audit file's too.
    """

    rows: Rows
    mix: NDArray[np.int64]
    outcome: Floats
    propensity: Floats | None
    minutes: Floats | None
    days: Days | None
    offices: Texts | None
    case_refs: Texts
    audit: dict[str, Texts]
    audit_unknown: int
    too_recent: int
    shielded: int
    synthetic: bool | None
    seed: str
    sha256: dict[str, str]

    @property
    def dates(self) -> tuple[date, date] | None:
        """First and last day of decision, or None."""
        if self.days is None or not len(self.days):
            return None
        return self.days.min().item(), self.days.max().item()

    def take(self, index: NDArray[np.bool_] | NDArray[np.integer]) -> LoggedCases:
        """Some of the cases, by a mask of shape (n,) or by numbers; the counts of what was left out stay."""
        return replace(
            self,
            rows=self.rows[index],
            mix=self.mix[index],
            outcome=self.outcome[index],
            propensity=None if self.propensity is None else self.propensity[index],
            minutes=None if self.minutes is None else self.minutes[index],
            days=None if self.days is None else self.days[index],
            offices=None if self.offices is None else self.offices[index],
            case_refs=self.case_refs[index],
            audit={name: values[index] for name, values in self.audit.items()},
        )


def read_cases(
    paths: Sequence[Path],
    catalogue: Catalogue,
    audit: Path | None = None,
    horizon_days: int | None = None,
    end: date | None = None,
) -> LoggedCases:
    """Reads and validates logged cases.

    Args:
        paths: one file or many, Parquet or CSV.
        catalogue: of the mixes that may be logged.
        audit: file of `case_ref` and categories for the evaluation by group.
        horizon_days: length of the outcome window; cases decided less than this before `end` are
            left out, because an outcome that may still happen would count as a failure.
        end: last day that outcomes were recorded for; the newest decision if not given.

    Raises:
        CasesRefused: listing every problem with file, column, row numbers (from 1) and bound.
    """
    check_names([*paths, *([audit] if audit else [])])
    if horizon_days is not None and not 1 <= horizon_days <= HORIZON_AT_MOST:
        raise CasesRefused(f"horizon: {horizon_days} is outside 1 to {HORIZON_AT_MOST} days")
    problems = Problems()
    synthetic, seed = _marks(paths, problems)
    parts = [read_parts(path, catalogue, problems) for path in paths]
    part = join_parts(parts, paths, problems)
    complete, too_recent = _complete(part, horizon_days, end, problems)
    _count_mixes(part.mix[complete], paths, catalogue, problems)
    found, unknown = read_audit(audit, part.case_refs, problems) if audit else ({}, 0)
    problems.refuse()
    cases = LoggedCases(
        rows=part.rows,
        mix=part.mix,
        outcome=part.outcome,
        propensity=part.propensity,
        minutes=part.minutes,
        days=part.days,
        offices=part.offices,
        case_refs=part.case_refs,
        audit=found,
        audit_unknown=unknown,
        too_recent=too_recent,
        shielded=part.shielded,
        synthetic=synthetic,
        seed=seed,
        sha256={path.name: digest(path) for path in [*paths, *([audit] if audit else [])]},
    )
    return cases.take(complete) if too_recent else cases


def _marks(paths: Sequence[Path], problems: Problems) -> tuple[bool | None, str]:
    said: dict[str, bool | None] = {}
    seeds = []
    for path in paths:
        mark = marks(path)
        value = mark.get(SYNTHETIC_KEY)
        if value not in (None, "true", "false"):
            problems.add(
                f"{path}: mark {SYNTHETIC_KEY}", f"is {value!r}; permitted is true or false"
            )
        said[path.name] = None if value is None else value == "true"
        seeds.append(mark.get(SEED_KEY, ""))
    if len(set(said.values())) > 1:
        words = {True: "is", False: "is not", None: "does not say"}
        each = ", ".join(f"{name}: {words[value]}" for name, value in said.items())
        problems.add(
            "cases", f"files disagree about being synthetic ({each}); give files of one kind"
        )
    return next(iter(said.values())), ",".join(dict.fromkeys(seed for seed in seeds if seed))


def _complete(
    part: Part, horizon_days: int | None, end: date | None, problems: Problems
) -> tuple[NDArray[np.bool_], int]:
    """Which cases have a whole outcome window behind them, shape (n,), and how many do not."""
    every = np.ones(len(part.mix), np.bool_)
    if horizon_days is None or not len(every):
        return every, 0
    if part.days is None:
        problems.add(
            "column decided_on",
            f"is needed to leave out cases without {horizon_days} days of outcomes",
        )
        return every, 0
    last = np.nanmax(part.days) if end is None else np.datetime64(end)
    complete = part.days <= last - np.timedelta64(horizon_days, "D")
    return complete, int((~complete).sum())


def _count_mixes(
    mix: NDArray[np.int64], paths: Sequence[Path], catalogue: Catalogue, problems: Problems
) -> None:
    counts = np.bincount(mix[mix >= 0], minlength=len(catalogue.ids))
    names = ", ".join(str(path) for path in paths)
    for name, count in zip(catalogue.ids, counts.tolist(), strict=True):
        if count < CASES_OF_A_MIX:
            problem = (
                f"{name} has {count} cases; at least {CASES_OF_A_MIX} are needed to learn its value"
            )
            problems.add(f"{names}: column mix", problem)
