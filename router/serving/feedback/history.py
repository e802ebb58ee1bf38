"""What the journal knows of one decision when feedback on it arrives, and which of it stands."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from router.journal.feedback import (
    CHOICE,
    KINDS,
    OUTCOME,
    REVIEW,
    VIEW,
    WITHHELD,
    Answer,
    Choice,
    Feedback,
    Outcome,
    Review,
    View,
    read_feedback,
)
from router.journal.recommendation import Recommended, read_recommendation
from router.journal.record import RECOMMENDATION, StoredRecord
from router.serving.status import NothingFound, Stands


class Kept(NamedTuple):
    """A record of feedback and its content, None once erased."""

    stored: StoredRecord
    feedback: Feedback | None

    @property
    def identity(self) -> str:
        """Request id under which it was recorded."""
        return str(uuid.UUID(bytes=self.stored.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is recorded about a decision.

    Attributes:
        recommended: the decision.
        kept: feedback on it in the order of the chain.
        withheld: the advice that waits for an own view; None if there is none or it was erased.
        same_id: what is recorded under the request id already, be it about this decision or
            another.
    """

    recommended: Recommended
    kept: tuple[Kept, ...]
    withheld: bytes | None
    same_id: StoredRecord | None

    def last(self, kind: str) -> Kept | None:
        """The last record of a kind: of choices, outcomes and views the one that stands."""
        return next((one for one in reversed(self.kept) if one.stored.kind == kind), None)

    def own_view(self) -> View | None:
        """The adviser's own view, recorded before withheld advice was revealed."""
        kept = self.last(VIEW)
        return kept.feedback if kept and isinstance(kept.feedback, View) else None

    def open_reviews(self) -> list[Kept]:
        """Reviews without an answer, erased ones left out."""
        answered = {
            one.feedback.review_id.bytes for one in self.kept if isinstance(one.feedback, Answer)
        }
        return [
            one
            for one in self.kept
            if isinstance(one.feedback, Review) and one.stored.id not in answered
        ]


def history_of(
    decision: StoredRecord, about: Sequence[StoredRecord], same_id: StoredRecord | None
) -> History:
    """The history of a decision.

    Args:
        decision: its record.
        about: the records about it, in the order of the chain.
        same_id: the record under the request id, if there is one.

    Raises:
        NothingFound: if it is no recommendation, or was erased.
        JournalBroken: if a record cannot be read.
    """
    recommended = read_recommendation(decision) if decision.kind == RECOMMENDATION else None
    if recommended is None:
        told = f"decision_id: {uuid.UUID(bytes=decision.id)} is no recommendation, or it was erased"
        raise NothingFound(told)
    return History(
        recommended=recommended,
        kept=tuple(kept_of(one) for one in about if one.kind in KINDS),
        withheld=next((one.payload for one in about if one.kind == WITHHELD), None),
        same_id=same_id,
    )


def kept_of(stored: StoredRecord) -> Kept:
    """A record with its content, if it is feedback.

    Raises:
        JournalBroken: if it cannot be read.
    """
    return Kept(stored, read_feedback(stored) if stored.kind in KINDS else None)


def decision_of_review(review_id: uuid.UUID, stored: StoredRecord | None) -> uuid.UUID:
    """The decision that a review is about.

    Raises:
        NothingFound: if it is no review, or was erased.
    """
    if stored is None or stored.kind != REVIEW or stored.payload is None or stored.about is None:
        raise NothingFound(f"review_id: no review {review_id} is recorded, or it was erased")
    return uuid.UUID(bytes=stored.about)


def settled(history: History, feedback: Feedback) -> Kept | None:
    """The record that says the same already, under this request id or another; None if it is to be written.

    Raises:
        Stands: if the request id was used for something else, or something else stands that is not
            corrected.
    """
    if history.same_id is not None:
        same = kept_of(history.same_id)
        if same.feedback == feedback:
            return same
        raise stands("REQUEST_ID_USED", "request_id: it was used with other content", same)
    standing = _standing(history, feedback)
    if standing is not None and _same(standing.feedback, feedback):
        return standing
    if isinstance(feedback, Choice):
        outcome = history.last(OUTCOME)
        if outcome is not None:
            raise stands(
                "OUTCOME_RECORDED",
                "decision_id: an outcome is recorded; too late for a choice",
                outcome,
            )
    corrects = feedback.corrects if isinstance(feedback, Choice | Outcome) else None
    if standing is None:
        if corrects is None:
            return None
        raise stands(
            "NOTHING_TO_CORRECT", "corrects: nothing is recorded that could be corrected", None
        )
    if corrects is None:
        raise stands(
            f"{standing.stored.kind.upper()}_RECORDED",
            "decision_id: something else is recorded",
            standing,
        )
    if corrects.bytes != standing.stored.id:
        raise stands("CORRECTS_ANOTHER", "corrects: is not the record that stands", standing)
    return None


def stands(reason: str, message: str, kept: Kept | None) -> Stands:
    """The error that tells what stands."""
    if kept is None:
        return Stands(reason, message, {})
    what = {
        "record_id": kept.identity,
        "kind": kept.stored.kind,
        "recorded_at": datetime.fromtimestamp(kept.stored.written_at / 1e6, UTC).isoformat(),
    }
    match kept.feedback:
        case Choice() | View():
            what["mix"] = kept.feedback.mix
        case Outcome():
            what["outcome"] = str(kept.feedback.outcome)
        case Answer():
            what["result"] = kept.feedback.result.value
        case None if kept.stored.payload is None:
            what["erased"] = "true"
        case _:
            pass
    told = ", ".join(f"{name} {value}" for name, value in what.items())
    return Stands(reason, f"{message}; what stands: {told}", what)


def _same(kept: Feedback | None, feedback: Feedback) -> bool:
    """Whether the content is the same, whatever it corrects."""
    if isinstance(kept, Choice | Outcome) and isinstance(feedback, Choice | Outcome):
        return replace(kept, corrects=feedback.corrects) == feedback
    return kept == feedback


def _standing(history: History, feedback: Feedback) -> Kept | None:
    match feedback:
        case Choice():
            return history.last(CHOICE)
        case Outcome():
            return history.last(OUTCOME)
        case View():
            return history.last(VIEW)
        case Answer():
            answers = (one for one in history.kept if isinstance(one.feedback, Answer))
            return next((one for one in answers if _review_of(one) == feedback.review_id), None)
        case Review():
            return next((one for one in history.open_reviews() if one.feedback == feedback), None)


def _review_of(kept: Kept) -> uuid.UUID | None:
    return kept.feedback.review_id if isinstance(kept.feedback, Answer) else None
