"""Lines of the log are handed on, in order, or counted as lost."""

import asyncio
import importlib
import io
import json
import logging
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from router.serving.logs import Lines

# It has no stubs.
CYGRPC: Any = importlib.import_module("grpc._cython.cygrpc")


def a_line(number: int) -> logging.LogRecord:
    return logging.makeLogRecord({"name": "here", "msg": f"line {number}", "levelname": "INFO"})


def test_what_nobody_takes_is_lost_and_counted() -> None:
    registry, lines = CollectorRegistry(), Lines(waiting=2)
    registry.register(lines)
    for number in range(5):
        lines.handle(a_line(number))
    assert registry.get_sample_value("router_log_lines_lost_total") == 3


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (CYGRPC.ExecuteBatchError("failed"), "INFO"),
        (asyncio.CancelledError(), "INFO"),
        (KeyError("x"), "ERROR"),
    ],
)
def test_that_a_caller_has_gone_is_no_error_of_the_server(error: BaseException, level: str) -> None:
    out, lines, log = io.StringIO(), Lines(), logging.Logger("grpc._cython.cygrpc")
    log.addHandler(lines)
    try:
        raise error
    except (Exception, asyncio.CancelledError):
        log.exception("raised in core by servicer method")
    lines.write_to(out)
    lines.flush()
    (told,) = [json.loads(line) for line in out.getvalue().splitlines()]
    assert told["level"] == level


def test_lines_are_json_and_in_order() -> None:
    out, lines = io.StringIO(), Lines()
    for number in range(3):
        lines.handle(a_line(number))
    lines.write_to(out)
    lines.flush()
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [one["message"] for one in told] == ["line 0", "line 1", "line 2"]
