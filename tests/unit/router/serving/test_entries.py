"""Requests that hold more messages than any needs: refused before the messages are made."""

import pytest
from google.protobuf.message import Message

from router.serving.entries import ENTRIES_AT_MOST, check_entries
from router.serving.status import InvalidRequest
from router.v1 import caseload_pb2, channel_router_pb2, feedback_pb2
from tests.builders import a_case

MANY = ENTRIES_AT_MOST + 1
BATCH = b"\x0a\x00" * MANY
LENGTH = len(BATCH)
# A field within a field: its number and kind, its length in seven bits a byte, its bytes.
CHUNK = b"\x12" + bytes([LENGTH & 127 | 128, LENGTH >> 7 & 127 | 128, LENGTH >> 14]) + BATCH


@pytest.mark.parametrize(
    ("message", "data", "field"),
    [
        (channel_router_pb2.RecommendBatchRequest, BATCH, "cases"),
        (caseload_pb2.PlanCaseloadRequest, CHUNK, "cases.cases"),
        (feedback_pb2.RecordOutcomeRequest, b"\x2a\x00" * MANY, "time"),
    ],
)
def test_a_field_with_too_many_entries_is_named_with_their_number_and_the_bound(
    message: type[Message], data: bytes, field: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_entries(data, message)
    (problem,) = refused.value.problems
    assert problem.field == field
    assert problem.description == "has 50,001 entries; 50,000 are permitted at most"


@pytest.mark.parametrize(
    ("message", "data"),
    [
        (channel_router_pb2.RecommendBatchRequest, b"\x0a\x00" * ENTRIES_AT_MOST),
        # Of what is no message a request may have as many as there are bytes for.
        (channel_router_pb2.RecommendBatchRequest, b"\x22\x00" * MANY),
        (channel_router_pb2.RecommendRequest, BATCH),
        # Whoever parses it says what is wrong with it.
        (channel_router_pb2.RecommendBatchRequest, BATCH + b"\xff"),
    ],
)
def test_nothing_else_is_refused(message: type[Message], data: bytes) -> None:
    check_entries(data, message)


def test_a_request_as_large_as_it_may_be_is_not_refused() -> None:
    cases = [a_case(case_ref=f"c-{number}") for number in range(1_000)]
    request = channel_router_pb2.RecommendBatchRequest(cases=cases)
    check_entries(request.SerializeToString(), channel_router_pb2.RecommendBatchRequest)
