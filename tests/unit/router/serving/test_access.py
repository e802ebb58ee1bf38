"""The access log: what a line holds, what it never holds, and how many there are."""

import json
import logging
import uuid

import grpc
import pytest

from router.serving.access import LINES_A_SECOND, AccessLog, Noted, noted
from router.serving.logs import JsonFormatter

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
METHOD = "/router.v1.ChannelRouter/Recommend"


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [json.loads(JsonFormatter().format(record)) for record in caplog.records]


@pytest.fixture(autouse=True)
def _listens(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def test_a_line_names_the_call_and_how_it_ended(caplog: pytest.LogCaptureFixture) -> None:
    own = str(uuid.uuid4())
    call = noted([("x-request-id", own), ("traceparent", PARENT), ("user-agent", "x")])
    call.caller = "case-system"
    AccessLog("all").ended(METHOD, grpc.StatusCode.OK, 0.01234, call)
    (line,) = lines(caplog)
    assert {name: line[name] for name in ("method", "code", "ms", "request_id", "trace_id")} == {
        "method": "router.v1.ChannelRouter/Recommend",
        "code": "OK",
        "ms": 12.3,
        "request_id": own,
        "trace_id": TRACE,
    }
    assert line["caller"] == "case-system"


@pytest.mark.parametrize("value", ["15507600333", "case-1", "", f"{uuid.UUID(int=7)} x"])
def test_what_is_no_uuid_is_not_written(value: str) -> None:
    assert noted([("x-request-id", value), ("traceparent", value)]) == Noted()


def test_a_trace_of_zeros_is_none() -> None:
    assert noted([("traceparent", f"00-{'0' * 32}-b7ad6b7169203331-01")]).trace_id == ""


@pytest.mark.parametrize(("level", "written"), [("off", 0), ("errors", 1), ("all", 2)])
def test_the_level_says_which_calls(
    level: str, written: int, caplog: pytest.LogCaptureFixture
) -> None:
    access = AccessLog(level)  # type: ignore[arg-type]
    for code in (grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE):
        access.ended(METHOD, code, 0.0, Noted())
    assert len(lines(caplog)) == written


def test_a_flood_is_told_by_its_number(caplog: pytest.LogCaptureFixture) -> None:
    clock = iter([0.5] * (LINES_A_SECOND + 7) + [1.5])
    access = AccessLog("all", lambda: next(clock))
    for _ in range(LINES_A_SECOND + 8):
        access.ended(METHOD, grpc.StatusCode.UNKNOWN, 0.0, Noted())
    written = lines(caplog)
    assert len(written) == LINES_A_SECOND + 1
    assert written[-1]["left_out"] == 7
