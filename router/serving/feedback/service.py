"""The RPCs of Feedback. One that records is mostly in `requests` and `rules`; one that reads, here.

An answer is given once what it says is durable. Each RPC is a method of the generated servicer, so
that mypy sees one that is missing; a new one joins here.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from router.cases.features import OFFICE_REF
from router.journal.feedback import (
    CHOICE,
    OUTCOME,
    Answer,
    Choice,
    Feedback,
    Outcome,
    Review,
    claim_of,
    claim_of_review,
    feedback_record,
)
from router.journal.record import JournalBroken, JournalUnavailable
from router.journal.standing import StoredFeedback, stored_feedback
from router.serving.callers.caller import Caller, the_caller
from router.serving.durable import DurableJournal
from router.serving.feedback import rules
from router.serving.feedback.history import (
    History,
    decision_of_review,
    recorded_already,
)
from router.serving.feedback.lookups import Lookups
from router.serving.feedback.metrics import FeedbackMetrics, office_band
from router.serving.feedback.requests import (
    asked_answer,
    asked_choice,
    asked_outcome,
    asked_review,
    asked_view,
)
from router.serving.feedback.reviews import FollowedReviews, KnownReview, read_review
from router.serving.fields import Fields
from router.serving.paging import next_token, page_size, position_of, record_of
from router.serving.status import (
    InvalidRequest,
    NoDecision,
    NoReview,
    NothingFound,
    Precluded,
    Stands,
)
from router.v1 import feedback_pb2, recommendation_pb2
from router.v1.feedback_pb2_grpc import FeedbackServicer

# Between looks at what other servers wrote: for the metrics alone, since ListReviews looks itself.
_FOLLOW_SECONDS = 30.0
# A race that was lost is told of at the second attempt.
_ATTEMPTS = 3
_MICRO = 1_000_000
_F = TypeVar("_F", bound=Feedback)


def _now() -> int:
    return time.time_ns() // 1000


class Recorded(NamedTuple, Generic[_F]):
    """What stands after a call that records.

    Attributes:
        content: the feedback that stands.
        by: the record that holds it.
        history: what was known when it was asked for.
        new: whether this call wrote it.
    """

    content: _F
    by: StoredFeedback[Feedback]
    history: History
    new: bool

    @property
    def told_id(self) -> str:
        """The record's id, by which it may be corrected: "" if another caller recorded it.

        Whoever guesses what stands would learn it otherwise.
        """
        return self.by.identity if self.by.caller == the_caller().name else ""


class FeedbackService(FeedbackServicer):
    """Records choices, outcomes, own views and reviews in the journal."""

    def __init__(
        self,
        journal: DurableJournal,
        metrics: FeedbackMetrics,
        minutes_per_week: Callable[[str], float | None],
        now: Callable[[], int] = _now,
    ) -> None:
        """Takes what it needs; `begin` starts to follow the reviews.

        Args:
            journal: with its store.
            metrics: counted once something is durable.
            minutes_per_week: adviser minutes of an office by its reference; None without a policy
                of its own.
            now: microseconds since 1970, UTC.
        """
        self._journal = journal
        self._metrics = metrics
        self._minutes_per_week = minutes_per_week
        self._now = now
        self._lookups = Lookups(journal.store)
        self._reviews = FollowedReviews(journal.store)
        self._following: asyncio.Task[None] | None = None
        metrics.watch_reviews(
            lambda: self._reviews.count, lambda: self._reviews.oldest_age(now()) / _MICRO
        )

    def begin(self) -> None:
        """Starts to follow the reviews that other servers write, on the running loop."""
        self._following = asyncio.get_running_loop().create_task(self._follow())

    async def end(self) -> None:
        """Ceases to follow them."""
        if self._following is not None:
            self._following.cancel()
            with suppress(asyncio.CancelledError):
                await self._following

    async def RecordChoice(
        self, request: feedback_pb2.RecordChoiceRequest, context: object
    ) -> feedback_pb2.RecordChoiceResponse:
        """Records the mix that adviser and user agreed on."""
        asked = asked_choice(request)
        recorded = await self._record(
            asked.request_id, asked.decision_id, lambda known: rules.choice(known, asked)
        )
        choice, history = recorded.content, recorded.history
        below = rules.below_floor(history.recommended, choice.mix)
        # Where the advice was not seen no direction is told, so that it stays unseen.
        direction = choice.direction if history.advice_seen else "UNSPECIFIED"
        if recorded.new:
            self._count_choice(recorded, below=below)
        return feedback_pb2.RecordChoiceResponse(
            record_id=recorded.told_id,
            recorded_at=_moment(recorded.by.written_at),
            direction=_number(feedback_pb2.ChoiceDirection, direction),
            below_floor=below,
        )

    async def RecordOutcome(
        self, request: feedback_pb2.RecordOutcomeRequest, context: object
    ) -> feedback_pb2.RecordOutcomeResponse:
        """Records what came of it."""
        asked = asked_outcome(request)
        recorded = await self._record(
            asked.request_id,
            asked.decision_id,
            lambda known: rules.outcome(known, asked, self._now()),
        )
        if recorded.new:
            self._count_outcome(recorded)
        return feedback_pb2.RecordOutcomeResponse(
            record_id=recorded.told_id, recorded_at=_moment(recorded.by.written_at)
        )

    async def RecordOwnView(
        self, request: feedback_pb2.RecordOwnViewRequest, context: object
    ) -> feedback_pb2.RecordOwnViewResponse:
        """Records the adviser's own view, and then reveals the advice."""
        asked = asked_view(request)
        recorded = await self._record(
            asked.request_id, asked.decision_id, lambda known: rules.own_view(known, asked)
        )
        advice = recommendation_pb2.Recommendation.FromString(recorded.history.withheld or b"")
        return feedback_pb2.RecordOwnViewResponse(recommendation=advice)

    async def RequestReview(
        self, request: feedback_pb2.RequestReviewRequest, context: object
    ) -> feedback_pb2.RequestReviewResponse:
        """Records that the advice is contested."""
        asked = asked_review(request)
        review = Review(decision_id=asked.decision_id, asked_by=asked.asked_by, reason=asked.reason)
        recorded = await self._record(asked.request_id, asked.decision_id, lambda _: review)
        await self._count_if_new(recorded)
        office_ref = recorded.history.recommended.office_ref
        return feedback_pb2.RequestReviewResponse(
            review=_review(recorded.by, review, office_ref=office_ref)
        )

    async def AnswerReview(
        self, request: feedback_pb2.AnswerReviewRequest, context: object
    ) -> feedback_pb2.AnswerReviewResponse:
        """Records what a review came to."""
        asked = asked_answer(request)
        decision = decision_of_review(asked.review_id, await self._lookups.find(asked.review_id))
        answer = Answer(
            decision_id=decision,
            review_id=asked.review_id,
            result=asked.result,
            corrects=asked.corrects,
        )
        recorded = await self._record(
            asked.request_id, decision, lambda _: answer, lambda: NoReview(asked.review_id)
        )
        await self._count_if_new(recorded)
        return feedback_pb2.AnswerReviewResponse(
            record_id=recorded.told_id, recorded_at=_moment(recorded.by.written_at)
        )

    async def ListReviews(
        self, request: feedback_pb2.ListReviewsRequest, context: object
    ) -> feedback_pb2.ListReviewsResponse:
        """Lists the open reviews, oldest first."""
        fields = Fields()
        office_ref = fields.reference("office_ref", request.office_ref, name=OFFICE_REF)
        fields.finish()
        caller = the_caller()
        if office_ref:
            caller.check_office(office_ref)
        size = page_size(request.page_size)
        filters = {"office_ref": office_ref}
        position = position_of("ListReviews", filters, request.page_token)
        after = await asyncio.to_thread(record_of, position, self._journal.store) if position else 0

        erased = True
        while erased:
            every = [
                one
                for one in await asyncio.to_thread(self._reviews.advance)
                if caller.may_see(one.office_ref) and office_ref in ("", one.office_ref)
            ]
            left = [one for one in every if one.asked.seq > after]
            page = left[:size]
            # Of those that are told alone: there may be thousands.
            erased = await asyncio.to_thread(self._reviews.drop_erased, page)
            if erased:
                # Where one was, thousands may have been, and pages may be of one.
                await asyncio.to_thread(self._reviews.drop_erased, every)
        last = page[-1].asked.id.hex() if len(left) > size else ""
        return feedback_pb2.ListReviewsResponse(
            reviews=[_known_review(one) for one in page],
            next_page_token=last and next_token("ListReviews", filters, last),
            open=len(every),
        )

    async def GetReview(
        self, request: feedback_pb2.GetReviewRequest, context: object
    ) -> feedback_pb2.GetReviewResponse:
        """Reads back a review with its answer.

        Raises:
            NoReview: if there is none, it was erased, or it is another office's.
        """
        fields = Fields()
        review_id = fields.identity("review_id", request.review_id)
        fields.finish()
        found = await asyncio.to_thread(read_review, self._journal.store, review_id)
        if not the_caller().may_see(found.office_ref):
            raise NoReview(review_id)
        return feedback_pb2.GetReviewResponse(review=_known_review(found))

    async def _record(
        self,
        request_id: uuid.UUID,
        decision_id: uuid.UUID,
        build: Callable[[History], _F],
        unknown: Callable[[], NothingFound] | None = None,
    ) -> Recorded[_F]:
        """Writes what `build` makes of the decision's history unless it is recorded already.

        Two servers may write at once; the journal keeps one, so what stands is read behind every
        write.

        Args:
            request_id: of the call.
            decision_id: that it is about.
            build: makes the feedback.
            unknown: makes the error that a decision which is not there leads to.

        Raises:
            Stands: if something else stands.
            unknown: if the decision is not there, or not the caller's.
        """
        caller = the_caller()
        for _ in range(_ATTEMPTS):
            history = await self._history(caller, request_id, decision_id, unknown)
            feedback = build(history)
            earlier = recorded_already(history, feedback)
            if earlier is not None:
                return _recorded(feedback, earlier, history, new=False)

            claim = _claim(history, feedback)
            record = feedback_record(request_id, feedback, self._now(), claim, caller.name)
            await self._journal.append([record])
            stored = await self._lookups.find(request_id)
            found = None if stored is None else stored_feedback(stored)
            if found is not None and found.content == feedback:
                # The same call may have come twice at once; one of them wrote it.
                new = found.written_at == record.written_at
                return _recorded(feedback, found, history, new=new)
        raise Stands("RACE", "request_id: others recorded at the same time; ask again", {})

    async def _history(
        self,
        caller: Caller,
        request_id: uuid.UUID,
        decision_id: uuid.UUID,
        unknown: Callable[[], NothingFound] | None,
    ) -> History:
        """Reads what is recorded about a decision, of the caller's own offices alone.

        Raises:
            NoDecision: if the decision is unknown, erased or another office's.
            NothingFound: what `unknown` makes, if it is given.
        """
        try:
            history = await self._lookups.history(request_id, decision_id)
        except NothingFound:
            if unknown is None:
                raise
            raise unknown() from None
        if not caller.may_see(history.recommended.office_ref):
            raise unknown() if unknown is not None else NoDecision(decision_id)
        return history

    def _count_choice(self, recorded: Recorded[Choice], *, below: bool) -> None:
        choice, history = recorded.content, recorded.history
        recommended = history.recommended
        self._metrics.chose_below_floor(below)
        # First choices alone are counted: a share of overrides must not rise by corrections.
        if choice.corrects is not None:
            self._metrics.corrected(CHOICE)
            return

        direction = choice.direction if history.advice_seen else None
        band = office_band(self._minutes_per_week(recommended.office_ref))
        # Two servers' clocks may differ: a delay is never below 0.
        seconds = max(0, recorded.by.written_at - recommended.written_at) / _MICRO

        self._metrics.chosen(direction, choice.reason, band, seconds)
        # Of advice that nobody saw no metric may tell what it was.
        agency = recommended.mix if history.advice_seen else None
        self._metrics.compared(
            {"agency": agency, "adviser": choice.adviser_view, "user": choice.user_view}
        )

    def _count_outcome(self, recorded: Recorded[Outcome]) -> None:
        outcome, history = recorded.content, recorded.history
        if outcome.corrects is not None:
            self._metrics.corrected(OUTCOME)
            return
        self._metrics.outcomes.inc()

        recommended, choice = history.recommended, history.standing.choice
        band = office_band(self._minutes_per_week(recommended.office_ref))
        self._metrics.came(band, max(0, recorded.by.written_at - recommended.written_at) / _MICRO)
        # Without a choice nobody knows which mix it came of.
        if choice is not None and choice.mix in recommended.mixes:
            expected = recommended.expected[recommended.mixes.index(choice.mix)]
            self._metrics.came_of(choice.mix, expected, outcome.outcome)

    async def _count_if_new(self, recorded: Recorded[Any]) -> None:
        if recorded.new:
            # What is counted may be late; the journal's own metrics tell that it fails.
            with suppress(JournalUnavailable, JournalBroken):
                await asyncio.to_thread(self._reviews.advance)

    async def _follow(self) -> None:
        while True:
            with suppress(JournalUnavailable, JournalBroken):
                every = await asyncio.to_thread(self._reviews.advance)
                await asyncio.to_thread(self._reviews.drop_erased, every)
            await asyncio.sleep(_FOLLOW_SECONDS)

    def count_refused(self, error: Exception) -> None:
        """Counts a call that failed, if it was the caller's mistake."""
        match error:
            case rules.ChoiceRefused() | Stands() | Precluded():
                self._metrics.refuse(error.reason)
            case InvalidRequest():
                self._metrics.refuse("INVALID")
            case NothingFound():
                self._metrics.refuse("NOT_FOUND")


