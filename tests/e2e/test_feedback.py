"""Feedback over the real process: what was acknowledged survives it, and retries are safe."""

import uuid
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from router.journal.stores.sqlite import SqliteJournal
from router.journal.verification import verify
from router.v1 import channel_router_pb2, recommendation_pb2
from router.v1 import feedback_pb2 as pb
from tests.builders import a_case
from tests.e2e.conftest import Server, of_bytes

StartServer = Callable[..., Server]
PHONE = recommendation_pb2.CHANNEL_PHONE


def advised(server: Server, **changes: object) -> recommendation_pb2.Recommendation:
    request = channel_router_pb2.RecommendRequest(case=a_case(**changes))
    return server.router.Recommend(request, timeout=5).recommendation


def a_choice(decision: str, mix: str, **options: object) -> pb.RecordChoiceRequest:
    values = {"request_id": str(uuid.uuid4()), "wished_by": pb.WISHED_BY_BOTH} | options
    return pb.RecordChoiceRequest(decision_id=decision, mix_id=mix, **values)  # type: ignore[arg-type]


def an_outcome(decision: str, day: str, **options: object) -> pb.RecordOutcomeRequest:
    time = [pb.ChannelTime(channel=PHONE, contacts=3, minutes=61)]
    values = {
        "request_id": str(uuid.uuid4()),
        "goal_reached": True,
        "time": time,
        "observed_on": day,
    } | options
    return pb.RecordOutcomeRequest(decision_id=decision, **values)  # type: ignore[arg-type]


def test_a_choice_and_an_outcome_follow_a_recommendation(server: Server) -> None:
    advice = advised(server)
    choice = server.feedback.RecordChoice(a_choice(advice.decision_id, advice.mix.id), timeout=5)
    assert choice.direction == pb.CHOICE_DIRECTION_SAME
    day = choice.recorded_at.ToDatetime().date().isoformat()
    assert server.feedback.RecordOutcome(an_outcome(advice.decision_id, day), timeout=5).record_id
    with pytest.raises(grpc.RpcError) as error:
        server.feedback.RecordChoice(a_choice(advice.decision_id, "INTENSIVE_PERSONAL"), timeout=5)
    assert error.value.code() == grpc.StatusCode.ABORTED
    scraped = server.scrape()
    assert 'router_choices_total{direction="SAME",office_band="NATIONAL",reason="NONE"}' in scraped
    assert "router_reviews_open 0.0" in scraped


def test_nobody_whom_a_safeguard_protects_loses_contact_unless_the_user_wishes_it(
    server: Server,
) -> None:
    advice = advised(server, health_hindrance="YES")
    with pytest.raises(grpc.RpcError) as error:
        server.feedback.RecordChoice(
            a_choice(
                advice.decision_id,
                "SELF_SERVICE",
                reason=pb.CHOICE_REASON_CAPACITY,
                wished_by=pb.WISHED_BY_AGENCY,
            ),
            timeout=5,
        )
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    own_wish = a_choice(
        advice.decision_id, "SELF_SERVICE", reason=pb.CHOICE_REASON_USER_WISHES_LESS
    )
    assert server.feedback.RecordChoice(own_wish, timeout=5).below_floor


def test_a_shielded_case_leaves_nothing_but_the_fact(server: Server) -> None:
    advice = advised(server, shielded=True)
    with pytest.raises(grpc.RpcError) as error:
        server.feedback.RecordChoice(a_choice(advice.decision_id, "INTENSIVE_PERSONAL"), timeout=5)
    assert error.value.code() == grpc.StatusCode.FAILED_PRECONDITION


def test_what_was_acknowledged_is_there_after_a_kill_and_a_retry_changes_nothing(
    start_server: StartServer,
) -> None:
    server = start_server()
    advice = advised(server)
    request = a_choice(advice.decision_id, "INTENSIVE_PERSONAL")
    review = pb.RequestReviewRequest(
        request_id=str(uuid.uuid4()),
        decision_id=advice.decision_id,
        asked_by=pb.ASKED_BY_USER,
        reason=pb.REVIEW_REASON_TOO_LITTLE_CONTACT,
    )
    choice = server.feedback.RecordChoice(request, timeout=5)
    asked = server.feedback.RequestReview(review, timeout=5)
    server.process.kill()
    server.process.wait()
    again = start_server()
    assert again.feedback.RecordChoice(request, timeout=5) == choice
    assert again.feedback.RequestReview(review, timeout=5) == asked
    assert list(again.feedback.ListReviews(pb.ListReviewsRequest(), timeout=5).reviews) == [
        asked.review
    ]
    assert again.stop() == 0
    store = SqliteJournal(again.journal, create=False)
    assert [record.kind for record in store.about(uuid.UUID(advice.decision_id).bytes)] == [
        "choice",
        "review",
    ]
    assert verify(store).broken_seq is None
    store.close()


def test_without_a_journal_feedback_is_unavailable_and_may_be_sent_again(
    start_server: StartServer,
) -> None:
    server = start_server()
    advice = advised(server)
    aside = server.journal.with_suffix(".aside")
    server.journal.rename(aside)
    request = a_choice(advice.decision_id, advice.mix.id)
    with pytest.raises(grpc.RpcError) as error:
        server.feedback.RecordChoice(request, timeout=5)
    assert error.value.code() == grpc.StatusCode.UNAVAILABLE


def test_feedback_has_a_health_name_and_is_reflected(server: Server) -> None:
    check = health_pb2.HealthCheckRequest(service="router.v1.Feedback")
    answer = health_pb2_grpc.HealthStub(server.channel).Check(check, timeout=5)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_bytes_that_are_no_request_are_the_callers_error(server: Server) -> None:
    for method in (
        "RecordChoice",
        "RecordOutcome",
        "RecordOwnView",
        "RequestReview",
        "AnswerReview",
        "ListReviews",
    ):
        with pytest.raises(grpc.RpcError) as error:
            of_bytes(server.channel, f"/router.v1.Feedback/{method}")(b"\xff\xff", timeout=5)
        assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_people_are_told_in_the_policy_s_language_where_a_call_names_none(server: Server) -> None:
    with pytest.raises(grpc.RpcError) as error:
        server.feedback.RecordOutcome(pb.RecordOutcomeRequest(), timeout=5)
    trailers: Any = error.value.trailing_metadata()
    status = status_pb2.Status.FromString(dict(trailers)["grpc-status-details-bin"])
    bad = error_details_pb2.BadRequest()
    assert any(detail.Unpack(bad) for detail in status.details)
    assert {one.localized_message.locale for one in bad.field_violations} == {"nb"}
    assert all(one.localized_message.message for one in bad.field_violations)
