"""Ships the journal in chain order, and notes how far it came once all of it has arrived."""

from __future__ import annotations

from pathlib import Path
from threading import Event as Flag
from typing import NamedTuple, Protocol

from router.journal.form import sound
from router.journal.head_file import HeadFile
from router.journal.outlet.events import Event, events
from router.journal.record import Head
from router.journal.store import JournalReader

# Records in memory at a time, some kilobytes each: behind each such part the position is noted.
_PART = 2_000
# Between two looks for records that are new.
_LOOK_SECONDS = 0.5


class Outlet(Protocol):
    """Where events go."""

    def send(self, event: Event) -> bool:
        """Takes an event, to be delivered behind all before it; False if it was told to stop.

        Raises:
            Mendable: if it, or one before it, cannot be delivered.
        """

    def settle(self) -> bool:
        """Waits until all that was sent has arrived; False if it was told to stop before.

        Raises:
            Mendable: if something cannot be delivered.
        """


class PositionFile(HeadFile):
    """How far was shipped: one line, SEQ:HEX, the head of the journal at that record."""

    _called = "position file"
    _done = "shipped"
    _way_out = (
        "the journal was rewritten. Name the journal that was shipped; to ship this one from its "
        "start, move the position file away first"
    )

    def __init__(self, path: Path) -> None:
        """Takes the file; it need not be there."""
        super().__init__(path)


class Shipped(NamedTuple):
    """What was done.

    Attributes:
        events: that have arrived, told at least once.
        head: of the journal at the last record of those.
    """

    events: int
    head: Head


def ship(
    store: JournalReader,
    outlet: Outlet,
    position: PositionFile | None,
    stopping: Flag,
    *,
    first: int = 1,
    follow: bool = False,
) -> Shipped:
    """Ships records, behind those that were shipped before.

    Args:
        store: the journal; may be written to meanwhile.
        outlet: where to.
        position: how far was shipped, and where that is noted; None notes nothing.
        stopping: ends it soon after it is set.
        first: number of the first record to ship, where no position is noted.
        follow: whether to go on as records come, until it is to stop.

    Raises:
        JournalLost: if the journal does not hold the record that was shipped last.
        JournalNotNamed: if the position cannot be written.
        JournalUnavailable: if the journal cannot be read now.
        JournalBroken: if a record cannot be read.
        Mendable: if something cannot be delivered.
    """
    head = Head(first - 1, bytes(32))
    if position is not None and position.exists():
        head = position.check(store)
    arrived = 0
    while not stopping.is_set():
        records = [*map(sound, store.read(after=head.seq, limit=_PART))]
        if not records:
            if not follow:
                break
            stopping.wait(_LOOK_SECONDS)
            continue
        # Another journal may have been put in its place since.
        if position is not None and position.exists():
            position.check(store)
        sent = 0
        whole = True
        for event in events(store, records):
            # An erasure may name a million: also between events it may be time to stop.
            whole = not stopping.is_set() and outlet.send(event)
            if not whole:
                break
            sent += 1
        # Stopped in the middle of a part, the next run sends all of it again.
        if not outlet.settle() or not whole:
            break
        arrived += sent
        head = Head(records[-1].seq, records[-1].head)
        if position is not None:
            position.note(head)
    return Shipped(arrived, head)
