"""The reviews that wait for an answer, followed through the journal."""

from __future__ import annotations

import math
import threading
import uuid
from collections.abc import Sequence
from typing import NamedTuple

from router.journal.feedback import ANSWER, REVIEW, Answer, Review, read_feedback
from router.journal.store import JournalStore


class OpenReview(NamedTuple):
    """A review without an answer; `seq` is its place in the chain, `asked_at` microseconds since 1970, UTC."""

    seq: int
    review_id: uuid.UUID
    review: Review
    asked_at: int


class OpenReviews:
    """Open reviews of one journal, whichever server wrote them. Its methods block: not for the event loop."""

    def __init__(self, store: JournalStore) -> None:
        self._store = store
        self._one_reads = threading.Lock()
        self._after = 0
        self._open: dict[bytes, OpenReview] = {}
        self._known = False

    @property
    def count(self) -> float:
        """How many are open, as last read; NaN until the journal was read."""
        return len(self._open) if self._known else math.nan

    def oldest_age(self, now: int) -> float:
        """Microseconds since the oldest one was asked for; 0 without one, NaN until the journal was read."""
        first = next(iter(self._open.values()), None)
        if not self._known:
            return math.nan
        return max(0, now - first.asked_at) if first else 0

    def refresh(self) -> Sequence[OpenReview]:
        """Reads what was recorded since the last time, and leaves out what was erased; oldest first.

        Raises:
            JournalUnavailable: if the journal cannot be read now.
            JournalBroken: if a record cannot be read.
        """
        with self._one_reads:
            # The end is read first: what is appended meanwhile is met now or the next time, and
            # never skipped.
            end = max(head.seq for head in self._store.heads())
            found = dict(self._open)
            for stored in self._store.read(after=self._after, kinds=(REVIEW, ANSWER)):
                match read_feedback(stored):
                    case Review() as review:
                        identity = uuid.UUID(bytes=stored.id)
                        found[stored.id] = OpenReview(
                            stored.seq, identity, review, stored.written_at
                        )
                    case Answer() as answer:
                        found.pop(answer.review_id.bytes, None)
                    case _:
                        pass
                end = max(end, stored.seq)
            there = {
                stored.id for stored in self._store.find(list(found)) if stored.payload is not None
            }
            self._open = {id_: one for id_, one in found.items() if id_ in there}
            self._after, self._known = end, True
            return tuple(self._open.values())
