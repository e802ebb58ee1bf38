"""Journals for the ledger's tests: advice, choices and outcomes of made-up cases."""

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from router.cases.features import FEATURES
from router.decision.catalogue import Channel
from router.decision.policy import Policy
from router.journal.feedback import (
    ChannelTime,
    Choice,
    Direction,
    Outcome,
    View,
    WishedBy,
    claim_of,
    feedback_record,
)
from router.journal.record import Record
from router.journal.stores.sqlite import SqliteJournal
from router.ledger.account import Ledger, account
from router.ledger.reading import read_entries
from router.ledger.sequences import Effect
from tests.builders import a_catalogue, a_policy, a_reading, a_recorded_recommendation, a_row

MONDAY = date(2026, 3, 2)
CATALOGUE = a_catalogue()
MINUTES = {mix.id: mix.adviser_minutes for mix in CATALOGUE.mixes}
# Two differ from the rest, so that a sum over the wrong group shows.
BASELINE = dict.fromkeys((*FEATURES["need_group"].values, "UNKNOWN"), 100) | {
    "GOOD_OPPORTUNITIES": 60,
    "UNKNOWN": 90,
}


def micro(day: int) -> int:
    """Gives noon of a day after MONDAY, in microseconds."""
    at = datetime(MONDAY.year, MONDAY.month, MONDAY.day, 12, tzinfo=UTC) + timedelta(days=day)
    return int(at.timestamp()) * 1_000_000


def advised(
    case: str,
    mix: str | None = "DIALOGUE_AND_PHONE",
    *,
    day: int = 0,
    office: str = "office-a",
    weight: float = 1.0,
    disclosure: str = "SHOWN",
    synthetic: bool = False,
    **fields: Any,
) -> Record:
    """Gives a recommendation; without a mix, that of a shielded case."""
    plain = {} if mix is None else {"mix": CATALOGUE.ids.index(mix), "status": 1}
    return a_recorded_recommendation(
        a_reading(synthetic_model=synthetic),
        case,
        office,
        disclosure,
        at=micro(day),
        row=a_row(**fields),
        weight=weight,
        **plain,
    )


def chose(advice: Record, mix: str, *, day: int = 1, corrects: Record | None = None) -> Record:
    """Gives a choice about advice."""
    choice = Choice(
        decision_id=uuid.UUID(bytes=advice.id),
        mix=mix,
        wished_by=WishedBy.BOTH,
        direction=Direction.SAME,
        corrects=uuid.UUID(bytes=corrects.id) if corrects else None,
    )
    return feedback_record(uuid.uuid4(), choice, micro(day), claim_of(choice))


def viewed(advice: Record) -> Record:
    """Gives the adviser's own view, recorded before the advice is revealed."""
    view = View(decision_id=uuid.UUID(bytes=advice.id), mix="BLENDED_OFFICE")
    return feedback_record(uuid.uuid4(), view, micro(1), claim_of(view))


def came(
    advice: Record,
    reached: float = 1.0,
    *,
    day: int = 70,
    corrects: Record | None = None,
    **time: tuple[int, int],
) -> Record:
    """Gives an outcome with (contacts, minutes) by channel; none reported if none are given."""
    reported = tuple(
        ChannelTime(channel=Channel(name), contacts=contacts, minutes=minutes)
        for name, (contacts, minutes) in time.items()
    )
    outcome = Outcome(
        decision_id=uuid.UUID(bytes=advice.id),
        outcome=reached,
        observed_on=MONDAY,
        time=reported,
        corrects=uuid.UUID(bytes=corrects.id) if corrects else None,
    )
    return feedback_record(uuid.uuid4(), outcome, micro(day), claim_of(outcome))


def many(count: int, **options: Any) -> list[Record]:
    """Gives so many cases with advice and the choice that follows it."""
    prefix = options.pop("prefix", "c")
    mix, day = options.get("mix", "DIALOGUE_AND_PHONE"), options.get("day", 0)
    found = []
    for number in range(count):
        advice = advised(f"{prefix}-{number}", **options)
        found += [advice, chose(advice, mix, day=day)]
    return found


def an_office(ref: str = "office-a", **changes: Any) -> dict[str, Policy]:
    """Gives the policy of an office with its baseline."""
    policy = replace(a_policy(), office=ref, baseline_minutes=BASELINE, minutes_per_week=7000.0)
    return {ref: replace(policy, **changes)}


def told(
    folder: Path,
    records: list[Record],
    offices: dict[str, Policy] | None = None,
    first: int = 0,
    last: int = 364,
    as_of: int = 364,
) -> Ledger:
    """Gives the ledger of these records, case by case, between two days after MONDAY."""
    store = SqliteJournal(folder / f"{uuid.uuid4().hex}.db")
    store.write_batch(sorted(records, key=lambda record: record.written_at))
    entries, _ = read_entries(store)
    store.close()
    days = (MONDAY + timedelta(days=day) for day in (first, last, as_of))
    return account(entries, an_office() if offices is None else offices, CATALOGUE, *days)


def an_effect(value: float, half: float) -> Effect:
    """Gives a value with a range of so much to each side."""
    return Effect(value=value, low=value - half, high=value + half, shown=900, control=100)
