"""Answers to feedback as the contract has them."""

from __future__ import annotations

import uuid
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from router.journal.feedback import Direction, Review
from router.serving.feedback.history import Kept
from router.v1 import feedback_pb2


def choice_answer(
    kept: Kept, direction: Direction | None, *, below_floor: bool
) -> feedback_pb2.RecordChoiceResponse:
    """The choice that stands; no direction where the advice was not seen, so that it stays unseen."""
    return feedback_pb2.RecordChoiceResponse(
        record_id=kept.identity,
        recorded_at=_moment(kept.stored.written_at),
        direction=_number(feedback_pb2.ChoiceDirection, direction or "UNSPECIFIED"),
        below_floor=below_floor,
    )


def outcome_answer(kept: Kept) -> feedback_pb2.RecordOutcomeResponse:
    """The outcome that stands."""
    moment = _moment(kept.stored.written_at)
    return feedback_pb2.RecordOutcomeResponse(record_id=kept.identity, recorded_at=moment)


def review_answer(kept: Kept) -> feedback_pb2.AnswerReviewResponse:
    """The review's answer that stands."""
    moment = _moment(kept.stored.written_at)
    return feedback_pb2.AnswerReviewResponse(record_id=kept.identity, recorded_at=moment)


def review_message(identity: uuid.UUID, review: Review, asked_at: int) -> feedback_pb2.Review:
    """A review, asked for at so many microseconds since 1970, UTC."""
    return feedback_pb2.Review(
        review_id=str(identity),
        decision_id=str(review.decision_id),
        asked_by=_number(feedback_pb2.AskedBy, review.asked_by),
        reason=_number(feedback_pb2.ReviewReason, review.reason),
        asked_at=_moment(asked_at),
    )


def _moment(microseconds: int) -> Timestamp:
    found = Timestamp()
    found.FromMicroseconds(microseconds)
    return found


def _number(contract: Any, name: str) -> Any:  # noqa: ANN401 - a generated enum and its value
    prefix = contract.DESCRIPTOR.values[0].name.removesuffix("UNSPECIFIED")
    return contract.Value(f"{prefix}{name}")
