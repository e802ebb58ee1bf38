"""From the journal to logged cases: each recommendation joined to what stands for it.

Two treatments can be logged, and they are worth different things:

- chosen: the mix that adviser and user agreed on, on the day they did. It says what a **mix** is
  worth. Nobody knows with which probability people choose, so no propensity is written: it is
  estimated when a model is fitted.
- recommended: the mix that was advised, on the day it was, with the probability with which the
  service drew it (`router.decision.explore`), and what came of it whatever was chosen then. It says
  what **advising** a mix is worth, overrides included. The draw is the service's own, so nothing
  hidden confounds it.

Advice that nothing was drawn for keeps its propensity of 1: no other mix could have been advised.
Without these cases the rest would look as if everything had been tried for everybody; with them the
evaluation can say that it was not.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from router.files.formats import check_out
from router.journal.opening import file_of, open_to_read
from router.mendable import Mendable
from training.data.collect_journal import Candidates, Cases
from training.data.collect_taken import Treatment, of_days, select
from training.data.k_anonymity import Exported, K, export_cases

__all__ = ["Collected", "NothingToLearn", "Treatment", "collect"]


class NothingToLearn(Mendable, ValueError):
    """No recommendation tells anything; nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What the journal held and what was written.

    Attributes:
        recommendations: in the journal, erased ones left out.
        cases: taken, each once, before k-anonymity.
        left_out: recommendations that were not taken, by reason.
        drawn: of the cases, those whose mix was one of several that might have been recommended;
            None if what was chosen is logged.
        exported: what became of the cases.
    """

    recommendations: int
    cases: int
    left_out: Mapping[str, int]
    drawn: int | None
    exported: Exported

    def __str__(self) -> str:
        drawn = "" if self.drawn is None else f" ({self.drawn} drawn among several mixes)"
        taken = f"{self.cases} of {self.recommendations} recommendations taken{drawn}"
        return f"{taken}; {_told(self.left_out)}; {self.exported}"


def collect(
    journal_url: str,
    out: Path,
    k: int = K,
    treatment: Treatment = Treatment.CHOSEN,
    first: date | None = None,
    last: date | None = None,
) -> Collected:
    """Joins recommendations to what stands for them: a file of logged cases, k-anonymous.

    Args:
        journal_url: as the server's `--journal`.
        out: ends with .parquet or .csv.
        k: fewest cases that must share their quasi-identifiers; see `training.data.k_anonymity`.
        treatment: which mix is logged.
        first: day (UTC), inclusive: only cases decided on it or later; None for no bound.
        last: likewise the last day.

    Raises:
        NothingToLearn: if no recommendation can be taken, or no advice was drawn among several
            mixes.
        NotAnonymous: if every case would be suppressed.
        JournalBroken: if a record cannot be read.
        JournalUnavailable: if the journal cannot be read now.
        OSError: if there is no room for what waits in files (TMPDIR).
        ValueError: if a journal or file name cannot be used.
    """
    # Before the whole journal is read for nothing.
    kept = file_of(journal_url)
    check_out(out, [kept] if kept else [])
    with ExitStack() as files:
        candidates = _read(journal_url, Candidates(files, treatment))
        cases = Cases(files, candidates, treatment)
        left_out = candidates.left_out.copy()
        for rows in candidates.parts():
            found = of_days(select(treatment, rows), first, last)
            cases.add(found.taken)
            left_out += found.left_out
        _check_told(candidates.count, cases, left_out, treatment)
        return Collected(
            recommendations=candidates.count,
            cases=len(cases),
            left_out=dict(left_out),
            drawn=cases.drawn if treatment is Treatment.RECOMMENDED else None,
            exported=export_cases(cases, out, k),
        )


def _read(journal_url: str, candidates: Candidates) -> Candidates:
    """Reads the journal, which is closed then: what follows takes long and does not need it."""
    store = open_to_read(journal_url)
    try:
        candidates.read(store)
    finally:
        store.close()
    return candidates


def _check_told(
    recommendations: int, cases: Cases, left_out: Mapping[str, int], treatment: Treatment
) -> None:
    """Refuses what nothing can be learned from.

    Raises:
        NothingToLearn: if no case is taken, or no advice was drawn among several mixes where
            advice is to be learned of.
    """
    if not len(cases):
        raise NothingToLearn(
            f"0 of {recommendations} recommendations can be learned from; {_told(left_out)}"
        )
    if treatment is Treatment.RECOMMENDED and not cases.drawn:
        raise NothingToLearn(
            f"{len(cases)} cases, and none of their advice was drawn among several mixes: "
            "nothing tells what other advice is worth; "
            "explore (policies: [exploration]), or collect --treatment chosen"
        )


def _told(left_out: Mapping[str, int]) -> str:
    return "left out: " + (
        ", ".join(f"{count} {why}" for why, count in sorted(left_out.items())) or "none"
    )
