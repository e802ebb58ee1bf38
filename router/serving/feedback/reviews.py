"""The reviews that wait for an answer, followed through the journal."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence

from router.journal.feedback import ANSWER, REVIEW, Review
from router.journal.standing import (
    OpenReviews,
    StoredFeedback,
    open_reviews,
    stored_feedback,
)
from router.journal.store import JournalStore


class FollowedReviews:
    """Open reviews of one journal, whichever server wrote them.

    Its methods block: they are not for the event loop.
    """

    def __init__(self, store: JournalStore) -> None:
        self._store = store
        self._one_reads = threading.Lock()
        self._after = 0
        self._open: OpenReviews = {}
        self._known = False

    @property
    def count(self) -> float:
        """How many are open, as last read; NaN until the journal was read."""
        return len(self._open) if self._known else math.nan

    def oldest_age(self, now: int) -> float:
        """Gives the microseconds since the oldest one was asked for.

        It is 0 without one, and NaN until the journal was read.
        """
        first = next(iter(self._open.values()), None)
        if not self._known:
            return math.nan
        return max(0, now - first.written_at) if first else 0

    def refresh(self) -> Sequence[StoredFeedback[Review]]:
        """Reads what was recorded since the last time, and leaves out what was erased.

        Returns:
            The open reviews, oldest first.

        Raises:
            JournalUnavailable: if the journal cannot be read now.
            JournalBroken: if a record cannot be read.
        """
        with self._one_reads:
            # The end is read first: what is appended meanwhile is met now or the next time, and
            # never skipped.
            end = max(head.seq for head in self._store.heads())
            new = self._store.read(after=self._after, kinds=(REVIEW, ANSWER))
            records = [stored_feedback(stored) for stored in new]
            found = open_reviews(records, self._open)
            # An erased review waits for nobody: its content may be gone though nothing followed it.
            there = {
                stored.id for stored in self._store.find(list(found)) if stored.payload is not None
            }
            self._open = {id_: one for id_, one in found.items() if id_ in there}
            self._after = max([end, *(one.seq for one in records)])
            self._known = True
            return tuple(self._open.values())
