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

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from router.files.formats import check_out
from router.journal.opening import file_of, open_to_read
from router.mendable import Mendable
from training.data.collect_journal import Advice, read_cases_of
from training.data.collect_taken import Taken, Treatment, chosen, of_days, recommended
from training.data.k_anonymity import Exported, K, export_cases

__all__ = ["Collected", "NothingToLearn", "Treatment", "collect"]

_SELECT = {Treatment.CHOSEN: chosen, Treatment.RECOMMENDED: recommended}


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
        last: likewise the last day. Memory follows the cases of these days.

    Raises:
        NothingToLearn: if no recommendation can be taken, or no advice was drawn among several
            mixes.
        NotAnonymous: if every case would be suppressed.
        JournalBroken: if a record cannot be read.
        JournalUnavailable: if the journal cannot be read now.
        ValueError: if a journal or file name cannot be used.
    """
    # Before the whole journal is read for nothing.
    kept = file_of(journal_url)
    check_out(out, [kept] if kept else [])
    cases, read, left_out = _read(journal_url, treatment, first, last)
    cases = _tidy(cases, treatment)
    return Collected(
        recommendations=read,
        cases=len(cases),
        left_out=dict(left_out),
        drawn=_drawn(cases) if treatment == Treatment.RECOMMENDED else None,
        exported=export_cases(cases, out, k),
    )


def _read(
    journal_url: str, treatment: Treatment, first: date | None, last: date | None
) -> tuple[pl.DataFrame, int, Counter[str]]:
    """Reads the cases that are taken.

    The journal is closed then, and what told which they are is let go: what follows takes long and
    as much memory again, and needs neither.

    Returns:
        The cases in chain order, how many recommendations there are, and those left out by reason.

    Raises:
        NothingToLearn: if none is taken.
    """
    store = open_to_read(journal_url)
    try:
        advice = Advice(store)
        taken, left_out = of_days(_SELECT[treatment](advice), first, last)
        if not taken:
            raise NothingToLearn(
                f"0 of {advice.count} recommendations can be learned from; {_told(left_out)}"
            )
        frames = [
            _logged(ids, frame, taken)
            for ids, frame in read_cases_of(store, advice.readings, taken)
        ]
        return pl.concat(frames, how="diagonal"), advice.count, left_out
    finally:
        store.close()


def _logged(ids: list[bytes], frame: pl.DataFrame, taken: Mapping[bytes, Taken]) -> pl.DataFrame:
    found = [taken[one] for one in ids]
    # Without a mix of its own, what is logged is the mix recommended.
    given = pl.Series([one.mix for one in found], dtype=pl.String)
    return frame.with_columns(
        given.fill_null(frame["mix"]).alias("mix"),
        pl.Series("outcome", [one.outcome for one in found], dtype=pl.Float64),
        pl.Series("adviser_minutes", [one.adviser_minutes for one in found], dtype=pl.Float64),
        pl.Series(
            "decided_on",
            [datetime.fromtimestamp(one.at // 1_000_000, UTC).date() for one in found],
            pl.Date,
        ),
    )


def _tidy(cases: pl.DataFrame, treatment: Treatment) -> pl.DataFrame:
    """Puts cases in order of their days; without columns that say nothing."""
    cases = cases.with_columns(pl.when(pl.col("office_ref") != "").then("office_ref")).sort(
        "decided_on", maintain_order=True
    )
    if treatment == Treatment.CHOSEN:
        # It is the chance of the advice, and says nothing about what people then choose.
        cases = cases.drop("propensity")
    return cases.drop("office_ref") if cases["office_ref"].is_null().all() else cases


def _drawn(cases: pl.DataFrame) -> int:
    drawn = cases.filter(pl.col("propensity") < 1).height
    if not drawn:
        raise NothingToLearn(
            f"{len(cases)} cases, and none of their advice was drawn among several mixes: "
            "nothing tells what other advice is worth; "
            "explore (policies: [exploration]), or collect --treatment chosen"
        )
    return drawn


def _told(left_out: Mapping[str, int]) -> str:
    return "left out: " + (
        ", ".join(f"{count} {why}" for why, count in sorted(left_out.items())) or "none"
    )
