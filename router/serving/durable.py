"""Lets calls on the event loop await the journal's group commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

from router.journal.group_commit import GroupCommit
from router.journal.record import JournalUnavailable, Record
from router.journal.store import JournalStore
from router.serving.metrics import Metrics

_Ticket = asyncio.Future[Collection[bytes]]


class DurableJournal:
    """The journal as the event loop sees it. Made on the running loop."""

    def __init__(
        self, store: JournalStore, metrics: Metrics, on_up_change: Callable[[bool], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.store = store
        metrics.journal_up.set(1)

        def tell(up: bool) -> None:
            metrics.journal_up.set(up)
            # From the writer's thread: what it tells belongs on the loop.
            self._loop.call_soon_threadsafe(on_up_change, up)

        self._writer: GroupCommit[_Ticket] = GroupCommit(
            store, self._resolve, observe=metrics, on_up_change=tell
        )
        metrics.watch_queue(lambda: self._writer.depth)

    @property
    def depth(self) -> int:
        """Records that wait to be written."""
        return self._writer.depth

    def append(self, records: Sequence[Record]) -> _Ticket:
        """Hands records over to be written; what is returned is done when they are durable.

        Its result are the ids of records that were skipped, of these and of others in the batch.
        It raises JournalUnavailable if they could not be written; they may or may not be there.

        Raises:
            JournalFull: if too many records wait.
            JournalUnavailable: if the journal is known to fail now.
        """
        ticket: _Ticket = self._loop.create_future()
        self._writer.submit(records, ticket)
        return ticket

    def _resolve(
        self, tickets: list[_Ticket], error: JournalUnavailable | None, skipped: Collection[bytes]
    ) -> None:
        # Once a batch, not once a ticket: each crossing wakes the loop up.
        self._loop.call_soon_threadsafe(_set_results, tickets, error, skipped)

    async def close(self, timeout: float) -> bool:
        """Writes what waits and closes the store; whether it was done in time."""
        # It waits for the thread that resolves tickets on this loop, which must go on meanwhile.
        return await asyncio.to_thread(self._writer.close, timeout)


def _set_results(
    tickets: list[_Ticket], error: JournalUnavailable | None, skipped: Collection[bytes]
) -> None:
    for ticket in tickets:
        # The caller has gone; its record stays.
        if ticket.cancelled():
            continue
        if error is None:
            ticket.set_result(skipped)
        else:
            ticket.set_exception(error)
