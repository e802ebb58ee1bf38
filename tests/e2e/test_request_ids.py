"""A request sent again is answered as it was at first, and what was answered is read back."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from router.v1 import case_pb2, channel_router_pb2, recommendation_pb2
from tests.e2e.conftest import Server, router_command
from tests.e2e.test_operations import until_answered

FULL = channel_router_pb2.VIEW_FULL


def a_case(**fields: Any) -> case_pb2.Case:
    usual: dict[str, Any] = {
        "case_ref": str(uuid.uuid4()),
        "shielded": False,
        "weeks_registered": 12,
    }
    return case_pb2.Case(**(usual | fields))


def a_request(**changes: Any) -> channel_router_pb2.RecommendRequest:
    usual: dict[str, Any] = {"case": a_case(), "view": FULL, "request_id": str(uuid.uuid4())}
    return channel_router_pb2.RecommendRequest(**(usual | changes))


def refused(call: Callable[[], object]) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as error:
        call()
    code: grpc.StatusCode = error.value.code()
    return code


def reason(status: status_pb2.Status) -> str:
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    return str(info.reason)


def test_a_request_sent_again_is_answered_byte_for_byte(server: Server) -> None:
    request = a_request()
    first = server.router.Recommend(request)
    again = [server.router.Recommend(request) for _ in range(3)]
    assert {one.SerializeToString() for one in again} == {first.SerializeToString()}
    # Without an id every call is a decision of its own.
    other = a_request(case=request.case, request_id="")
    ids = {server.router.Recommend(other).recommendation.decision_id for _ in range(3)}
    assert len(ids) == 3


def test_many_at_once_are_one_decision(server: Server) -> None:
    request = a_request()
    calls = [server.router.Recommend.future(request) for _ in range(40)]
    assert len({call.result().SerializeToString() for call in calls}) == 1
    listed = server.router.ListRecommendations(
        channel_router_pb2.ListRecommendationsRequest(case_ref=request.case.case_ref)
    )
    assert len(listed.recommendations) == 1


def test_it_is_answered_so_after_a_restart_and_by_another_server(
    start_server: Callable[..., Server],
) -> None:
    request = a_request()
    one = start_server()
    first = one.router.Recommend(request)
    one.stop()
    restarted, replica = start_server(), start_server()
    assert restarted.router.Recommend(request) == first
    assert replica.router.Recommend(request) == first
    # Which of two that are asked at once decides does not matter.
    for _ in range(20):
        both = a_request()
        calls = [server.router.Recommend.future(both) for server in (restarted, replica)]
        assert len({call.result().SerializeToString() for call in calls}) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"case": a_case()},
        {"view": channel_router_pb2.VIEW_BASIC},
        {"language": recommendation_pb2.LANGUAGE_EN},
    ],
    ids=["case", "view", "language"],
)
def test_an_id_is_for_one_request_alone(server: Server, changes: dict[str, object]) -> None:
    request = a_request()
    server.router.Recommend(request)
    other = a_request(**({"case": request.case, "request_id": request.request_id} | changes))
    assert refused(lambda: server.router.Recommend(other)) == grpc.StatusCode.ABORTED
    listed = channel_router_pb2.ListRecommendationsRequest(case_ref=other.case.case_ref)
    own = other.case.case_ref == request.case.case_ref
    assert len(server.router.ListRecommendations(listed).recommendations) == own


NIL = str(uuid.UUID(int=0))


@pytest.mark.parametrize("bad", ["1", "x" * 36, "{98106ac4-c331-43c4-8c2a-abcb68eee93f}", NIL])
def test_an_id_that_is_no_uuid_is_refused(server: Server, bad: str) -> None:
    call = lambda: server.router.Recommend(a_request(request_id=bad))  # noqa: E731
    assert refused(call) == grpc.StatusCode.INVALID_ARGUMENT


def test_each_case_of_a_batch_has_its_own(server: Server) -> None:
    cases = [a_case() for _ in range(4)]
    ids = [str(uuid.uuid4()), "", str(uuid.uuid4()), "no id"]
    request = channel_router_pb2.RecommendBatchRequest(cases=cases, request_ids=ids)
    first = server.router.RecommendBatch(request).results
    again = server.router.RecommendBatch(request).results
    assert [one == other for one, other in zip(first, again, strict=True)] == [1, 0, 1, 1]
    assert first[3].error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]

    # One of them with another case: it alone is refused.
    other = channel_router_pb2.RecommendBatchRequest(
        cases=[cases[0], a_case()], request_ids=[ids[0], ids[2]]
    )
    results = server.router.RecommendBatch(other).results
    assert results[0].recommendation == first[0].recommendation
    assert reason(results[1].error) == "REQUEST_ID_USED"

    few = channel_router_pb2.RecommendBatchRequest(cases=cases, request_ids=ids[:2])
    assert refused(lambda: server.router.RecommendBatch(few)) == grpc.StatusCode.INVALID_ARGUMENT


def test_a_batch_that_the_disk_had_no_room_for_is_whole_when_it_is_sent_again(
    start_server: Callable[..., Server],
) -> None:
    server = start_server()
    number = 1_000
    request = channel_router_pb2.RecommendBatchRequest(
        cases=[a_case() for _ in range(number)],
        request_ids=[str(uuid.uuid4()) for _ in range(number)],
    )

    def on_record() -> list[tuple[bytes, str]]:
        with closing(sqlite3.connect(f"file:{server.journal}?mode=ro", uri=True)) as database:
            return database.execute("SELECT coalesce(about, id), kind FROM record").fetchall()

    # There is room for some of its commits.
    room = server.journal.with_name(f"{server.journal.name}-wal").stat().st_size + (2 << 20)
    no_limit = resource.RLIM_INFINITY
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (room, no_limit))
    assert refused(lambda: server.router.RecommendBatch(request)) == grpc.StatusCode.UNAVAILABLE
    there = on_record()
    assert 0 < len(there) < 2 * number
    # Of no decision the answer is missing, which who asks again is given.
    assert {kind for _, kind in there} == {"recommendation", "answered"}
    assert set(Counter(decision for decision, _ in there).values()) == {2}

    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (no_limit, no_limit))
    until_answered(server)
    kept = len(on_record())
    first = server.router.RecommendBatch(request, timeout=20).results
    again = server.router.RecommendBatch(request, timeout=20).results
    assert first == again
    assert all(one.HasField("recommendation") for one in first)
    assert len(on_record()) == kept - len(there) + 2 * number
    assert server.stop() == 0
    verify = ("journal", "verify", "--journal", f"sqlite:///{server.journal}")
    subprocess.run(router_command(*verify), check=True)


def test_each_case_of_a_stream_has_its_own_and_the_stream_goes_on(server: Server) -> None:
    case, identity = a_case(), str(uuid.uuid4())

    def one(case: case_pb2.Case, request_id: str) -> channel_router_pb2.RecommendStreamRequest:
        return channel_router_pb2.RecommendStreamRequest(case=case, request_id=request_id)

    requests = [one(case, identity), one(case, identity), one(a_case(), identity), one(case, "")]
    first, again, other, without = server.router.RecommendStream(iter(requests))
    assert first == again
    assert reason(other.error) == "REQUEST_ID_USED"
    assert without.recommendation.decision_id != first.recommendation.decision_id


def test_a_recommendation_is_read_back(server: Server) -> None:
    request = a_request(case=a_case(office_ref="synthetic-office"))
    answer = server.router.Recommend(request).recommendation
    get = channel_router_pb2.GetRecommendationRequest(decision_id=answer.decision_id)
    found = server.router.GetRecommendation(get).recommendation
    assert found.as_answered
    assert found.recommendation == answer
    assert found.office_ref == "synthetic-office"

    # Without a request id what is recorded of it is told.
    answer = server.router.Recommend(a_request(request_id="")).recommendation
    get = channel_router_pb2.GetRecommendationRequest(decision_id=answer.decision_id)
    found = server.router.GetRecommendation(get).recommendation
    assert not found.as_answered
    told = found.recommendation
    for name in ("decision_id", "status", "case_ref", "model_version", "policy_version", "doubts"):
        assert getattr(told, name) == getattr(answer, name), name
    assert told.mix.id == answer.mix.id
    assert told.synthetic_model == answer.synthetic_model
    values = [(one.mix_id, one.expected_outcome, one.permitted) for one in answer.options]
    assert [(one.mix_id, one.expected_outcome, one.permitted) for one in told.options] == values


def test_the_recommendations_of_a_case_are_listed_the_latest_first_by_pages(
    server: Server,
) -> None:
    case = a_case()
    made = [
        server.router.Recommend(a_request(case=case)).recommendation.decision_id for _ in range(5)
    ]
    request = channel_router_pb2.ListRecommendationsRequest(case_ref=case.case_ref, page_size=2)
    listed: list[str] = []
    while True:
        page = server.router.ListRecommendations(request)
        assert len(page.recommendations) <= 2
        listed += [one.recommendation.decision_id for one in page.recommendations]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert listed == made[::-1]

    request.case_ref = a_case().case_ref
    assert (
        refused(lambda: server.router.ListRecommendations(request))
        == grpc.StatusCode.INVALID_ARGUMENT
    )


def test_what_was_erased_answers_so(start_server: Callable[..., Server]) -> None:
    server, request = start_server(), a_request()
    answer = server.router.Recommend(request).recommendation
    erase = ("journal", "erase", "--journal", f"sqlite:///{server.journal}", "--yes")
    subprocess.run([*router_command(*erase), "--case", request.case.case_ref], check=True)

    get = channel_router_pb2.GetRecommendationRequest(decision_id=answer.decision_id)
    assert refused(lambda: server.router.GetRecommendation(get)) == grpc.StatusCode.NOT_FOUND
    assert refused(lambda: server.router.Recommend(request)) == grpc.StatusCode.NOT_FOUND
    listed = channel_router_pb2.ListRecommendationsRequest(case_ref=request.case.case_ref)
    assert not server.router.ListRecommendations(listed).recommendations


def test_of_a_shielded_case_nothing_but_the_fact_is_read_back(server: Server) -> None:
    request = a_request(case=case_pb2.Case(shielded=True, office_ref="office-01"))
    answer = server.router.Recommend(request).recommendation
    assert "office-01" not in str(answer)
    assert server.router.Recommend(request).recommendation == answer
    get = channel_router_pb2.GetRecommendationRequest(decision_id=answer.decision_id)
    found = server.router.GetRecommendation(get).recommendation.recommendation
    assert found.status == recommendation_pb2.STATUS_MANUAL_ONLY
    assert "office-01" not in str(found)
    assert not found.case_ref
    assert not found.options


def test_of_a_shielded_case_the_office_stands_nowhere_in_the_journal(
    start_server: Callable[..., Server],
) -> None:
    server = start_server()

    def kept() -> bytes:
        folder = server.journal.parent
        return b"".join(path.read_bytes() for path in folder.glob(f"{server.journal.name}*"))

    shielded = case_pb2.Case(shielded=True, office_ref="office-01")
    server.router.Recommend(a_request(case=shielded))
    server.router.RecommendBatch(channel_router_pb2.RecommendBatchRequest(cases=[shielded] * 3))
    assert b"office-01" not in kept()
    # Of another case it is found there.
    server.router.Recommend(a_request(case=a_case(office_ref="office-01")))
    assert b"office-01" in kept()
