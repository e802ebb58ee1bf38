"""Reviews as the journal has them: one of them, and those that wait for an answer."""

from __future__ import annotations

import math
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from router.journal.feedback import ANSWER, REVIEW, Answer, Review
from router.journal.recommendation import read_recommendation
from router.journal.record import RECOMMENDATION
from router.journal.standing import (
    StoredFeedback,
    open_reviews,
    stored_feedback,
)
from router.journal.store import JournalStore
from router.serving.feedback.history import decision_of_review


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownReview:
    """A review and what is known of it.

    Attributes:
        asked: the record by which it was asked for.
        office_ref: of the decision, as sent; "" for none, or where the decision was erased.
        answer: the record of its answer; None while it is open.
    """

    asked: StoredFeedback[Review]
    office_ref: str
    answer: StoredFeedback[Answer] | None = None


def read_review(store: JournalStore, review_id: uuid.UUID) -> KnownReview:
    """Reads a review with its answer; it blocks.

    Raises:
        NothingFound: if there is none, or it was erased.
        JournalUnavailable: if the journal cannot be read now.
        JournalBroken: if a record cannot be read.
    """
    found = store.find([review_id.bytes])
    decision = decision_of_review(review_id, found[0] if found else None)
    answers = [
        one
        for one in map(stored_feedback, store.about(decision.bytes))
        if isinstance(one.content, Answer) and one.content.review_id == review_id
    ]
    return KnownReview(
        asked=cast("StoredFeedback[Review]", stored_feedback(found[0])),
        office_ref=_offices(store, [decision.bytes]).get(decision.bytes, ""),
        # Of corrected ones the last stands.
        answer=cast("StoredFeedback[Answer]", answers[-1]) if answers else None,
    )


def _offices(store: JournalStore, decisions: Sequence[bytes]) -> dict[bytes, str]:
    """Reads the offices of decisions by id; those that were erased are left out."""
    found = (one for one in store.find(decisions) if one.kind == RECOMMENDATION)
    read = ((one.id, read_recommendation(one)) for one in found)
    return {id_: recommended.office_ref for id_, recommended in read if recommended}


class FollowedReviews:
    """Open reviews of one journal, whichever server wrote them.

    Its methods block: they are not for the event loop.
    """

    def __init__(self, store: JournalStore) -> None:
        self._store = store
        self._one_reads = threading.Lock()
        self._after = 0
        self._open: dict[bytes, KnownReview] = {}
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
        return max(0, now - first.asked.written_at) if first else 0

    def advance(self) -> Sequence[KnownReview]:
        """Reads what was recorded since the last time, which costs what that is.

        Returns:
            The open reviews, oldest first, some of which may have been erased since.

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
            asked = open_reviews(records)
            offices = _offices(self._store, [_decision(one) for one in asked.values()])
            answers = (one.content for one in records)
            done = {one.review_id.bytes for one in answers if isinstance(one, Answer)}
            # Anew, not in its place: metrics are read meanwhile.
            self._open = {id_: one for id_, one in self._open.items() if id_ not in done} | {
                id_: KnownReview(asked=one, office_ref=offices[_decision(one)])
                for id_, one in asked.items()
                # Of a decision that was erased nothing can be answered.
                if _decision(one) in offices
            }
            self._after = max([end, *(one.seq for one in records)])
            self._known = True
            return list(self._open.values())

    def drop_erased(self, reviews: Sequence[KnownReview]) -> bool:
        """Looks which of these were erased, or their decision; those are open no longer.

        Nobody can answer them: content may be gone though nothing followed it.

        Returns:
            Whether any was.

        Raises:
            JournalUnavailable: if the journal cannot be read now.
        """
        about = {one.asked.id: _decision(one.asked) for one in reviews}
        found = self._store.find([*about, *about.values()])
        there = {stored.id for stored in found if stored.payload is not None}
        gone = {id_ for id_, decision in about.items() if not {id_, decision} <= there}
        with self._one_reads:
            self._open = {id_: one for id_, one in self._open.items() if id_ not in gone}
        return bool(gone)


def _decision(asked: StoredFeedback[Review]) -> bytes:
    # An open review holds content, or it would not be open.
    return cast("Review", asked.content).decision_id.bytes
