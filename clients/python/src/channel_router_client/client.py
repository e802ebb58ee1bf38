"""The client: the contract's calls as methods, with deadline, request id and office set."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import grpc
from google.rpc import status_pb2

from channel_router_client.channels import open_channel
from channel_router_client.errors import ChannelRouterError, of_call, of_case
from channel_router_client.references import new_request_id
from channel_router_client.v1 import (
    case_pb2,
    caseload_pb2,
    caseload_pb2_grpc,
    channel_router_pb2,
    channel_router_pb2_grpc,
    feedback_pb2,
    feedback_pb2_grpc,
    models_pb2,
    models_pb2_grpc,
    recommendation_pb2,
)

Answer = recommendation_pb2.Recommendation | ChannelRouterError
"""The answer for one case among several."""
# A case is under 1 KiB, and a message at most 1 MiB.
_CASES_IN_A_MESSAGE = 500
_Of = TypeVar("_Of")
_Asked = TypeVar("_Asked")
_Asked_contra = TypeVar("_Asked_contra", contravariant=True)
_Given_co = TypeVar("_Given_co", covariant=True)
_Given = TypeVar("_Given")


class _Unary(Protocol[_Asked_contra, _Given_co]):
    """A call of one message, as generated stubs have it."""

    def __call__(self, request: _Asked_contra, /, *, timeout: float | None) -> _Given_co: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A plan for an office's cases.

    Attributes:
        whole: the plan as a whole.
        cases: what each case gets, in the order in which they were given.
    """

    whole: caseload_pb2.CaseloadPlan
    cases: tuple[caseload_pb2.PlannedCase, ...]


