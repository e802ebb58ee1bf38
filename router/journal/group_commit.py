"""Many callers, one durable write: what waits is committed together, so that it costs little."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Generic, Protocol, TypeVar

from router.journal.record import (
    JournalBroken,
    JournalFull,
    JournalUnavailable,
    Record,
    decision_of,
)
from router.journal.store import Appending

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Observer(Protocol):
    """Hears, on the writer's thread, how each batch ended."""

    def committed(self, seconds: float, records: int) -> None:
        """Hears that a batch is durable.

        Args:
            seconds: the time of its write alone.
            records: how many of it are new.
        """

    def failed(self) -> None:
        """Hears that a batch could not be written."""


@dataclass(slots=True)
class _Submission(Generic[T]):
    """Records that somebody waits for, less those that are durable already."""

    rest: Sequence[Record]
    ticket: T
    skipped: list[bytes] = field(default_factory=list)

    def share(self, most: int) -> Sequence[Record]:
        """Takes the next records to be written: so many, and what else is about the last of them.

        A decision is never on record without what goes with it, such as the answer that is given
        to who asks again.
        """
        end = min(most, len(self.rest))
        last = decision_of(self.rest[end - 1]) if end else b""
        while end < len(self.rest) and decision_of(self.rest[end]) == last:
            end += 1
        taken, self.rest = self.rest[:end], self.rest[end:]
        return taken


