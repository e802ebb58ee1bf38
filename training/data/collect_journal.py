"""What `collect` reads of the journal: feedback that stands, who was advised, and cases as columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import polars as pl

from router.cases.features import FEATURES
from router.journal.export_columns import Reading, columns, schema
from router.journal.feedback import CHOICE, OUTCOME, VIEW, Choice, Outcome, read_feedback
from router.journal.payload import NO_MIX, layout, unpack
from router.journal.recommendation import recommendations
from router.journal.record import JournalBroken
from router.journal.store import JournalStore

_COLUMNS = ("case_ref", "office_ref", "mix", "propensity", *FEATURES.names)


class Agreed(NamedTuple):
    """The mix of the choice that stands, and when the first choice was made, microseconds since 1970, UTC."""

    mix: str
    at: int


class Answers(NamedTuple):
    """What stands, by decision id: the last in the chain, for nothing is overwritten. What was erased is not there.

    Attributes:
        choices: mixes agreed on.
        outcomes: what came of it.
        viewed: decisions for which the adviser recorded an own view; that reveals advice withheld
            till then.
    """

    choices: dict[bytes, Agreed]
    outcomes: dict[bytes, Outcome]
    viewed: set[bytes]


class Asked(NamedTuple):
    """One recommendation as far as it decides whether its case is taken; `case_ref` is "" if people alone handle it."""

    decision: bytes
    case_ref: str
    disclosure: str
    at: int


Readings = Mapping[bytes, Reading]
"""How to read recommendations, by digest of their context."""


def read_asked(store: JournalStore) -> tuple[list[Asked], Readings]:
    """Every recommendation in chain order, erased ones left out, and how to read them.

    Raises:
        JournalBroken: if one cannot be read.
    """
    found: list[Asked] = []
    readings: dict[bytes, Reading] = {}
    for every in recommendations(store):
        run = [record for record in every if record.payload is not None]
        if not run:
            continue
        context = run[0].context
        if not context.document:
            raise JournalBroken(f"record {run[0].seq}: its context is missing or altered")
        if context.digest not in readings:
            readings[context.digest] = Reading.of(context)
        reading = readings[context.digest]
        try:
            rows, tails = unpack(
                layout(len(reading.features), len(reading.mixes)),
                [one.payload or b"" for one in run],
            )
        except ValueError as problem:
            raise JournalBroken(f"records {run[0].seq} to {run[-1].seq}: {problem}") from problem
        found += [
            Asked(
                record.id,
                "" if mix == NO_MIX else tail.case_ref,
                tail.disclosure,
                record.written_at,
            )
            for record, tail, mix in zip(run, tails, rows["mix"].tolist(), strict=True)
        ]
    return found, readings


def read_cases_of(
    store: JournalStore, readings: Readings, wanted: Mapping[bytes, object]
) -> Iterator[tuple[list[bytes], pl.DataFrame]]:
    """Decision ids and their cases: fields, references, the mix recommended and its propensity; in chain order.

    Args:
        store: the journal.
        readings: from `read_asked`.
        wanted: decisions, by id.

    Raises:
        JournalBroken: if one cannot be read.
    """
    target = schema(list(readings.values()), lists=False)
    for run in recommendations(store):
        kept = [record for record in run if record.id in wanted and record.payload is not None]
        if kept:
            frame = pl.DataFrame(
                pl.from_arrow(columns(kept, readings[kept[0].context.digest], target))
            )
            yield (
                [one.id for one in kept],
                frame.select(name for name in _COLUMNS if name in frame.columns),
            )


def read_answers(store: JournalStore) -> Answers:
    """Reads choices, outcomes and own views.

    Raises:
        JournalBroken: naming a record that cannot be read.
    """
    found = Answers(choices={}, outcomes={}, viewed=set())
    for record in store.read(kinds=(CHOICE, OUTCOME, VIEW)):
        if record.kind == VIEW:
            if record.about is not None:
                found.viewed.add(record.about)
            continue
        feedback = read_feedback(record)
        match feedback:
            case Choice():
                decision = feedback.decision_id.bytes
                first = found.choices.get(decision)
                found.choices[decision] = Agreed(
                    feedback.mix, first.at if first else record.written_at
                )
            case Outcome():
                found.outcomes[feedback.decision_id.bytes] = feedback
    return found
