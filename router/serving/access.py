"""The access log: one line for a call, with its request id, and nothing of its case."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

import grpc

from router.serving.tracing import Metadata

Level = Literal["off", "errors", "all"]
LINES_A_SECOND = 100
"""More lines than that are left out, and their number is told in the next one."""
_log = logging.getLogger(__name__)
# Whatever else a caller puts there could be a reference or a number of a person.
_UUID = re.compile(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_REQUEST_ID, _TRACE_PARENT = "x-request-id", "traceparent"


@dataclass(slots=True)
class Noted:
    """What is noted of a call while it runs.

    Attributes:
        request_id: UUID that the caller gave, in the request or as x-request-id; "" without one.
        trace_id: of the caller's trace, 32 hexadecimal digits; "" without one.
        caller: who called, as far as the server knows; "" if it does not.
    """

    request_id: str = ""
    trace_id: str = ""
    caller: str = ""


CALL: ContextVar[Noted | None] = ContextVar("call", default=None)
"""The call that runs; who learns more of it notes it there."""


def noted(metadata: Metadata) -> Noted:
    """Notes what a call's metadata tells."""
    found = Noted()
    for name, value in metadata:
        if name == _REQUEST_ID and isinstance(value, str) and _UUID.fullmatch(value):
            found.request_id = value
        elif name == _TRACE_PARENT and isinstance(value, str):
            parent = _TRACE.fullmatch(value)
            if parent and parent[1].strip("0"):
                found.trace_id = parent[1]
    return found


def note_request(request: object) -> None:
    """Notes the request id that a message holds."""
    call, own = CALL.get(), getattr(request, "request_id", "")
    if call is not None and isinstance(own, str) and _UUID.fullmatch(own):
        call.request_id = own


class AccessLog:
    """Writes a line for a call, but no more lines than a collector can take."""

    def __init__(self, level: Level = "off", now: Callable[[], float] = time.monotonic) -> None:
        """Begins with no line written.

        Args:
            level: which calls: none, those that do not end OK, or all.
            now: seconds, never backwards.
        """
        self._level = level
        self._now = now
        self._second = 0
        self._lines = 0
        self._left_out = 0

    def ended(self, method: str, code: grpc.StatusCode, seconds: float, call: Noted) -> None:
        """Tells of a call that has ended."""
        if self._level == "off" or (self._level == "errors" and code is grpc.StatusCode.OK):
            return
        second = int(self._now())
        if second != self._second:
            self._second, self._lines = second, 0
        self._lines += 1
        if self._lines > LINES_A_SECOND:
            self._left_out += 1
            return
        told = {
            "method": method.strip("/"),
            "code": code.name,
            "ms": round(seconds * 1000, 1),
            "request_id": call.request_id,
            "trace_id": call.trace_id,
            "caller": call.caller,
            "left_out": self._left_out,
        }
        self._left_out = 0
        _log.info("call", extra={name: value for name, value in told.items() if value != ""})
