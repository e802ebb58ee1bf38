"""Lets calls on the event loop await the journal's group commit.

A commit costs a file sync and the processor time of several calls, however few records it holds. Records therefore
gather while the loop still brings new ones, and leave together once it has been quiet for a few turns: a lone call
waits for some empty turns (microseconds), a busy server commits tens of calls at once. `bench/` measures it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from router.journal.group_commit import GroupCommit
from router.journal.record import JournalFull, JournalUnavailable, Record
from router.journal.store import JournalStore
from router.metrics import Metrics

_Ticket = asyncio.Future[None]
_Tickets = list[_Ticket]
# Turns of the loop without a new record after which the gathered ones leave, and how many leave at the latest.
_QUIET_TURNS = 5
_GATHER_AT_MOST = 64


class DurableJournal:
    """The journal as the event loop sees it. Made on the running loop."""

    def __init__(self, store: JournalStore, metrics: Metrics, on_up_change: Callable[[bool], None]) -> None:
        self._loop = asyncio.get_running_loop()
        metrics.journal_up.set(1)

        def tell(up: bool) -> None:
            metrics.journal_up.set(up)
            self._loop.call_soon_threadsafe(on_up_change, up)

        self._writer: GroupCommit[_Tickets] = GroupCommit(store, self._settle, observe=metrics, on_up_change=tell)
        metrics.watch_queue(lambda: self._writer.depth + len(self._records))
        self._records: list[Record] = []
        self._tickets: _Tickets = []
        self._leaving = 0

    async def append(self, records: Sequence[Record]) -> None:
        """Returns when the records are durable.

        Raises:
            JournalFull: if too many records wait.
            JournalUnavailable: if they could not be written; they may or may not be there.
        """
        ticket: _Ticket = self._loop.create_future()
        self._records += records
        self._tickets.append(ticket)
        if len(self._records) >= _GATHER_AT_MOST:
            self._leave()
        elif len(self._tickets) == 1:
            self._loop.call_soon(self._turn, self._leaving, 1, _QUIET_TURNS)
        await ticket

    def _turn(self, leaving: int, seen: int, quiet: int) -> None:
        """Comes back every turn of the loop until no record came for some turns, or they have left already."""
        if leaving != self._leaving:
            return
        quiet = quiet - 1 if len(self._tickets) == seen else _QUIET_TURNS
        if quiet:
            self._loop.call_soon(self._turn, leaving, len(self._tickets), quiet)
        else:
            self._leave()

    def _leave(self) -> None:
        if not self._tickets:
            return
        records, tickets, self._records, self._tickets = self._records, self._tickets, [], []
        self._leaving += 1
        try:
            self._writer.submit(records, tickets)
        except (JournalFull, JournalUnavailable) as error:
            _resolve(tickets, error)

    def _settle(self, settled: list[_Tickets], error: JournalUnavailable | None) -> None:
        tickets = [ticket for gathered in settled for ticket in gathered]
        self._loop.call_soon_threadsafe(_resolve, tickets, error)

    async def close(self, timeout: float) -> bool:
        """Writes what waits and closes the store; whether it was done in time."""
        self._leave()
        return await asyncio.to_thread(self._writer.close, timeout)


def _resolve(tickets: list[_Ticket], error: JournalFull | JournalUnavailable | None) -> None:
    for ticket in tickets:
        if ticket.cancelled():
            continue
        if error is None:
            ticket.set_result(None)
        else:
            ticket.set_exception(error)