class GroupCommit(Generic[T]):
    """A bounded queue and the one thread that writes it; started when made.

    A ticket is whatever the caller wants back when its records are durable. While the store fails,
    new submissions are refused at once and the thread probes the store until it works again. It
    probes an idle one too: whether it can be written is known before somebody asks.

    While small ones come, a large submission is written in shares, one a commit, and what has come
    meanwhile goes with the next of them: a call of one case does not wait for a batch of a
    thousand. The first after a pause may: a commit more costs what records by the hundred do.
    """

    def __init__(
        self,
        store: Appending,
        resolve: Callable[[list[T], JournalUnavailable | None, Collection[bytes]], None],
        *,
        capacity: int = 8192,
        largest_batch: int = 1024,
        largest_share: int = 128,
        shared_seconds: float = 1.0,
        observe: Observer | None = None,
        retry_seconds: float = 0.25,
        idle_seconds: float = 1.0,
        on_up_change: Callable[[bool], None] | None = None,
    ) -> None:
        """Takes over the store and starts writing.

        Args:
            store: closed when the writer ends.
            resolve: called on the writer's thread, once a commit in which any ends: tickets, None
                when they are durable, and the ids of records that were skipped.
            capacity: most records that may wait.
            largest_batch: how many records are written together.
            largest_share: how many of one submission, and as many more as are about the last of
                these; no more than a batch. A submission of more is large.
            shared_seconds: for so long after one that is not large, large ones go in shares.
            observe: told of each batch.
            retry_seconds: between probes while the store fails.
            idle_seconds: between probes while nothing is to be written.
            on_up_change: called on the writer's thread when the store begins or ceases to fail.
        """
        self._store = store
        self._resolve = resolve
        self._capacity = capacity
        self._largest_batch = largest_batch
        self._largest_share = min(largest_share, largest_batch)
        self._shared_seconds = shared_seconds
        self._small_came = -inf
        self._observe = observe
        self._retry_seconds = retry_seconds
        self._idle_seconds = idle_seconds
        self._on_up_change = on_up_change

        # Until something was tried, nobody knows.
        self._shown_up = False
        self._changed = threading.Condition()
        self._small: deque[_Submission[T]] = deque()
        self._large: deque[_Submission[T]] = deque()
        self._depth = 0
        self._up = True
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def up(self) -> bool:
        """Whether the last write or probe worked."""
        return self._up

    @property
    def depth(self) -> int:
        """How many records wait, not counting those being written."""
        return self._depth

    def submit(self, records: Sequence[Record], ticket: T) -> None:
        """Queues records; those about one decision stand together, and are committed together.

        The ticket is resolved exactly once, unless this raises: when all of them are durable, or
        the store failed. Then any of them may be there.

        Raises:
            JournalFull: if they would not fit within the capacity.
            JournalUnavailable: if the store fails now, or the journal is closing.
        """
        with self._changed:
            if self._closing:
                raise JournalUnavailable("the journal is closing")
            # At once, not after a wait for what is known to fail: callers retry with the same ids.
            if not self._up:
                raise JournalUnavailable("the journal cannot be written now")
            # Whoever waits was promised an answer: what cannot be written soon is refused instead.
            if self._depth + len(records) > self._capacity:
                raise JournalFull(
                    f"{self._depth} records wait and {len(records)} more exceed {self._capacity}"
                )
            large = len(records) > self._largest_share
            if not large:
                self._small_came = time.monotonic()
            (self._large if large else self._small).append(_Submission(records, ticket))
            self._depth += len(records)
            self._changed.notify()

    def close(self, timeout: float | None = None) -> bool:
        """Refuses what is new, writes what waits, stops the thread and closes the store.

        Args:
            timeout: seconds to wait for that; None waits for as long as it takes.

        Returns:
            Whether it was done in time; if not, it goes on.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while (batch := self._next_batch()) or not self._closing:
                if batch:
                    self._write(batch)
                else:
                    self._try_out()
                # Probed here, not by a caller's records: nobody
                # pays for finding out that it still fails.
                while not self._up and not self._closing:
                    self._probe()
        finally:
            # Also after a mistake of this thread: the store must not stay locked.
            self._guarded(self._store.close)

    def _next_batch(self) -> list[tuple[_Submission[T], Sequence[Record]]]:
        """Waits for work and takes what is written next, and of which submissions.

        There is none when nothing came for a while, or the journal is closing and nothing waits.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._small or self._large or self._closing, self._idle_seconds
            )
            batch: list[tuple[_Submission[T], Sequence[Record]]] = []
            room = self._largest_batch
            shared = time.monotonic() - self._small_came < self._shared_seconds
            share = self._largest_share if shared else self._largest_batch
            if self._large:
                # Of the first alone: who came later would not be done any sooner.
                first = self._large[0]
                batch.append((first, first.share(share)))
                room -= len(batch[0][1])
                if not first.rest:
                    self._large.popleft()
            while self._small and len(self._small[0].rest) <= room:
                one = self._small.popleft()
                batch.append((one, one.share(self._largest_share)))
                room -= len(batch[-1][1])
            self._depth -= self._largest_batch - room
            return batch

    def _write(self, batch: list[tuple[_Submission[T], Sequence[Record]]]) -> None:
        records = [record for _, share in batch for record in share]
        started = time.perf_counter()
        skipped: list[bytes] = []
        error = self._attempt(lambda: skipped.extend(self._store.write_batch(records)))
        seconds = time.perf_counter() - started
        # Before those who wait are taken: from here on new
        # ones are refused, so that none is left behind.
        self._change(error)
        for submission, _ in batch:
            submission.skipped += skipped
        ended = [submission for submission, _ in batch if not submission.rest]
        if error is not None:
            # They hear now, instead of each after a time-out of its own.
            ended += self._take_waiting()

        if ended:
            tickets = [submission.ticket for submission in ended]
            known = {id_ for submission in ended for id_ in submission.skipped}
            self._guarded(lambda: self._resolve(tickets, error, known))
        if self._observe is not None:
            observe, new = self._observe, len(records) - len(skipped)
            self._guarded(lambda: observe.failed() if error else observe.committed(seconds, new))

    def _probe(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closing, self._retry_seconds)
            if self._closing:
                return
        self._try_out()

    def _try_out(self) -> None:
        # An idle store that works is not made to take a record and give it back all the time.
        rehearse = not (self._up and self._shown_up)
        error = self._attempt(lambda: self._store.probe(rehearse=rehearse))
        self._change(error)

    def _attempt(self, write: Callable[[], None]) -> JournalUnavailable | None:
        """Does it, and turns whatever it raises into the one error that callers know."""
        try:
            write()
        except JournalUnavailable as error:
            return error
        except JournalBroken as error:
            # Tables or rights were changed under it: for those who call it is the same.
            return JournalUnavailable(str(error))
        except Exception as error:
            if self._up:
                _log.exception("the journal failed unexpectedly")
            unavailable = JournalUnavailable(
                f"the journal failed unexpectedly: {type(error).__name__}"
            )
            unavailable.__cause__ = error
            return unavailable
        return None

    def _change(self, error: JournalUnavailable | None) -> None:
        up = self._shown_up = error is None
        with self._changed:
            # Told of changes alone: a failing store would log each probe.
            if self._up is up:
                return
            self._up = up
        if error is None:
            _log.info("the journal is up")
        else:
            # The reason names the place; no text of it holds a case.
            cause = {"reason": str(error), "errno": error.code}
            _log.error("the journal is down", extra=cause)
        if self._on_up_change is not None:
            on_up_change = self._on_up_change
            self._guarded(lambda: on_up_change(up))

    def _take_waiting(self) -> list[_Submission[T]]:
        with self._changed:
            waiting = [*self._large, *self._small]
            self._large.clear()
            self._small.clear()
            self._depth = 0
            return waiting

    def _guarded(self, call: Callable[[], object]) -> None:
        """Calls back, and logs a caller's mistake: it must not end the writer."""
        try:
            call()
        except Exception:
            _log.exception("a callback of the journal failed")
