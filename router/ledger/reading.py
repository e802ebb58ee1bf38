"""From the journal to the ledger's entries: each recommendation with the choice and the outcome that stand."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from router.decision.catalogue import DAYS_PER_WEEK
from router.decision.schema import UNKNOWN
from router.journal.export_columns import Reading
from router.journal.feedback import CHOICE, OUTCOME, VIEW, Choice, Outcome, View, read_feedback
from router.journal.payload import AFTER_OWN_VIEW, NO_MIX, SHOWN, Tail, layout, unpack
from router.journal.recommendation import recommendations
from router.journal.record import JournalBroken, StoredRecord
from router.journal.store import JournalStore
from router.ledger.arithmetic import Whole, counted_once
from router.ledger.entries import (
    CHANNELS,
    GROUPS,
    MANUAL,
    NOT_SPENT,
    REPEATED,
    WITHHELD,
    Entries,
    Names,
)

HORIZON_DAYS = 12 * DAYS_PER_WEEK
"""A plan runs so long: a recommendation for the same case within it is the same plan."""
_DAY = 24 * 60 * 60 * 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answers:
    """By decision id: the choice that stands, the day of the first one, the outcome that stands, and own views."""

    choices: dict[bytes, Choice] = field(default_factory=dict)
    first_chosen: dict[bytes, int] = field(default_factory=dict)
    outcomes: dict[bytes, Outcome] = field(default_factory=dict)
    viewed: set[bytes] = field(default_factory=set)


def read_entries(store: JournalStore) -> tuple[Entries, int]:
    """Reads the whole journal, every office and day, since what counts once must be told over all of it.

    Returns:
        The entries, and how many recommendations were erased: of those nothing more is known.

    Raises:
        JournalBroken: A record cannot be read.
        JournalUnavailable: The journal cannot be read now.
    """
    answers = _answers(store)
    parts = [_nothing()]
    erased = 0
    for run in recommendations(store):
        kept = [record for record in run if record.payload is not None]
        erased += len(run) - len(kept)
        if kept:
            parts.append(_part(kept, answers))
    found = _joined(parts)
    case, recommended_on, hidden = (
        found.pop("case"),
        found.pop("recommended_on"),
        found.pop("hidden"),
    )
    manual = found["left_out"] == MANUAL
    ranks = 2 * found["chosen"].astype(np.int64) + ~np.isnan(found["outcome"])
    counts = counted_once(case, recommended_on, np.where(manual, -1, ranks), HORIZON_DAYS)
    found["left_out"][hidden & ~found["chosen"] & ~manual] = WITHHELD
    found["left_out"][~counts & ~manual] = REPEATED
    return Entries(
        **found, synthetic=any(_is_synthetic(one.document) for one in store.contexts())
    ), erased


def _is_synthetic(document: str) -> bool:
    try:
        content = json.loads(document)
    except ValueError:
        return False
    return isinstance(content, dict) and bool(content.get("synthetic_model"))


def _answers(store: JournalStore) -> _Answers:
    found = _Answers()
    for record in store.read(kinds=(CHOICE, OUTCOME, VIEW)):
        match read_feedback(record):
            case Choice() as choice:
                found.choices[choice.decision_id.bytes] = choice
                # A correction must not move a case into another period.
                found.first_chosen.setdefault(choice.decision_id.bytes, record.written_at // _DAY)
            case Outcome() as outcome:
                found.outcomes[outcome.decision_id.bytes] = outcome
            case View() as view:
                found.viewed.add(view.decision_id.bytes)
    return found


def _part(records: list[StoredRecord], answers: _Answers) -> dict[str, Any]:
    """Columns of the recommendations of one context."""
    reading = Reading.of(records[0].context)
    ids = [record.id for record in records]
    try:
        dtype = layout(len(reading.features), len(reading.mixes))
        rows, tails = unpack(dtype, [record.payload or b"" for record in records])
        found = _choices(reading, rows, tails, ids, answers) | _outcomes(ids, answers)
    except (ValueError, IndexError, KeyError, TypeError) as problem:
        raise JournalBroken(
            f"records {records[0].seq} to {records[-1].seq}: {problem!r}"
        ) from problem
    days = [record.written_at // _DAY for record in records]
    return found | {
        "office": np.array([tail.office_ref for tail in tails], object),
        "case": np.array([tail.case_ref for tail in tails], object),
        "hidden": np.array([tail.disclosure != SHOWN for tail in tails], bool),
        "left_out": np.where(rows["mix"] == NO_MIX, np.array(MANUAL, object), ""),
        "recommended_on": np.array(days, np.int64),
        "day": np.array(
            [answers.first_chosen.get(one, day) for one, day in zip(ids, days, strict=True)],
            np.int64,
        ),
        # Journals from before office policies hold one weight for all, which may be below 1: nobody
        # is put first.
        "weight": np.maximum(rows["weight"], 1.0),
        "group": {name: _group(name, reading, rows["row"]) for name in GROUPS},
    }


def _group(name: str, reading: Reading, rows: np.ndarray) -> Names:
    """A field's values, shape (n,); UNKNOWN where the case or the context does not say."""
    for column, feature in enumerate(reading.features):
        if feature.name == name:
            values: Names = np.array([UNKNOWN, *(feature.values or ())], object)[rows[:, column]]
            return values
    return np.full(len(rows), UNKNOWN, object)


