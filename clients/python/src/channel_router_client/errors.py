"""What can come instead of an answer, by what a caller does about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import grpc
from google.rpc import error_details_pb2, status_pb2

_DETAILS = "grpc-status-details-bin"
_CODES = {code.value[0]: code for code in grpc.StatusCode}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldViolation:
    """What is wrong with a field of the request.

    Attributes:
        field: path from the request's root, e.g. "case.weeks_registered".
        description: the value's problem and the bound.
    """

    field: str
    description: str


class ChannelRouterError(Exception):
    """The call was not answered; its kind says what to do.

    Attributes:
        code: of gRPC.
        message: for a log.
        reason: a code that stays the same whatever the words, e.g. "REQUEST_ID_USED"; "" if none.
        facts: what the reason comes with, e.g. what stands.
        retry_after_seconds: what the server asks one to wait; None if it does not say.
        violations: the fields at fault, if the request is.
        request_ids: of the call, to send it again with.
    """

    def __init__(
        self, code: grpc.StatusCode, status: status_pb2.Status, request_ids: Sequence[str] = ()
    ) -> None:
        super().__init__(f"{code.name}: {status.message}")
        self.code = code
        self.message = status.message
        self.request_ids = tuple(request_ids)
        self.reason = ""
        self.facts: Mapping[str, str] = {}
        self.retry_after_seconds: float | None = None
        self.violations: tuple[FieldViolation, ...] = ()
        for detail in status.details:
            info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
            request = error_details_pb2.BadRequest()
            if detail.Unpack(info):
                self.reason, self.facts = info.reason, dict(info.metadata)
            elif detail.Unpack(retry):
                self.retry_after_seconds = retry.retry_delay.ToTimedelta().total_seconds()
            elif detail.Unpack(request):
                self.violations = tuple(
                    FieldViolation(field=one.field, description=one.description)
                    for one in request.field_violations
                )


class InvalidRequest(ChannelRouterError):
    """The request must be changed; `violations` names the fields at fault."""


class NotFound(ChannelRouterError):
    """What was asked for was never made, or is erased."""


class Stands(ChannelRouterError):
    """Something else is recorded; `facts` says what. Look before asking again."""


class Precluded(ChannelRouterError):
    """What is recorded, or the hours, rule out what was asked for; `reason` says why."""


class Overloaded(ChannelRouterError):
    """Too many calls, or too large a message. It was sent again a few times; wait."""


class Unavailable(ChannelRouterError):
    """No server answered. Send it again with the same request id: it counts once."""


class DeadlineExceeded(ChannelRouterError):
    """No answer in time. Send it again with the same request id: it counts once."""


class Unimplemented(ChannelRouterError):
    """The server is older than this client and does not know the call."""


_KINDS: dict[grpc.StatusCode, type[ChannelRouterError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ABORTED: Stands,
    grpc.StatusCode.FAILED_PRECONDITION: Precluded,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Overloaded,
    # Nobody here cancels: gRPC's core does, on a server with more calls than it has room for.
    grpc.StatusCode.CANCELLED: Overloaded,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.UNIMPLEMENTED: Unimplemented,
}


def of_call(error: grpc.RpcError, request_ids: Sequence[str] = ()) -> ChannelRouterError:
    """Gives the error of a call that failed."""
    # Every error of a call is a `grpc.Call` too; the types do not say so.
    call: grpc.Call = error  # type: ignore[assignment] # see above
    status = status_pb2.Status(message=call.details() or "")
    for key, value in call.trailing_metadata() or ():
        if key == _DETAILS and isinstance(value, bytes):
            status.MergeFromString(value)
    return _of(call.code(), status, request_ids)


def of_case(status: status_pb2.Status) -> ChannelRouterError:
    """Gives the error of one case among several; without a code its cause is not known."""
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    return _of(grpc.StatusCode.UNKNOWN if code is grpc.StatusCode.OK else code, status)


def _of(
    code: grpc.StatusCode, status: status_pb2.Status, request_ids: Sequence[str] = ()
) -> ChannelRouterError:
    return _KINDS.get(code, ChannelRouterError)(code, status, request_ids)
