"""What is known when feedback arrives, whether it is recorded already, and what reviews must be."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NoReturn

from router.journal.feedback import REVIEW, WITHHELD, Answer, Choice, Feedback, Outcome, kind_of
from router.journal.recommendation import Recommended, read_recommendation
from router.journal.record import RECOMMENDATION, StoredRecord
from router.journal.standing import Standing, StoredFeedback, standing_of, stored_feedback
from router.serving.status import NoDecision, NoReview, Precluded, Stands

RECORDS_AT_MOST = 25
"""Records of one kind about a decision: all of them are read whenever feedback comes."""
_DAY = 24 * 3600 * 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is recorded about a decision.

    Attributes:
        recommended: the decision.
        standing: what stands for it.
        withheld: the advice that waits for an own view; None if there is none or it was erased.
        same_id: what is recorded under the request id already, be it about this decision or
            another.
        recorded: how many records of each kind there are about it.
        salt: of the decision's record: random bytes that go when it is erased.
    """

    recommended: Recommended
    standing: Standing
    withheld: bytes | None
    same_id: StoredFeedback[Feedback] | None
    recorded: Counter[str] = field(default_factory=Counter)
    salt: bytes

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
    if recommended is None or decision.salt is None:
        raise NoDecision(uuid.UUID(bytes=decision.id))
    return History(
        recommended=recommended,
        standing=standing_of(about),
        withheld=next((one.payload for one in about if one.kind == WITHHELD), None),
        same_id=None if same_id is None else stored_feedback(same_id),
        recorded=Counter(one.kind for one in about),
        salt=decision.salt,
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
        Precluded: if it was corrected too often already.
    """
    # The request id first: a retry must hear what its first try did, whatever has followed since.
    same_id = history.same_id
    if same_id is not None:
        if same_id.content == feedback:
            return same_id
        # Not told what it was used for: it may be about another decision, of another office.
        refuse_for("REQUEST_ID_USED", "request_id: it was used with other content", None)

    # Then the content: two clicks with two ids are one answer.
    counterpart = history.standing.counterpart(feedback)
    if counterpart is not None and _says_the_same(counterpart.content, feedback):
        return counterpart

    # A choice after the outcome would be made knowing how it ended. On the day of the advice
    # nothing can have come of it: an outcome recorded then keeps nobody from choosing.
    outcome = history.standing.outcome_record
    if isinstance(feedback, Choice) and outcome is not None and not _is_early(outcome, history):
        told = "decision_id: an outcome is recorded; too late for a choice"
        refuse_for("OUTCOME_RECORDED", told, outcome)
    _refuse_unless_corrected(counterpart, feedback)
    if history.recorded[kind_of(feedback)] >= RECORDS_AT_MOST:
        told = f"decision_id: {RECORDS_AT_MOST} records of this kind are the most about a decision"
        raise Precluded("TOO_MANY_RECORDS", f"{told}; nothing more is corrected")
    return None


def _is_early(outcome: StoredFeedback[Outcome], history: History) -> bool:
    return outcome.written_at - history.recommended.written_at < _DAY


def _refuse_unless_corrected(
    counterpart: StoredFeedback[Feedback] | None, feedback: Feedback
) -> None:
    corrects = feedback.corrects if isinstance(feedback, Choice | Outcome | Answer) else None
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

    Neither what it says nor its id is told: whoever recorded it has both, and with the id alone
    anybody could correct it.

    Raises:
        Stands: always; it tells that something stands, and since when.
    """
    if one is None:
        raise Stands(reason, message, {})
    what = {
        "kind": one.kind,
        "recorded_at": datetime.fromtimestamp(one.written_at / 1e6, UTC).isoformat(),
    }
    if one.erased:
        what["erased"] = "true"
    told = ", ".join(f"{name} {value}" for name, value in what.items())
    raise Stands(reason, f"{message}; what stands: {told}", what)


def _says_the_same(recorded: Feedback | None, feedback: Feedback) -> bool:
    """Tells whether the content is the same, whatever it corrects."""
    correctable = Choice | Outcome | Answer
    if isinstance(recorded, correctable) and isinstance(feedback, correctable):
        return replace(recorded, corrects=feedback.corrects) == feedback
    return recorded == feedback