def _choices(
    reading: Reading, rows: np.ndarray, tails: list[Tail], ids: list[bytes], answers: _Answers
) -> dict[str, Any]:
    places = {mix: place for place, mix in enumerate(reading.mixes)}
    advised = rows["mix"].astype(np.int64)
    chosen = [answers.choices.get(one) for one in ids]
    mix = np.array(
        [
            at if one is None else places[one.mix]
            for one, at in zip(chosen, advised.tolist(), strict=True)
        ],
        np.int64,
    )
    took = np.array([one is not None for one in chosen], bool)
    # Who did not see the advice neither followed nor overrode it.
    shown = np.array(
        [
            tail.disclosure == SHOWN
            or (tail.disclosure == AFTER_OWN_VIEW and one in answers.viewed)
            for one, tail in zip(ids, tails, strict=True)
        ],
        bool,
    )
    every = np.arange(len(ids))
    minutes = np.rint(rows["minutes"]).astype(np.int64)
    planned = minutes[every, mix]
    # The catalogue's mixes differ in minutes, so that no difference is the same mix; -1 counts from
    # the end.
    names = np.array(["SAME", "MORE", "LESS"], object)[np.sign(planned - minutes[every, advised])]
    return {
        "mix": np.array(reading.mixes, object)[mix],
        "planned": planned,
        "chosen": took,
        "direction": np.where(took & shown & (advised != NO_MIX), names, ""),
    }


def _outcomes(ids: list[bytes], answers: _Answers) -> dict[str, Any]:
    count = len(ids)
    outcome, spent = np.full(count, np.nan), np.full(count, NOT_SPENT, np.int64)
    contacts, minutes = np.zeros((count, len(CHANNELS))), np.zeros((count, len(CHANNELS)))
    column = {channel: place for place, channel in enumerate(CHANNELS)}
    for place, one in enumerate(ids):
        reported = answers.outcomes.get(one)
        if reported is None:
            continue
        outcome[place] = reported.outcome
        if reported.adviser_minutes is not None:
            spent[place] = reported.adviser_minutes
        for part in reported.time:
            contacts[place, column[part.channel.value]] = part.contacts
            minutes[place, column[part.channel.value]] = part.minutes
    return {"outcome": outcome, "spent": spent, "contacts": contacts, "minutes": minutes}


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The parts' columns behind each other; cases as numbers."""
    found: dict[str, Any] = {
        name: np.concatenate([part[name] for part in parts]) for name in parts[0] if name != "group"
    }
    found["group"] = {
        name: np.concatenate([part["group"][name] for part in parts]) for name in GROUPS
    }
    found["case"] = _numbered(found["case"])
    return found


def _nothing() -> dict[str, Any]:
    whole, numbers, names, flags = (
        np.zeros(0, np.int64),
        np.zeros(0),
        np.zeros(0, object),
        np.zeros(0, bool),
    )
    table = np.zeros((0, len(CHANNELS)))
    return {
        "office": names, "case": names, "hidden": flags, "left_out": names, "recommended_on": whole, "day": whole,
        "weight": numbers, "group": dict.fromkeys(GROUPS, names), "mix": names, "planned": whole, "chosen": flags,
        "direction": names, "outcome": numbers, "spent": whole, "contacts": table, "minutes": table,
    }  # fmt: skip


def _numbered(names: Names) -> Whole:
    """A number for each name; a recommendation without a reference is a case of its own."""
    known: dict[object, int] = {}
    numbers = [
        known.setdefault(name or place, len(known)) for place, name in enumerate(names.tolist())
    ]
    return np.array(numbers, np.int64)
