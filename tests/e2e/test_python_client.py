"""The Python client against a real server: every call, and a retry that decides once."""

import re
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest
from channel_router_client import (
    ChannelRouterClient,
    ChannelRouterError,
    DeadlineExceeded,
    InvalidRequest,
    NotFound,
    Stands,
    new_case_ref,
    new_request_id,
)
from channel_router_client.v1 import (
    case_pb2,
    channel_router_pb2,
    feedback_pb2,
    recommendation_pb2,
)

from tests.builders import a_case
from tests.e2e.conftest import Server, closed, start

FULL = channel_router_pb2.VIEW_FULL


def case_of(**values: object) -> case_pb2.Case:
    given = {"case_ref": new_case_ref()} | values
    return case_pb2.Case.FromString(a_case(**given).SerializeToString())


def test_one_case_a_batch_and_a_stream_are_answered_and_bad_ones_fail_alone(
    server: Server,
) -> None:
    with ChannelRouterClient(server.listen, language=recommendation_pb2.LANGUAGE_EN) as router:
        advice = router.recommend(case_of(), view=FULL)
        assert advice.status == recommendation_pb2.STATUS_RECOMMENDED
        assert advice.reasons

        cases = [case_of(), case_of(weeks_registered=-1), case_of()]
        for answers in (router.recommend_batch(cases), list(router.recommend_stream(cases))):
            first, bad, last = answers
            assert isinstance(first, recommendation_pb2.Recommendation)
            assert isinstance(last, recommendation_pb2.Recommendation)
            assert last.case_ref == cases[2].case_ref
            assert isinstance(bad, InvalidRequest)
            assert bad.violations[0].field.endswith("weeks_registered")


def test_a_stream_is_left_early_and_an_error_in_the_caller_s_cases_comes_as_it_is(
    server: Server,
) -> None:
    def broken() -> Iterator[case_pb2.Case]:
        yield case_of()
        raise LookupError("the caller's own")

    with ChannelRouterClient(server.listen) as router:
        answers = router.recommend_stream(case_of() for _ in range(500))
        assert isinstance(next(answers), recommendation_pb2.Recommendation)
        answers.close()
        with pytest.raises(LookupError, match="own"):
            list(router.recommend_stream(broken()))
        with pytest.raises(LookupError, match="own"):
            router.plan_caseload(broken(), hours=10)


def test_a_call_that_ran_out_of_time_is_sent_again_and_decided_once(
    start_server: Callable[..., Server],
) -> None:
    server = start_server()
    case, request_id = case_of(), new_request_id()
    with ChannelRouterClient(server.listen) as router:
        first = router.recommend(case_of())
        lock = sqlite3.connect(server.journal, isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
        with pytest.raises(DeadlineExceeded) as late:
            router.recommend(case, request_id=request_id, timeout=0.3)
        assert late.value.request_ids == (request_id,)
        lock.execute("ROLLBACK")
        lock.close()

        advice = router.recommend(case, request_id=request_id, timeout=30)
        again = router.recommend(case, request_id=request_id)
        assert advice.SerializeToString() == again.SerializeToString()
        assert advice.decision_id != first.decision_id
        recorded = list(router.list_recommendations(case.case_ref))
        assert [one.recommendation.decision_id for one in recorded] == [advice.decision_id]
        assert router.get_recommendation(advice.decision_id).as_answered

        with pytest.raises(Stands):
            router.recommend(case_of(), request_id=request_id)
        with pytest.raises(NotFound):
            router.get_recommendation(str(uuid.uuid4()))


def test_calls_go_in_turn_to_two_servers_and_none_fails_when_one_stops(
    tmp_path: Path,
) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    staying, going = (start(tmp_path / name) for name in "ab")
    with ChannelRouterClient(f"ipv4:{staying.listen},{going.listen}") as router:
        while not all(map(handled, (staying, going))):
            router.recommend(case_of())

        ended = Thread(target=going.stop)
        ended.start()
        while ended.is_alive():
            router.recommend(case_of())
        router.recommend(case_of())
    staying.stop()
    for server in (staying, going):
        closed(server)


def handled(server: Server) -> bool:
    """Tells whether a server has answered a case."""
    return (
        re.search(r'handled_total{grpc_code="OK",grpc_method="Recommend"', server.scrape())
        is not None
    )


def test_what_came_of_the_advice_is_recorded_and_contested(server: Server) -> None:
    with ChannelRouterClient(server.listen, office="office-1") as router:
        advice = router.recommend(case_of())
        choice = router.record_choice(
            advice.decision_id, advice.mix.id, wished_by=feedback_pb2.WISHED_BY_BOTH
        )
        assert choice.direction == feedback_pb2.CHOICE_DIRECTION_SAME
        asked = router.request_review(
            advice.decision_id,
            asked_by=feedback_pb2.ASKED_BY_USER,
            reason=feedback_pb2.REVIEW_REASON_NOT_EXPLAINED,
        )
        assert asked.review_id in {review.review_id for review in router.list_reviews()}
        router.answer_review(asked.review_id, feedback_pb2.REVIEW_RESULT_UPHELD)
        answered = router.get_review(asked.review_id)
        assert answered.result == feedback_pb2.REVIEW_RESULT_UPHELD
        assert answered.office_ref == "office-1"

        today = datetime.now(UTC).date()
        outcome = router.record_outcome(advice.decision_id, observed_on=today, goal_reached=True)
        assert outcome.record_id
        with pytest.raises(ChannelRouterError):
            router.record_own_view(advice.decision_id, advice.mix.id)


def test_a_caseload_is_planned(server: Server) -> None:
    cases = [case_of() for _ in range(1_001)]
    with ChannelRouterClient(server.listen) as router:
        plan = router.plan_caseload(cases, hours=5_000)
    assert plan.whole.cases == len(cases)
    assert [one.case_ref for one in plan.cases] == [case.case_ref for case in cases]


def test_what_the_service_decides_with_is_listed(server: Server) -> None:
    with ChannelRouterClient(server.listen) as router:
        assert router.promoted_model().promoted
        assert [model.version for model in router.list_models()]
        names = [feature.name for feature in router.list_features()]
        assert names == [field.name for field in case_pb2.Case.DESCRIPTOR.fields]
        assert len(list(router.list_mixes())) == 12
        assert list(router.list_safeguards())
