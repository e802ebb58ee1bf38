"""From the journal to the ledger's entries: each recommendation with what stands for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from router.decision.decision import NO_MIX
from router.decision.schema import UNKNOWN, Rows
from router.journal.recommendation import (
    SHOWN,
    Chunk,
    Reading,
    Unpacked,
    reading_of,
    recommendations,
)
from router.journal.record import JournalBroken
from router.journal.standing import NOTHING, Standing, read_standing
from router.journal.store import JournalReader
from router.ledger.arithmetic import Whole, counted_once
from router.ledger.entries import (
    CHANNELS,
    GROUPS,
    HORIZON_DAYS,
    MANUAL,
    NOT_SPENT,
    REPEATED,
    WITHHELD,
    Entries,
    Names,
)

_DAY = 24 * 60 * 60 * 1_000_000


def read_entries(store: JournalReader, until: int | None = None) -> tuple[Entries, int]:
    """Reads the whole journal, since what counts once must be told over every office and day.

    These are single cases: what is shown of them is shown of `in_tens` alone.

    Args:
        store: the journal.
        until: only what was written before, microseconds since 1970, UTC: as the ledger stood then.

    Returns:
        The entries, and how many recommendations were erased: of those nothing more is known.

    Raises:
        JournalBroken: if a record cannot be read.
        JournalUnavailable: if the journal cannot be read now.
    """
    # Before the recommendations: what is answered meanwhile is then left for the next reading.
    standing = read_standing(store, until)
    parts = [_nothing()]
    erased = 0
    synthetic = False
    for every in recommendations(store):
        chunk = every.where(lambda one: until is None or one.written_at < until)
        # Also of erased records: their advice was given, whatever is known of it now.
        synthetic |= any(
            reading_of(context).synthetic_model
            for context in chunk.contexts().values()
            if context.document
        )
        held = chunk.held()
        erased += len(chunk) - len(held)
        parts.append(_part(held, standing))
    found = _joined(parts)

    case, hidden = _numbered(found.pop("case")), found.pop("hidden")
    recommended_on = found.pop("recommended_on")
    # Of one case's recommendations the one that was answered most counts, and a manual one last.
    manual = found["left_out"] == MANUAL
    ranks = 2 * found["chosen"].astype(np.int64) + ~np.isnan(found["outcome"])
    counts = counted_once(case, recommended_on, np.where(manual, -1, ranks), HORIZON_DAYS)
    found["left_out"][hidden & ~found["chosen"] & ~manual] = WITHHELD
    # Behind WITHHELD, so that a case which counts elsewhere is told once, as repeated.
    found["left_out"][~counts & ~manual] = REPEATED
    return Entries(**found, synthetic=synthetic), erased


def _part(chunk: Chunk, standing: Mapping[bytes, Standing]) -> dict[str, Any]:
    """Gives columns of recommendations that hold content, in their order.

    Raises:
        JournalBroken: if one cannot be read, or a choice is of a mix that its context does not
            name.
    """
    parts, places = [_nothing()], [np.zeros(0, np.intp)]
    for part in chunk.by_context():
        parts.append(_of_context(part, standing))
        places.append(part.places)
    # Back from contexts to the order of the chain.
    order = np.argsort(np.concatenate(places))
    found = _joined(parts)
    return {name: values[order] for name, values in found.items() if name != "group"} | {
        "group": {name: values[order] for name, values in found["group"].items()}
    }


def _of_context(part: Unpacked, standing: Mapping[bytes, Standing]) -> dict[str, Any]:
    records, rows, tails = part.records, part.rows, part.tails
    stands = [standing.get(record.id, NOTHING) for record in records]
    days = [record.written_at // _DAY for record in records]

    try:
        found = _choices(part, stands) | _outcomes(stands)
    except KeyError as problem:
        first, last = records[0].seq, records[-1].seq
        raise JournalBroken(f"records {first} to {last}: {problem!r}") from problem
    return found | {
        "office": np.array([tail.office_ref for tail in tails], object),
        "case": np.array([tail.case_ref for tail in tails], object),
        "hidden": np.array([tail.disclosure != SHOWN for tail in tails], bool),
        "left_out": np.where(rows["mix"] == NO_MIX, np.array(MANUAL, object), ""),
        "recommended_on": np.array(days, np.int64),
        "day": np.array([_day(*one) for one in zip(stands, days, strict=True)], np.int64),
        # Journals from before office policies hold one weight for all, which may be below 1: nobody
        # is put first.
        "weight": np.maximum(rows["weight"], 1.0),
        "group": {name: _group(name, part.reading, rows["row"]) for name in GROUPS},
    }


def _day(standing: Standing, recommended_on: int) -> int:
    """Gives the day of the first choice: a correction must not move a case into another period."""
    first = standing.first_choice_at
    return recommended_on if first is None else first // _DAY


def _group(name: str, reading: Reading, rows: Rows) -> Names:
    """Gives a field's values, shape (n,); UNKNOWN where the case or the context does not say."""
    for column, feature in enumerate(reading.features):
        if feature.name == name:
            values: Names = np.array([UNKNOWN, *(feature.values or ())], object)[rows[:, column]]
            return values
    return np.full(len(rows), UNKNOWN, object)


