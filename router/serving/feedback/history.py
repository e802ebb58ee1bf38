"""What is known when feedback arrives, whether it is recorded already, and what reviews must be."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NoReturn

from router.journal.feedback import REVIEW, WITHHELD, Answer, Choice, Feedback, Outcome, View
from router.journal.recommendation import Recommended, read_recommendation
from router.journal.record import RECOMMENDATION, StoredRecord
from router.journal.standing import Standing, StoredFeedback, standing_of, stored_feedback
from router.serving.status import NoDecision, NoReview, Stands


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is recorded about a decision.

    Attributes:
        recommended: the decision.
        standing: what stands for it.
        withheld: the advice that waits for an own view; None if there is none or it was erased.
        same_id: what is recorded under the request id already, be it about this decision or
            another.
    """

    recommended: Recommended
    standing: Standing
    withheld: bytes | None
    same_id: StoredFeedback[Feedback] | None

    @property
    def advice_seen(self) -> bool:
        """Whether the adviser could see the advice."""
        return self.standing.advice_seen(self.recommended.disclosure)


def history_of(
    decision: StoredRecord, about: Sequence[StoredRecord], same_id: StoredRecord | None
) -> History:
    """Reads the history of a decision.

    Args:
        decision: its record.
        about: the records about it, in the order of the chain.
        same_id: the record under the request id, if there is one.

    Raises:
        NoDecision: if it is no recommendation, or was erased.
        JournalBroken: if a record cannot be read.
    """
    recommended = read_recommendation(decision) if decision.kind == RECOMMENDATION else None
    if recommended is None:
        raise NoDecision(uuid.UUID(bytes=decision.id))
    return History(
        recommended=recommended,
        standing=standing_of(about),
        withheld=next((one.payload for one in about if one.kind == WITHHELD), None),
        same_id=None if same_id is None else stored_feedback(same_id),
    )


def decision_of_review(review_id: uuid.UUID, stored: StoredRecord | None) -> uuid.UUID:
    """Finds the decision that a review is about.

    Raises:
        NoReview: if it is no review, or was erased.
    """
    if stored is None or stored.kind != REVIEW or stored.payload is None or stored.about is None:
        raise NoReview(review_id)
    return uuid.UUID(bytes=stored.about)


def recorded_already(history: History, feedback: Feedback) -> StoredFeedback[Feedback] | None:
    """Finds the record that says the same, under this request id or another.

    Returns:
        The record; None if the feedback is to be written.

    Raises:
        Stands: if the request id was used for something else, or something else stands that is not
            corrected.
    """
    # The request id first: a retry must hear what its first try did, whatever has followed since.
    same_id = history.same_id
    if same_id is not None:
        if same_id.content == feedback:
            return same_id
        # What is recorded about another decision may be another office's.
        content = same_id.content
        own = content is not None and content.decision_id == feedback.decision_id
        told = "request_id: it was used with other content"
        refuse_for("REQUEST_ID_USED", told, same_id if own else None)

    # Then the content: two clicks with two ids are one answer.
    counterpart = history.standing.counterpart(feedback)
    if counterpart is not None and _says_the_same(counterpart.content, feedback):
        return counterpart

    # A choice after the outcome would be made knowing how it ended.
    outcome = history.standing.outcome_record
    if isinstance(feedback, Choice) and outcome is not None:
        told = "decision_id: an outcome is recorded; too late for a choice"
        refuse_for("OUTCOME_RECORDED", told, outcome)
    _refuse_unless_corrected(counterpart, feedback)
    return None


def _refuse_unless_corrected(
    counterpart: StoredFeedback[Feedback] | None, feedback: Feedback
) -> None:
    corrects = feedback.corrects if isinstance(feedback, Choice | Outcome) else None
    if counterpart is None:
        if corrects is not None:
            told = "corrects: nothing is recorded that could be corrected"
            refuse_for("NOTHING_TO_CORRECT", told, None)
    elif corrects is None:
        reason = f"{counterpart.kind.upper()}_RECORDED"
        refuse_for(reason, "decision_id: something else is recorded", counterpart)
    elif corrects.bytes != counterpart.id:
        refuse_for("CORRECTS_ANOTHER", "corrects: is not the record that stands", counterpart)


def refuse_for(reason: str, message: str, one: StoredFeedback[Feedback] | None) -> NoReturn:
    """Refuses what was asked for because of what stands.

    Raises:
        Stands: always; it tells what stands.
    """
    if one is None:
        raise Stands(reason, message, {})
    what = {
        "record_id": one.identity,
        "kind": one.kind,
        "recorded_at": datetime.fromtimestamp(one.written_at / 1e6, UTC).isoformat(),
    }
    match one.content:
        case Choice() | View():
            what["mix"] = one.content.mix
        case Outcome():
            what["outcome"] = str(one.content.outcome)
        case Answer():
            what["result"] = one.content.result.value
        case None if one.erased:
            what["erased"] = "true"
        case _:
            pass
    told = ", ".join(f"{name} {value}" for name, value in what.items())
    raise Stands(reason, f"{message}; what stands: {told}", what)


def _says_the_same(recorded: Feedback | None, feedback: Feedback) -> bool:
    """Tells whether the content is the same, whatever it corrects."""
    if isinstance(recorded, Choice | Outcome) and isinstance(feedback, Choice | Outcome):
        return replace(recorded, corrects=feedback.corrects) == feedback
    return recorded == feedback
