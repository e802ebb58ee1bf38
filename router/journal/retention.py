"""When content leaves the journal: by age, and one case on request.

The chain keeps every digest and still verifies.
"""

from collections.abc import Callable, Iterable
from itertools import chain

from router.journal.erasures import Erasure
from router.journal.recommendation import recommendations_of
from router.journal.record import JournalNotNamed, JournalUnavailable, Record
from router.journal.seqs import Seqs
from router.journal.store import Held, JournalStore

# Each waits for the lock as long as the store does, a second by default: half a minute in all.
_TRIES = 30


def of_case(store: JournalStore, case_ref: str) -> list[Held]:
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
    found: list[Held] = []
    # The first in the chain first, as they were recorded.
    for stored, _ in reversed(list(recommendations_of(store, case_ref))):
        found.append(Held(stored.seq, stored.id))
        about = store.about(stored.id)
        found += [Held(one.seq, one.id) for one in about if one.payload is not None]
    return found


def erase_case(store: JournalStore, found: list[Held], *, now: int) -> int:
    """Erases what was found of a case, and what was recorded about it since it was looked for.

    A person may have been asked in between, and servers go on recording. Once its recommendations
    are erased they record nothing more about them, and nothing ties what is left to the case.

    Args:
        store: the journal.
        found: by `of_case`.
        now: microseconds since 1970, UTC.

    Returns:
        How many held content until now.

    Raises:
        JournalUnavailable: as `erase` does.
    """
    held, erased = found, 0
    while held:
        erased += erase(store, sorted(held).copy, now=now, why="request")
        about = chain.from_iterable(store.about(one.id) for one in found)
        held = [Held(one.seq, one.id) for one in about if one.payload is not None]
    return erased


def erase(
    store: JournalStore,
    held: Callable[[], Iterable[Held]],
    *,
    now: int,
    why: str,
    **facts: str,
) -> int:
    """Records on the chain which records are erased, by number, then erases them.

    The record comes first: without it nothing is erased, and a second run after a failure adds
    another one.

    Args:
        store: the journal.
        held: gives the records that lose their content, in the order of the chain; asked twice, so
            that many need no memory.
        now: microseconds since 1970, UTC.
        why: such as "age" or "request"; never whose.
        **facts: what else the record tells; never the reference of a case.

    Returns:
        How many held content until now.

    Raises:
        JournalUnavailable: if not all are erased, or copies are left: call again.
    """
    seqs = Seqs(one.seq for one in held())
    told = Erasure(why=why, records=len(seqs), seqs=seqs, facts=facts)
    _write(store, told.record(now))
    # Only what was told: more may be found the second time.
    return store.erase(one.id for one in held() if one.seq in seqs)


def _write(store: JournalStore, record: Record) -> None:
    """Writes, and tries again: a server that never pauses may hold the lock for long."""
    for _ in range(_TRIES - 1):
        try:
            store.write_batch([record])
            return
        except JournalUnavailable:
            continue
    store.write_batch([record])
