"""Recommendations as they were recorded: all in chain order, or a single one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, islice
from typing import Any

import numpy as np

from router.journal.export_columns import Reading
from router.journal.payload import NO_MIX, layout, unpack
from router.journal.record import RECOMMENDATION, JournalBroken, StoredRecord
from router.journal.store import JournalStore

CHUNK = 16_384
"""Records held in memory at a time."""
_reading = lru_cache(maxsize=1024)(Reading.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommended:
    """What the journal holds of a recommendation.

    Attributes:
        decision_id: UUID.
        case_ref: "" when the case was not scored.
        office_ref: as sent.
        mix: recommended, or the fallback; None when people alone handle the case.
        status: name of it.
        mixes: of the catalogue then, lightest first.
        minutes: of each, adviser minutes.
        permitted: the mixes that safeguards and menu permitted.
        disclosure: SHOWN, AFTER_OWN_VIEW or CONTROL.
        model_version: that judged.
        policy_version: in force.
        written_at: microseconds since 1970, UTC.
    """

    decision_id: str
    case_ref: str
    office_ref: str
    mix: str | None
    status: str
    mixes: tuple[str, ...]
    minutes: tuple[float, ...]
    permitted: tuple[str, ...]
    disclosure: str
    model_version: str
    policy_version: str
    written_at: int

    def minutes_of(self, mix: str) -> float:
        """Adviser minutes of a mix.

        Raises:
            ValueError: if the catalogue had no such mix.
        """
        return self.minutes[self.mixes.index(mix)]


def recommendations(store: JournalStore) -> Iterator[list[StoredRecord]]:
    """Neighbouring recommendations that are read the same way, erased ones too, `CHUNK` at most, in chain order.

    Raises:
        JournalUnavailable: if the journal cannot be read now.
    """
    for _, run in groupby(
        store.read(kinds=(RECOMMENDATION,)), key=lambda record: record.context.digest
    ):
        while chunk := list(islice(run, CHUNK)):
            yield chunk


def read_recommendation(stored: StoredRecord) -> Recommended | None:
    """Reads a recommendation; None if its content was erased.

    Raises:
        JournalBroken: if it cannot be read.
    """
    if stored.payload is None:
        return None
    reading = _reading(stored.context)
    ids = reading.mixes
    try:
        rows, (tail,) = unpack(layout(len(reading.features), len(ids)), [stored.payload])
        row: Any = rows[0]
        number = int(row["mix"])
        return Recommended(
            decision_id=str(uuid.UUID(bytes=stored.id)),
            case_ref=tail.case_ref,
            office_ref=tail.office_ref,
            mix=None if number == NO_MIX else ids[number],
            status=reading.statuses[int(row["status"])],
            mixes=ids,
            minutes=tuple(np.asarray(row["minutes"], float).tolist()),
            permitted=tuple(mix for at, mix in enumerate(ids) if int(row["permitted"]) >> at & 1),
            disclosure=tail.disclosure,
            model_version=reading.model_version,
            policy_version=reading.policy_version,
            written_at=stored.written_at,
        )
    except (ValueError, IndexError) as problem:
        raise JournalBroken(
            f"record {stored.seq}: is not a valid recommendation: {problem!r}"
        ) from problem
