"""Records of the journal as CloudEvents 1.0, in the binary mode of the Kafka protocol binding.

Told are recommendations, as the export tells them, and feedback, as it is kept. What holds nothing
for others is passed over: seals, answers kept for retries, advice kept until an own view is
recorded (its recommendation is told already), plans, shadows, and kinds of later versions.

A record whose content was erased is a tombstone in its place; behind the record of an erasure
comes a tombstone for each record that it names, for its content may have been told before.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any, NamedTuple

import orjson

from router.journal.erasures import read_erasure
from router.journal.export_columns import of_chain, of_content
from router.journal.feedback import KINDS, read_feedback, to_payload
from router.journal.form import sound
from router.journal.recommendation import Chunk
from router.journal.record import (
    ERASURE,
    RECOMMENDATION,
    JournalBroken,
    StoredRecord,
    decision_of,
)
from router.journal.store import JournalReader

SOURCE = "urn:channel-router:journal"
"""Where events come from; their ids are UUIDs, unique over all journals."""
_TYPE = "router.v1."
_ERASED = ".erased"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Event(NamedTuple):
    """One message.

    Attributes:
        key: id of the decision, so that what is about one decision keeps its order.
        headers: the event's attributes, UTF-8.
        value: JSON; None is a tombstone.
        seq: number of the record that it is told for.
    """

    key: bytes
    headers: list[tuple[str, bytes]]
    value: bytes | None
    seq: int


def events(store: JournalReader, records: Sequence[StoredRecord]) -> Iterator[Event]:
    """Tells records that follow one another, in their order.

    Args:
        store: where those are found that an erasure names.
        records: some of it, as many as memory holds.

    Raises:
        JournalBroken: if a record, or the context that tells how to read it, cannot be read.
        JournalUnavailable: if the store cannot be read now.
    """
    recommended = _recommended([one for one in records if one.kind == RECOMMENDATION])
    for stored in records:
        if stored.kind == ERASURE:
            yield from _erased(store, stored)
        elif stored.kind != RECOMMENDATION and stored.kind not in KINDS:
            continue
        elif stored.payload is None:
            yield _tombstone(stored, stored)
        elif stored.kind == RECOMMENDATION:
            yield _event(stored, recommended[stored.seq])
        else:
            feedback = read_feedback(stored)
            assert feedback is not None
            yield _event(stored, to_payload(feedback))


def _recommended(records: list[StoredRecord]) -> dict[int, bytes]:
    """Writes recommendations that are not erased, by number; null is unknown or not scored."""
    found: dict[int, bytes] = {}
    for part in Chunk(records).by_context():
        content: dict[str, Any] = {**of_content(part)}
        content["written_at"] = [_rfc3339(one.written_at) for one in part.records]
        told = {**of_chain(part.records), **content}
        # What is told here is not erased.
        del told["erased"]
        for stored, *values in zip(part.records, *told.values(), strict=True):
            found[stored.seq] = orjson.dumps(dict(zip(told, values, strict=True)))
    return found


def _erased(store: JournalReader, erasure: StoredRecord) -> Iterator[Event]:
    try:
        found = read_erasure(erasure)
    except ValueError as problem:
        raise JournalBroken(f"record {erasure.seq}: {problem}") from problem
    # 0.3.0 told no numbers, but nothing was told to others before this release:
    # what it erased was never more than a tombstone.
    if found is None or found.seqs is None:
        return
    for first, last in found.seqs.runs:
        of_run = map(sound, store.read(after=first - 1, limit=last - first + 1))
        for stored in takewhile(lambda one, end=last: one.seq <= end, of_run):  # type: ignore[misc]
            if stored.kind == RECOMMENDATION or stored.kind in KINDS:
                yield _tombstone(stored, erasure)


def _event(stored: StoredRecord, value: bytes) -> Event:
    headers = _headers(stored, stored, uuid.UUID(bytes=stored.id), stored.kind)
    headers.append(("content-type", b"application/json"))
    return Event(_decision(stored), headers, value, stored.seq)


def _tombstone(stored: StoredRecord, at: StoredRecord) -> Event:
    """Tells that the content of a record is erased.

    Args:
        stored: the record.
        at: itself, or the record of the erasure.
    """
    # An id of its own, or whoever knows the record's id would pass over it;
    # the same wherever it is told, so that it counts once.
    content = uuid.UUID(bytes=stored.id)
    headers = _headers(stored, at, uuid.uuid5(content, "erased"), stored.kind + _ERASED)
    headers.append(("ce_erasedid", str(content).encode()))
    return Event(_decision(stored), headers, None, at.seq)


def _headers(
    stored: StoredRecord, at: StoredRecord, identity: uuid.UUID, kind: str
) -> list[tuple[str, bytes]]:
    told = {
        "specversion": "1.0",
        "id": str(identity),
        "source": SOURCE,
        "type": _TYPE + kind,
        "time": _rfc3339(at.written_at),
        "subject": _decision(stored).decode(),
        # As CloudEvents' extension has it: text that sorts as the chain does.
        "sequence": f"{at.seq:020}",
    }
    return [(f"ce_{name}", value.encode()) for name, value in told.items()]


def _decision(stored: StoredRecord) -> bytes:
    return str(uuid.UUID(bytes=decision_of(stored))).encode()


def _rfc3339(moment: int) -> str:
    at = _EPOCH + timedelta(microseconds=moment)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")
