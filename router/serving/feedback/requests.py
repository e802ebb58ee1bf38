"""What a request to record feedback says, as far as it can be judged without the journal.

A new RPC's request is read here: an `asked_...` function, and the frozen values that it gives.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from router.decision.catalogue import Channel
from router.journal.feedback import (
    CONTACTS_AT_MOST,
    MINUTES_AT_MOST,
    AskedBy,
    ChannelTime,
    ChoiceReason,
    ReviewReason,
    ReviewResult,
    WishedBy,
)
from router.serving.fields import Fields
from router.v1 import feedback_pb2, recommendation_pb2


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedChoice:
    """A choice to record; mixes and what it is against are judged once the decision is known."""

    request_id: uuid.UUID
    decision_id: uuid.UUID
    mix: str
    wished_by: WishedBy
    reason: ChoiceReason
    adviser_view: str | None
    user_view: str | None
    corrects: uuid.UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedOutcome:
    """An outcome to record."""

    request_id: uuid.UUID
    decision_id: uuid.UUID
    outcome: float
    time: tuple[ChannelTime, ...]
    observed_on: date
    corrects: uuid.UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedView:
    """An own view to record."""

    request_id: uuid.UUID
    decision_id: uuid.UUID
    mix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedReview:
    """A review to record."""

    request_id: uuid.UUID
    decision_id: uuid.UUID
    asked_by: AskedBy
    reason: ReviewReason


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedAnswer:
    """A review's answer to record."""

    request_id: uuid.UUID
    review_id: uuid.UUID
    result: ReviewResult
    corrects: uuid.UUID | None


def asked_choice(request: feedback_pb2.RecordChoiceRequest) -> AskedChoice:
    """Reads the request.

    Raises:
        InvalidRequest: if a field is bad; names every one.
    """
    fields = Fields()
    asked = AskedChoice(
        request_id=fields.request_id("request_id", request.request_id),
        decision_id=fields.identity("decision_id", request.decision_id),
        mix=request.mix_id,
        wished_by=fields.code("wished_by", feedback_pb2.WishedBy, WishedBy, request.wished_by),
        reason=fields.code("reason", feedback_pb2.ChoiceReason, ChoiceReason, request.reason),
        adviser_view=request.adviser_view or None,
        user_view=request.user_view or None,
        corrects=fields.identity_or_none("corrects", request.corrects),
    )
    fields.finish()
    return asked


def asked_outcome(request: feedback_pb2.RecordOutcomeRequest) -> AskedOutcome:
    """Reads the request.

    Raises:
        InvalidRequest: if a field is bad; names every one.
    """
    fields = Fields()
    asked = AskedOutcome(
        request_id=fields.request_id("request_id", request.request_id),
        decision_id=fields.identity("decision_id", request.decision_id),
        outcome=_outcome(fields, request),
        time=_time(fields, request),
        observed_on=fields.day("observed_on", request.observed_on),
        corrects=fields.identity_or_none("corrects", request.corrects),
    )
    fields.finish()
    return asked


def asked_view(request: feedback_pb2.RecordOwnViewRequest) -> AskedView:
    """Reads the request.

    Raises:
        InvalidRequest: if a field is bad; names every one.
    """
    fields = Fields()
    asked = AskedView(
        request_id=fields.request_id("request_id", request.request_id),
        decision_id=fields.identity("decision_id", request.decision_id),
        mix=request.mix_id,
    )
    fields.finish()
    return asked


def asked_review(request: feedback_pb2.RequestReviewRequest) -> AskedReview:
    """Reads the request.

    Raises:
        InvalidRequest: if a field is bad; names every one.
    """
    fields = Fields()
    asked = AskedReview(
        request_id=fields.request_id("request_id", request.request_id),
        decision_id=fields.identity("decision_id", request.decision_id),
        asked_by=fields.code("asked_by", feedback_pb2.AskedBy, AskedBy, request.asked_by),
        reason=fields.code("reason", feedback_pb2.ReviewReason, ReviewReason, request.reason),
    )
    fields.finish()
    return asked


def asked_answer(request: feedback_pb2.AnswerReviewRequest) -> AskedAnswer:
    """Reads the request.

    Raises:
        InvalidRequest: if a field is bad; names every one.
    """
    fields = Fields()
    asked = AskedAnswer(
        request_id=fields.request_id("request_id", request.request_id),
        review_id=fields.identity("review_id", request.review_id),
        result=fields.code("result", feedback_pb2.ReviewResult, ReviewResult, request.result),
        corrects=fields.identity_or_none("corrects", request.corrects),
    )
    fields.finish()
    return asked


def _outcome(fields: Fields, request: feedback_pb2.RecordOutcomeRequest) -> float:
    match request.WhichOneof("result"):
        case "goal_reached":
            return float(request.goal_reached)
        # Written so that NaN is outside too.
        case "outcome" if 0 <= request.outcome <= 1:
            return request.outcome
        case "outcome":
            fields.refuse("outcome", f"{request.outcome} is outside 0 to 1")
        case _:
            fields.refuse("outcome", "is missing; 0 to 1, or goal_reached")
    return 0.0


def _time(fields: Fields, request: feedback_pb2.RecordOutcomeRequest) -> tuple[ChannelTime, ...]:
    """Reads the time in the channels' order, so that two orders are one content."""
    found: dict[Channel, ChannelTime] = {}
    bad = False
    for place, one in enumerate(request.time):
        path = f"time[{place}]"
        channel = fields.code(f"{path}.channel", recommendation_pb2.Channel, Channel, one.channel)
        # Without a channel it is told as missing already, and stands for any.
        if one.channel and channel in found:
            fields.refuse(f"{path}.channel", f"{channel.value} is there twice")

        fields.whole(f"{path}.contacts", one.contacts, CONTACTS_AT_MOST, "contacts")
        fields.whole(f"{path}.minutes", one.minutes, MINUTES_AT_MOST, "minutes")
        if one.contacts == 0 and one.minutes > 0:
            fields.refuse(
                f"{path}.minutes", f"{one.minutes} minutes in 0 contacts; give the contacts too"
            )
        # What is out of bounds cannot be made, and is told already; its sum would be told twice.
        if 0 <= one.contacts <= CONTACTS_AT_MOST and 0 <= one.minutes <= MINUTES_AT_MOST:
            found[channel] = ChannelTime(
                channel=channel, contacts=one.contacts, minutes=one.minutes
            )
        else:
            bad = True

    total = sum(one.minutes for one in found.values())
    if total > MINUTES_AT_MOST and not bad:
        fields.refuse("time", f"{total} minutes in all are outside 0 to {MINUTES_AT_MOST} minutes")
    return tuple(found[channel] for channel in Channel if channel in found)