def _choices(part: Unpacked, stands: Sequence[Standing]) -> dict[str, Any]:
    ids = part.reading.mix_ids
    places = {mix: place for place, mix in enumerate(ids)}
    advised = part.rows["mix"].astype(np.int64)
    agreed, took, seen = advised.copy(), np.zeros(len(stands), bool), np.zeros(len(stands), bool)
    for at, (standing, tail) in enumerate(zip(stands, part.tails, strict=True)):
        # Who did not see the advice neither followed nor overrode it.
        seen[at] = standing.advice_seen(tail.disclosure)
        if standing.choice is not None:
            took[at] = True
            agreed[at] = places[standing.choice.mix]

    every = np.arange(len(stands))
    # Whole in the catalogue, but kept as floats: sums must not depend on their order.
    minutes = np.rint(part.rows["minutes"]).astype(np.int64)
    planned = minutes[every, agreed]
    # The catalogue's mixes differ in minutes, so that no difference is the same mix; -1 counts from
    # the end.
    names = np.array(["SAME", "MORE", "LESS"], object)[np.sign(planned - minutes[every, advised])]
    return {
        "mix": np.array(ids, object)[agreed],
        "planned": planned,
        "chosen": took,
        "direction": np.where(took & seen & (advised != NO_MIX), names, ""),
    }


def _outcomes(stands: Sequence[Standing]) -> dict[str, Any]:
    count = len(stands)
    outcome, spent = np.full(count, np.nan), np.full(count, NOT_SPENT, np.int64)
    contacts, minutes = np.zeros((count, len(CHANNELS))), np.zeros((count, len(CHANNELS)))
    column = {channel: place for place, channel in enumerate(CHANNELS)}
    for place, standing in enumerate(stands):
        reported = standing.outcome
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
    """Puts the parts' columns behind each other."""
    found: dict[str, Any] = {
        name: np.concatenate([part[name] for part in parts]) for name in parts[0] if name != "group"
    }
    found["group"] = {
        name: np.concatenate([part["group"][name] for part in parts]) for name in GROUPS
    }
    return found


def _nothing() -> dict[str, Any]:
    whole, numbers = np.zeros(0, np.int64), np.zeros(0)
    names, flags = np.zeros(0, object), np.zeros(0, bool)
    table = np.zeros((0, len(CHANNELS)))
    return {
        "office": names,
        "case": names,
        "hidden": flags,
        "left_out": names,
        "recommended_on": whole,
        "day": whole,
        "weight": numbers,
        "group": dict.fromkeys(GROUPS, names),
        "mix": names,
        "planned": whole,
        "chosen": flags,
        "direction": names,
        "outcome": numbers,
        "spent": whole,
        "contacts": table,
        "minutes": table,
    }


def _numbered(names: Names) -> Whole:
    """Gives a number for each name; a recommendation without a reference is a case of its own."""
    known: dict[object, int] = {}
    # A place is a number and a name is a text: they never meet.
    numbers = [
        known.setdefault(name or place, len(known)) for place, name in enumerate(names.tolist())
    ]
    return np.array(numbers, np.int64)