def _recorded(
    asked: _F, by: StoredFeedback[Feedback], history: History, *, new: bool
) -> Recorded[_F]:
    content = by.content
    if not isinstance(content, type(asked)):
        raise TypeError("another kind of feedback stands")
    return Recorded(content, by, history, new)


def _claim(history: History, feedback: Feedback) -> str:
    if isinstance(feedback, Review):
        before = sum(one.content == feedback for one in history.standing.others)
        return claim_of_review(feedback, before, history.salt)
    return claim_of(feedback)


def _known_review(known: KnownReview) -> feedback_pb2.Review:
    asked, answer = known.asked, known.answer
    if asked.content is None:
        raise TypeError("a review that is known holds content")
    message = _review(asked, asked.content, office_ref=known.office_ref)
    if answer is not None and answer.content is not None:
        message.result = _number(feedback_pb2.ReviewResult, answer.content.result)
        message.answered_at.CopyFrom(_moment(answer.written_at))
    return message


def _review(by: StoredFeedback[Any], review: Review, *, office_ref: str) -> feedback_pb2.Review:
    return feedback_pb2.Review(
        review_id=by.identity,
        decision_id=str(review.decision_id),
        asked_by=_number(feedback_pb2.AskedBy, review.asked_by),
        reason=_number(feedback_pb2.ReviewReason, review.reason),
        asked_at=_moment(by.written_at),
        office_ref=office_ref,
    )


def _moment(microseconds: int) -> Timestamp:
    found = Timestamp()
    found.FromMicroseconds(microseconds)
    return found


def _number(contract: Any, name: str) -> Any:  # noqa: ANN401 - a generated enum and its value
    prefix = contract.DESCRIPTOR.values[0].name.removesuffix("UNSPECIFIED")
    return contract.Value(f"{prefix}{name}")
