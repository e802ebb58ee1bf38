"""Requests that cannot be meant: empty ones to record, and pages that nobody was offered."""

from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from router.serving.paging import next_token
from router.v1 import feedback_pb2 as pb
from tests.unit.router.serving.feedback.feedback_builder import Desk, a_desk, details

REQUESTS: dict[str, tuple[Callable[[], Any], set[str]]] = {
    "RecordChoice": (pb.RecordChoiceRequest, {"request_id", "decision_id", "wished_by"}),
    "RecordOutcome": (
        pb.RecordOutcomeRequest,
        {"request_id", "decision_id", "outcome", "observed_on"},
    ),
    "RecordOwnView": (pb.RecordOwnViewRequest, {"request_id", "decision_id"}),
    "RequestReview": (
        pb.RequestReviewRequest,
        {"request_id", "decision_id", "asked_by", "reason"},
    ),
    "AnswerReview": (pb.AnswerReviewRequest, {"request_id", "review_id", "result"}),
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with a_desk(tmp_path_factory.mktemp("empty") / "journal.db") as found:
        yield found


@pytest.mark.parametrize("method", REQUESTS)
def test_an_empty_request_is_refused_by_every_field_that_it_lacks(desk: Desk, method: str) -> None:
    kind, fields = REQUESTS[method]
    with pytest.raises(grpc.RpcError) as error:
        getattr(desk.feedback, method)(kind(), timeout=5)
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    found = details(error.value)
    assert fields <= set(found)
    assert all(found[field].startswith("is missing") for field in fields)


@pytest.mark.parametrize("position", ["x", "-1", "9" * 30])
def test_a_page_token_that_somebody_made_is_refused(desk: Desk, position: str) -> None:
    token = next_token("ListReviews", {"office_ref": ""}, position)
    with pytest.raises(grpc.RpcError) as error:
        desk.feedback.ListReviews(pb.ListReviewsRequest(page_token=token), timeout=5)
    assert "page_token" in details(error.value)
