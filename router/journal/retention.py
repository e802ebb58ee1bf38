"""When content leaves the journal: by age, and one case on request.

The chain keeps every digest and still verifies.
"""

import json
from collections.abc import Iterable

import uuid_utils

from router.journal.recommendation import recommendations_of
from router.journal.record import Context, JournalNotNamed, JournalUnavailable, Record
from router.journal.store import JournalStore

ERASURE = "erasure"
"""Kind of the records that tell of an erasure, in JSON: why, and of how many records."""
# Each waits for the lock as long as the store does, a second by default: half a minute in all.
_TRIES = 30
_CONTEXT = Context(document='{"erasure":1}')


def of_case(store: JournalStore, case_ref: str) -> list[bytes]:
    """Finds all that holds content about a case: recommendations, and the records about them.

    A record about a recommendation whose own content is erased already is not found: nothing ties
    it to the case.

    Args:
        store: the journal.
        case_ref: as it was sent.

    Raises:
        JournalNotNamed: if the reference is empty, which would mean every case that was not scored.
        JournalUnavailable: if the store cannot be read now.
        JournalBroken: if a recommendation cannot be read, so that it cannot be told whose it is.
    """
    if not case_ref:
        raise JournalNotNamed("case: the reference is empty")
    found: list[bytes] = []
    # The first in the chain first, as they were recorded.
    for stored, _ in reversed(list(recommendations_of(store, case_ref))):
        found.append(stored.id)
        found += [other.id for other in store.about(stored.id) if other.payload is not None]
    return found


def erase(
    store: JournalStore, ids: Iterable[bytes], *, records: int, now: int, why: str, **facts: str
) -> int:
    """Records on the chain that content is erased, then erases it.

    The record comes first: without it nothing is erased, and a second run after a failure adds
    another one.

    Args:
        store: the journal.
        ids: of the records that lose their content.
        records: how many they are.
        now: microseconds since 1970, UTC.
        why: such as "age" or "request"; never whose.
        **facts: what else the record tells; never the reference of a case.

    Returns:
        How many held content until now.

    Raises:
        JournalUnavailable: if not all are erased, or copies are left: call again.
    """
    payload = json.dumps({"why": why, "records": records, **facts}, sort_keys=True).encode()
    _write(store, Record(uuid_utils.uuid7().bytes, ERASURE, _CONTEXT, payload, now))
    return store.erase(ids)


def _write(store: JournalStore, record: Record) -> None:
    """Writes, and tries again: a server that never pauses may hold the lock for long."""
    for _ in range(_TRIES - 1):
        try:
            store.write_batch([record])
            return
        except JournalUnavailable:
            continue
    store.write_batch([record])
