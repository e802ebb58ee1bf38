"""Reads the journal for the calls that wait: once for many of them.

Opening it costs more than reading. More threads would not help: the readers would wait for each
other and for the event loop.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from router.journal.record import JournalBroken, StoredRecord
from router.journal.store import JournalStore
from router.serving.feedback.history import History, history_of
from router.serving.status import NoDecision, NothingFound


class Wanted(NamedTuple):
    """What a call asks for: the record of an id, or with a decision that one's history too."""

    identity: uuid.UUID
    decision_id: uuid.UUID | None = None


class LookedUp(NamedTuple):
    """What is recorded: under the id, and about the decision if one was asked for."""

    record: StoredRecord | None
    history: History | None


_Ticket: TypeAlias = asyncio.Future[LookedUp]


class Lookups:
    """Answers look-ups on the event loop, in the order in which they came."""

    def __init__(self, store: JournalStore) -> None:
        self._store = store
        self._waiting: list[tuple[Wanted, _Ticket]] = []
        self._reader: asyncio.Task[None] | None = None

    async def history(self, request_id: uuid.UUID, decision_id: uuid.UUID) -> History:
        """Reads what is recorded about a decision and under a request id.

        Raises:
            NothingFound: if the decision is unknown or erased.
            JournalUnavailable: if the journal cannot be read now.
            JournalBroken: if a record cannot be read.
            TypeError: never, unless `look_up` breaks its promise.
        """
        history = (await self._ask(Wanted(request_id, decision_id))).history
        if history is None:
            raise TypeError("a look-up with a decision gives its history")
        return history

    async def find(self, identity: uuid.UUID) -> StoredRecord | None:
        """Finds the record of an id, None if there is none.

        Raises:
            JournalUnavailable: if the journal cannot be read now.
        """
        return (await self._ask(Wanted(identity))).record

    def _ask(self, wanted: Wanted) -> _Ticket:
        loop = asyncio.get_running_loop()
        ticket: _Ticket = loop.create_future()
        self._waiting.append((wanted, ticket))
        # One reader at a time: what comes while it reads is its next batch.
        if self._reader is None:
            self._reader = loop.create_task(self._read())
        return ticket

    async def _read(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            found: Sequence[LookedUp | Exception]
            try:
                found = await asyncio.to_thread(
                    look_up, self._store, [wanted for wanted, _ in batch]
                )
            except Exception as error:  # every call of the batch hears of it
                found = [error] * len(batch)
            for (_, ticket), one in zip(batch, found, strict=True):
                if ticket.done():  # the caller has gone
                    continue
                if isinstance(one, Exception):
                    ticket.set_exception(one)
                else:
                    ticket.set_result(one)
        self._reader = None


def look_up(store: JournalStore, wanted: Sequence[Wanted]) -> list[LookedUp | Exception]:
    """Reads what is recorded, by what was asked for; it blocks.

    Where one decision alone is at fault, its error stands in the place of what was asked for.

    Raises:
        JournalUnavailable: if the journal cannot be read now.
    """
    # Each once, in order: many calls are about the same decision.
    ids = dict.fromkeys(
        identity.bytes for one in wanted for identity in one if identity is not None
    )
    found = {stored.id: stored for stored in store.find(list(ids))}
    return [_one(store, found, one) for one in wanted]


def _one(
    store: JournalStore, found: dict[bytes, StoredRecord], wanted: Wanted
) -> LookedUp | Exception:
    same_id, decision_id = found.get(wanted.identity.bytes), wanted.decision_id
    if decision_id is None:
        return LookedUp(same_id, None)
    try:
        decision = found.get(decision_id.bytes)
        if decision is None:
            raise NoDecision(decision_id)
        history = history_of(decision, store.about(decision.id), same_id)
        return LookedUp(same_id, history)
    except (NothingFound, JournalBroken) as error:
        return error
