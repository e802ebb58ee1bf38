"""From the journal to logged cases: each recommendation joined to what was chosen and what came of it.

Three kinds of records are read. "recommendation" is packed as `router.journal.payload` says and its id is the
decision id. The other two are JSON objects in UTF-8; of several for one decision the last in the chain counts, so
that a mistake can be corrected:

- "choice": `{"decision_id": UUID, "mix": id of the mix that adviser and user agreed on}`
- "outcome": `{"decision_id": UUID, "outcome": 0 to 1, "adviser_minutes": 0 to 10000 really spent, or null}`

No propensity is written: the journal knows how the recommendation was drawn, but the mix logged is the adviser's and
the user's choice, whose probability nobody recorded. It is estimated when a model is fitted. The day is the choice's.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import polars as pl

from router.features import FEATURES
from router.journal.export_columns import Reading, columns, schema
from router.journal.opening import open_journal
from router.journal.record import Context, JournalBroken, StoredRecord
from router.journal.store import JournalStore
from training.case_parts import MINUTES_AT_MOST
from training.k_anonymity import Exported, K, export_cases

RECOMMENDATION, CHOICE, OUTCOME = "recommendation", "choice", "outcome"
_CHUNK = 16_384


class NothingToLearn(ValueError):
    """No recommendation has both a choice and an outcome; nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What the journal held and what was written.

    Attributes:
        recommendations: in the journal, erased ones left out.
        complete: with a choice and an outcome.
        shielded: complete ones left out because they were not scored.
        repeated: complete ones left out because an earlier one is of the same case.
        exported: what became of the others.
    """

    recommendations: int
    complete: int
    shielded: int
    repeated: int
    exported: Exported

    def __str__(self) -> str:
        told = f"{self.complete} of {self.recommendations} recommendations have a choice and an outcome"
        return f"{told}, {self.shielded} of them shielded, {self.repeated} again for the same case; {self.exported}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The mix that adviser and user agreed on, and when it was recorded (UTC)."""

    mix: str
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it: 0 to 1, and adviser minutes really spent or None."""

    outcome: float
    adviser_minutes: float | None


def collect(journal_url: str, out: Path, k: int = K) -> Collected:
    """Joins recommendations, choices and outcomes into a file of logged cases, k-anonymous.

    Args:
        journal_url: as the server's `--journal`.
        out: ends with .parquet or .csv.
        k: fewest cases that must share their quasi-identifiers; see `training.k_anonymity`.

    Raises:
        NothingToLearn: if no recommendation has both.
        NotAnonymous: if every case would be suppressed.
        JournalBroken: if a record cannot be read.
        JournalUnavailable: if the journal cannot be read now.
        ValueError: for a journal or file name that cannot be used.
    """
    store = open_journal(journal_url, create=False)
    try:
        answers = _answers(store)
        total, frames = _complete(store, answers)
    finally:
        store.close()
    if not frames:
        raise NothingToLearn(f"0 of {total} recommendations have a choice and an outcome; nothing to learn from")
    every = pl.concat(frames, how="diagonal").sort("decided_on", maintain_order=True)
    # A case that was not scored has no reference: it is shielded, and nothing is learned from it.
    scored = every.filter(pl.col("case_ref") != "")
    if not len(scored):
        raise NothingToLearn(f"{len(every)} of {total} recommendations have both, all shielded; nothing to learn from")
    # The same case twice would count one person's outcome twice; the first choice is the one that outcomes follow.
    first = scored.unique("case_ref", keep="first", maintain_order=True)
    return Collected(
        recommendations=total,
        complete=len(every),
        shielded=len(every) - len(scored),
        repeated=len(scored) - len(first),
        exported=export_cases(first, out, k),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answers:
    """By decision id, what was chosen and what came of it; and the contexts that recommendations are read by."""

    choices: dict[bytes, Choice]
    outcomes: dict[bytes, Outcome]
    contexts: dict[bytes, Context]

    def complete(self, decision: bytes) -> bool:
        return decision in self.choices and decision in self.outcomes


def _answers(store: JournalStore) -> _Answers:
    """Reads the journal once for all but the recommendations themselves; what was erased is not there."""
    found = _Answers(choices={}, outcomes={}, contexts={})
    for record in store.read():
        if record.payload is None:
            continue
        if record.kind == RECOMMENDATION:
            # Only these contexts tell of features and mixes; other kinds of records have their own.
            found.contexts.setdefault(record.context.digest, record.context)
        if record.kind not in (CHOICE, OUTCOME):
            continue
        try:
            content = json.loads(record.payload)
            decision = uuid.UUID(content["decision_id"]).bytes
            if record.kind == CHOICE:
                found.choices[decision] = _choice(content, record.written_at)
            else:
                found.outcomes[decision] = _outcome(content)
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise JournalBroken(f"record {record.seq}: is not a valid {record.kind}: {problem!r}") from problem
    return found


def _choice(content: Mapping[str, Any], written_at: int) -> Choice:
    mix = content["mix"]
    if not isinstance(mix, str):
        raise TypeError(f"mix: {mix!r} is not the id of a mix")
    return Choice(mix=mix, day=datetime.fromtimestamp(written_at // 1_000_000, UTC).date())


def _outcome(content: Mapping[str, Any]) -> Outcome:
    outcome, minutes = content["outcome"], content["adviser_minutes"]
    if isinstance(outcome, bool) or not isinstance(outcome, int | float):
        raise TypeError(f"outcome: {outcome!r} is not a number")
    if not 0 <= outcome <= 1:
        raise ValueError(f"outcome: {outcome!r} is outside 0 to 1")
    if isinstance(minutes, bool) or not isinstance(minutes, int | float | None):
        raise TypeError(f"adviser_minutes: {minutes!r} is not a number")
    if minutes is not None and not 0 <= minutes <= MINUTES_AT_MOST:
        raise ValueError(f"adviser_minutes: {minutes!r} is outside 0 to {MINUTES_AT_MOST} minutes")
    return Outcome(outcome=float(outcome), adviser_minutes=None if minutes is None else float(minutes))


def _complete(store: JournalStore, answers: _Answers) -> tuple[int, list[pl.DataFrame]]:
    """How many recommendations there are, and those with both answers as logged cases."""
    readings = {digest: Reading.of(one) for digest, one in answers.contexts.items() if one.document}
    target = schema(list(readings.values()), lists=False)
    total, frames = 0, []
    for run in _runs(store):
        total += len(run)
        both = [record for record in run if answers.complete(record.id)]
        if not both:
            continue
        reading = readings.get(both[0].context.digest)
        if reading is None:
            raise JournalBroken(f"record {both[0].seq}: its context is missing or altered")
        frame = pl.DataFrame(pl.from_arrow(columns(both, reading, target)))
        known = [name for name in ("case_ref", *FEATURES.names) if name in frame.columns]
        chosen = [answers.choices[record.id] for record in both]
        came = [answers.outcomes[record.id] for record in both]
        logged = frame.select(known).with_columns(
            pl.Series("mix", [one.mix for one in chosen], dtype=pl.String),
            pl.Series("outcome", [one.outcome for one in came], dtype=pl.Float64),
            pl.Series("adviser_minutes", [one.adviser_minutes for one in came], dtype=pl.Float64),
            pl.Series("decided_on", [one.day for one in chosen], dtype=pl.Date),
        )
        frames.append(logged)
    return total, frames


def _runs(store: JournalStore) -> Iterator[list[StoredRecord]]:
    """Neighbouring recommendations that are read the same way; erased ones are left out."""
    wanted = (one for one in store.read() if one.kind == RECOMMENDATION and one.payload is not None)
    for _, run in groupby(wanted, key=lambda record: record.context.digest):
        while chunk := list(islice(run, _CHUNK)):
            yield chunk