class ChannelRouterClient:
    """Asks a channel router.

    Calls go in turn to all servers that say that they serve, and are sent again when one has no
    room or goes away. A request id is made for each call, so that a call sent again is decided and
    recorded once. A client is safe to share between threads; close it, or use it as a context.
    """

    def __init__(
        self,
        target: str,
        *,
        timeout: float = 5.0,
        office: str = "",
        language: recommendation_pb2.Language.ValueType = recommendation_pb2.LANGUAGE_UNSPECIFIED,
        reader: recommendation_pb2.Reader.ValueType = recommendation_pb2.READER_UNSPECIFIED,
        credentials: grpc.ChannelCredentials | None = None,
        health_check: bool = True,
        options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        """Opens a channel; the first call connects.

        Args:
            target: of the servers, e.g. "dns:///router.example:50051".
            timeout: seconds that a call may take with all its tries, unless it says otherwise.
            office: pseudonym of the office, for cases and plans that name none.
            language: of texts; unspecified for that of the office's policy.
            reader: of texts: the user, who is unspecified, or the adviser.
            credentials: of TLS; None for plain text.
            health_check: whether servers that do not say that they serve are left alone.
            options: further ones of gRPC.
        """
        self._timeout = timeout
        self._office = office
        self._language = language
        self._reader = reader
        self._channel = open_channel(
            target, credentials=credentials, health_check=health_check, options=options
        )
        self._router = channel_router_pb2_grpc.ChannelRouterStub(self._channel)
        self._feedback = feedback_pb2_grpc.FeedbackStub(self._channel)
        self._models = models_pb2_grpc.ModelsStub(self._channel)
        self._planner = caseload_pb2_grpc.CaseloadPlannerStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the channel; calls in flight end as cancelled."""
        self._channel.close()

    # Advice

    def recommend(
        self,
        case: case_pb2.Case,
        *,
        view: channel_router_pb2.View.ValueType = channel_router_pb2.VIEW_BASIC,
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> recommendation_pb2.Recommendation:
        """Asks for a mix for one case.

        Args:
            case: state `shielded` always.
            view: how much to answer.
            request_id: to send a call again by hand, the one it had; else one is made.
            timeout: seconds; the client's if not given.

        Raises:
            ChannelRouterError: of the kind that says what to do; see `errors`.
        """
        request = channel_router_pb2.RecommendRequest(
            case=self._of_office(case),
            view=view,
            language=self._language,
            reader=self._reader,
            request_id=request_id or new_request_id(),
        )
        told = self._call(self._router.Recommend, request, timeout, request.request_id)
        return told.recommendation

    def recommend_batch(
        self,
        cases: Iterable[case_pb2.Case],
        *,
        view: channel_router_pb2.View.ValueType = channel_router_pb2.VIEW_BASIC,
        request_ids: Sequence[str] | None = None,
        timeout: float | None = None,
    ) -> list[Answer]:
        """Asks for 1 to 1,000 cases, 1 to 250 in the FULL view; a bad case fails alone.

        Args:
            cases: state `shielded` always.
            view: how much to answer.
            request_ids: one a case, to send a call again by hand; else they are made.
            timeout: seconds; the client's if not given.

        Returns:
            For each case advice, or the error that it alone would have got.

        Raises:
            ChannelRouterError: if the batch as a whole fails.
        """
        asked = [self._of_office(case) for case in cases]
        request = channel_router_pb2.RecommendBatchRequest(
            cases=asked,
            view=view,
            language=self._language,
            reader=self._reader,
            request_ids=request_ids or [new_request_id() for _ in asked],
        )
        told = self._call(self._router.RecommendBatch, request, timeout, *request.request_ids)
        return [_answer(result) for result in told.results]

    def recommend_stream(
        self,
        cases: Iterable[case_pb2.Case],
        *,
        view: channel_router_pb2.View.ValueType = channel_router_pb2.VIEW_BASIC,
        timeout: float = 300.0,
    ) -> Generator[Answer, None, None]:
        """Asks for cases as they come; answers come in their order, a bad case fails alone.

        A stream is not sent again. Servers end one after some five minutes: begin a new one then.

        Raises:
            ChannelRouterError: if the stream as a whole fails.
        """
        requests = (
            channel_router_pb2.RecommendStreamRequest(
                case=self._of_office(case),
                view=view,
                language=self._language,
                reader=self._reader,
                request_id=new_request_id(),
            )
            for case in cases
        )
        for told in _stream(self._router.RecommendStream, requests, timeout):
            yield _answer(told)

    def get_recommendation(
        self, decision_id: str, *, timeout: float | None = None
    ) -> channel_router_pb2.RecordedRecommendation:
        """Reads back a recommendation.

        Raises:
            ChannelRouterError: `NotFound` if it was erased or never made.
        """
        request = channel_router_pb2.GetRecommendationRequest(decision_id=decision_id)
        return self._call(self._router.GetRecommendation, request, timeout).recommendation

    def list_recommendations(
        self, case_ref: str, *, timeout: float | None = None
    ) -> Iterator[channel_router_pb2.RecordedRecommendation]:
        """Reads back the recommendations for a case, the latest first, page by page.

        Raises:
            ChannelRouterError: if a page cannot be read.
        """
        request = channel_router_pb2.ListRecommendationsRequest(case_ref=case_ref)
        call = self._router.ListRecommendations
        return self._pages(call, request, lambda page: page.recommendations, timeout)

    def plan_caseload(
        self,
        cases: Iterable[case_pb2.Case],
        *,
        hours: float | None = None,
        office: str | None = None,
        timeout: float = 60.0,
    ) -> Plan:
        """Plans an office's open cases, 1 to 50,000, within its adviser hours.

        A plan is not sent again: each is a record of its own.

        Args:
            cases: they need not name the office.
            hours: over the mixes' weeks; None for those of the office's policy.
            office: its pseudonym; the client's if not given.
            timeout: seconds.

        Raises:
            ChannelRouterError: `Precluded` if the hours are too few for what safeguards demand.
        """
        header = caseload_pb2.PlanHeader(
            office_ref=self._office if office is None else office, hours=hours
        )
        whole, planned = caseload_pb2.CaseloadPlan(), list[caseload_pb2.PlannedCase]()
        for told in _stream(self._planner.PlanCaseload, _parts(header, cases), timeout):
            if told.HasField("plan"):
                whole = told.plan
            planned += told.cases.cases
        return Plan(whole=whole, cases=tuple(planned))

    # Feedback

    def record_choice(
        self,
        decision_id: str,
        mix_id: str,
        *,
        wished_by: feedback_pb2.WishedBy.ValueType,
        reason: feedback_pb2.ChoiceReason.ValueType = feedback_pb2.CHOICE_REASON_UNSPECIFIED,
        adviser_view: str = "",
        user_view: str = "",
        corrects: str = "",
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> feedback_pb2.RecordChoiceResponse:
        """Records the mix that adviser and user agreed on.

        Raises:
            ChannelRouterError: `Stands` if another choice is recorded; see `errors`.
        """
        request = feedback_pb2.RecordChoiceRequest(
            request_id=request_id or new_request_id(),
            decision_id=decision_id,
            mix_id=mix_id,
            wished_by=wished_by,
            reason=reason,
            adviser_view=adviser_view,
            user_view=user_view,
            corrects=corrects,
        )
        return self._call(self._feedback.RecordChoice, request, timeout, request.request_id)

    def record_outcome(
        self,
        decision_id: str,
        *,
        observed_on: date,
        outcome: float | None = None,
        goal_reached: bool | None = None,
        time: Iterable[feedback_pb2.ChannelTime] = (),
        corrects: str = "",
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> feedback_pb2.RecordOutcomeResponse:
        """Records what came of it; one of `outcome` (0 to 1) and `goal_reached` is given.

        Raises:
            ChannelRouterError: `Stands` if another outcome is recorded; see `errors`.
        """
        request = feedback_pb2.RecordOutcomeRequest(
            request_id=request_id or new_request_id(),
            decision_id=decision_id,
            time=time,
            observed_on=observed_on.isoformat(),
            corrects=corrects,
        )
        if outcome is not None:
            request.outcome = outcome
        if goal_reached is not None:
            request.goal_reached = goal_reached
        return self._call(self._feedback.RecordOutcome, request, timeout, request.request_id)

    def record_own_view(
        self,
        decision_id: str,
        mix_id: str,
        *,
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> recommendation_pb2.Recommendation:
        """Records the adviser's own view of withheld advice, and gives the advice.

        Raises:
            ChannelRouterError: `Precluded` if the advice is not to be revealed.
        """
        request = feedback_pb2.RecordOwnViewRequest(
            request_id=request_id or new_request_id(), decision_id=decision_id, mix_id=mix_id
        )
        call = self._feedback.RecordOwnView
        return self._call(call, request, timeout, request.request_id).recommendation

    def request_review(
        self,
        decision_id: str,
        *,
        asked_by: feedback_pb2.AskedBy.ValueType,
        reason: feedback_pb2.ReviewReason.ValueType,
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> feedback_pb2.Review:
        """Contests the advice.

        Raises:
            ChannelRouterError: see `errors`.
        """
        request = feedback_pb2.RequestReviewRequest(
            request_id=request_id or new_request_id(),
            decision_id=decision_id,
            asked_by=asked_by,
            reason=reason,
        )
        call = self._feedback.RequestReview
        return self._call(call, request, timeout, request.request_id).review

    def answer_review(
        self,
        review_id: str,
        result: feedback_pb2.ReviewResult.ValueType,
        *,
        corrects: str = "",
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> feedback_pb2.AnswerReviewResponse:
        """Answers a review, once; `corrects` names the answer that this one corrects.

        Raises:
            ChannelRouterError: `Stands` if it is answered otherwise.
        """
        request = feedback_pb2.AnswerReviewRequest(
            request_id=request_id or new_request_id(),
            review_id=review_id,
            result=result,
            corrects=corrects,
        )
        return self._call(self._feedback.AnswerReview, request, timeout, request.request_id)

    def get_review(self, review_id: str, *, timeout: float | None = None) -> feedback_pb2.Review:
        """Reads back a review, with its answer if there is one.

        Raises:
            ChannelRouterError: `NotFound` if it was erased or never asked for.
        """
        request = feedback_pb2.GetReviewRequest(review_id=review_id)
        return self._call(self._feedback.GetReview, request, timeout).review

    def list_reviews(
        self, *, office: str | None = None, timeout: float | None = None
    ) -> Iterator[feedback_pb2.Review]:
        """Lists the open reviews, oldest first, page by page.

        Args:
            office: only those of this office; the client's if not given, "" for all.
            timeout: seconds a page; the client's if not given.

        Raises:
            ChannelRouterError: if a page cannot be read.
        """
        request = feedback_pb2.ListReviewsRequest(
            office_ref=self._office if office is None else office
        )
        return self._pages(self._feedback.ListReviews, request, lambda page: page.reviews, timeout)

    # What the service decides with

    def promoted_model(self, *, timeout: float | None = None) -> models_pb2.Model:
        """Tells which model version is served.

        Raises:
            ChannelRouterError: see `errors`.
        """
        request = models_pb2.GetPromotedModelRequest()
        return self._call(self._models.GetPromotedModel, request, timeout).model

    def list_models(self, *, timeout: float | None = None) -> Iterator[models_pb2.Model]:
        """Lists the model versions, newest first.

        Raises:
            ChannelRouterError: if a page cannot be read.
        """
        request = models_pb2.ListModelsRequest()
        return self._pages(self._models.ListModels, request, lambda page: page.models, timeout)

    def list_features(self, *, timeout: float | None = None) -> Iterator[models_pb2.FeatureInfo]:
        """Lists the fields of a case, with roles, bounds and units.

        Raises:
            ChannelRouterError: if a page cannot be read.
        """
        request = models_pb2.ListFeaturesRequest(language=self._language)
        call = self._models.ListFeatures
        return self._pages(call, request, lambda page: page.features, timeout)

    def list_mixes(self, *, timeout: float | None = None) -> Iterator[recommendation_pb2.Mix]:
        """Lists the mixes of the catalogue, lightest first.

        Raises:
            ChannelRouterError: if a page cannot be read.
        """
        request = models_pb2.ListMixesRequest(language=self._language)
        return self._pages(self._models.ListMixes, request, lambda page: page.mixes, timeout)

    def list_safeguards(self, *, timeout: float | None = None) -> Iterator[models_pb2.Safeguard]:
        """Lists the published safeguards.

        Raises:
            ChannelRouterError: if a page cannot be read.
        """
        request = models_pb2.ListSafeguardsRequest(language=self._language)
        call = self._models.ListSafeguards
        return self._pages(call, request, lambda page: page.safeguards, timeout)

    def _call(
        self,
        call: _Unary[_Asked, _Given],
        request: _Asked,
        timeout: float | None,
        *request_ids: str,
    ) -> _Given:
        try:
            return call(request, timeout=self._timeout if timeout is None else timeout)
        except grpc.RpcError as error:
            raise of_call(error, request_ids) from error

    def _pages(
        self,
        call: _Unary[Any, Any],
        request: Any,  # noqa: ANN401 - every list's request has a page token
        things: Callable[[Any], Iterable[_Of]],
        timeout: float | None,
    ) -> Iterator[_Of]:
        more = True
        while more:
            page = self._call(call, request, timeout)
            yield from things(page)
            request.page_token = page.next_page_token
            more = bool(page.next_page_token)

    def _of_office(self, case: case_pb2.Case) -> case_pb2.Case:
        """Gives the case with the client's office, if it names none."""
        if case.office_ref or not self._office:
            return case
        # A copy: the caller's is the caller's.
        named = case_pb2.Case(office_ref=self._office)
        named.MergeFrom(case)
        return named


def _stream(
    call: grpc.StreamStreamMultiCallable[_Asked, _Given],
    requests: Iterable[_Asked],
    timeout: float,
) -> Iterator[_Given]:
    """Gives the answers of a stream; an error of the caller's own requests comes as it is."""
    own: list[Exception] = []

    def sent() -> Iterator[_Asked]:
        try:
            yield from requests
        except Exception as error:
            own.append(error)
            raise

    answers = call(sent(), timeout=timeout)
    try:
        yield from answers
    except grpc.RpcError as error:
        failed = own[0] if own else of_call(error)
        raise failed from error
    finally:
        # Whoever leaves early wants no more of them.
        answers.cancel()


def _answer(
    told: channel_router_pb2.RecommendBatchResult | channel_router_pb2.RecommendStreamResponse,
) -> Answer:
    match told.WhichOneof("result"):
        case "recommendation":
            return told.recommendation
        case "error":
            return of_case(told.error)
        case _:
            # A server of another release may answer with what this one does not know.
            unknown = status_pb2.Status(message="the answer is not one that this client knows")
            return of_case(unknown)


def _parts(
    header: caseload_pb2.PlanHeader, cases: Iterable[case_pb2.Case]
) -> Iterator[caseload_pb2.PlanCaseloadRequest]:
    yield caseload_pb2.PlanCaseloadRequest(header=header)
    chunk = caseload_pb2.CaseChunk()
    for case in cases:
        chunk.cases.append(case)
        if len(chunk.cases) == _CASES_IN_A_MESSAGE:
            yield caseload_pb2.PlanCaseloadRequest(cases=chunk)
            chunk = caseload_pb2.CaseChunk()
    if chunk.cases:
        yield caseload_pb2.PlanCaseloadRequest(cases=chunk)
