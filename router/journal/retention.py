"""When content leaves the journal: by age, and one case on request. The chain keeps every digest and still verifies."""

import json
from collections.abc import Iterable

import uuid_utils

from router.journal.recommendation import read_recommendation
from router.journal.record import RECOMMENDATION, Context, JournalUnavailable, Record
from router.journal.store import JournalStore

ERASURE = "erasure"
"""Kind of the records that tell of an erasure, in JSON: why, and how many records lost their content."""
_TRIES = 30
_CONTEXT = Context(document='{"erasure":1}')


def of_case(store: JournalStore, case_ref: str) -> list[bytes]:
    """The ids of all that holds content about a case: its recommendations, and every record about one of them.

    A record about a recommendation whose own content is erased already is not found: nothing ties
    it to the case.

    Args:
        store: The journal; it is read from start to end.
        case_ref: As it was sent.

    Raises:
        ValueError: An empty reference, which would mean every case that was not scored.
        JournalUnavailable: The store cannot be read now.
        JournalBroken: A recommendation cannot be read, so that it cannot be told whose it is.
    """
    if not case_ref:
        raise ValueError("case: the reference is empty")
    found: list[bytes] = []
    for stored in store.read(kinds=(RECOMMENDATION,)):
        recommended = read_recommendation(stored)
        if recommended is not None and recommended.case_ref == case_ref:
            found.append(stored.id)
            found += [other.id for other in store.about(stored.id) if other.payload is not None]
    return found


def erase(
    store: JournalStore, ids: Iterable[bytes], *, records: int, now: int, why: str, **facts: str
) -> int:
    """Record on the chain that content is erased, then erase it.

    The record comes first: without it nothing is erased, and a second run after a failure adds
    another one.

    Args:
        store: The journal.
        ids: Of the records that lose their content.
        records: How many they are.
        now: Microseconds since 1970, UTC.
        why: Such as "age" or "request"; never whose.
        **facts: What else the record tells; never the reference of a case.

    Returns:
        How many held content until now.

    Raises:
        JournalUnavailable: Not all are erased, or copies are left: call again.
    """
    payload = json.dumps({"why": why, "records": records, **facts}, sort_keys=True).encode()
    _write(store, Record(uuid_utils.uuid7().bytes, ERASURE, _CONTEXT, payload, now))
    return store.erase(ids)


def _write(store: JournalStore, record: Record) -> None:
    """A server that writes without a pause may hold the lock for longer than the store waits: try again."""
    for _ in range(_TRIES - 1):
        try:
            return store.write_batch([record])
        except JournalUnavailable:
            continue
    return store.write_batch([record])
