"""The one door by which errors leave: named by consequence, and mapped to status codes here."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from typing import NoReturn

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from router.cases.problems import FieldProblem
from router.journal.record import JournalFull, JournalUnavailable
from router.planning.allocate import BudgetTooSmall
from router.serving.small_details import bad_request, message_of, short_message, short_values
from router.texts import Texts

DOMAIN = "channel-router"
Trailers = tuple[tuple[str, bytes], ...]
# A full house of 1,024 calls is answered in about as long.
_RETRY_MILLISECONDS = 200


class InvalidRequest(Exception):
    """The caller must change the request; names the fields at fault.

    Attributes:
        problems: at least one.
        texts: in which they are told to people too; None where no language was asked for.
    """

    def __init__(self, problems: Sequence[FieldProblem], texts: Texts | None = None) -> None:
        super().__init__("invalid request")
        self.problems = problems
        self.texts = texts


class Overloaded(Exception):
    """Too much is under way; the caller may retry after a while.

    Args:
        what: is too much.
    """

    def __init__(self, what: str = "too many calls in flight") -> None:
        super().__init__(what)


class RequestTooLarge(Exception):
    """The request is larger than is taken; retried as it is, it would be again."""


class Draining(Exception):
    """The server is stopping; the caller may retry elsewhere at once."""


class DeadlineExpired(Exception):
    """The caller no longer waits."""

    def __init__(self, told: str = "the deadline had passed before work started") -> None:
        super().__init__(told)


class NothingCame(DeadlineExpired):
    """The caller has not sent what it had to send.

    Args:
        seconds: for which it was waited.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no request came for {seconds:g} s; call again when there is one to send")


class NothingRead(DeadlineExpired):
    """The caller does not take what it asked for.

    Args:
        seconds: for which it was waited.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"no answer was read for {seconds:g} s; call again and read them as they come"
        )


class Unauthenticated(Exception):
    """The caller must say who it is, in a way that is accepted; not why a way was not accepted.

    Attributes:
        reason: a code.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class NotPermitted(Exception):
    """The caller may not do this, whatever there is.

    Attributes:
        reason: a code.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class TooMuch(Exception):
    """The caller has asked for more than its share; it may go on after a while.

    Attributes:
        seconds: until then.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__("the caller asks for more than its rate; retry later")
        self.seconds = seconds


class CallersUnknown(Exception):
    """It cannot be told now who calls; the caller may retry after a while."""


class NothingFound(Exception):
    """What was asked for does not exist."""


class NoDecision(NothingFound):
    """A decision was never made, was erased, or is another office's: all look alike."""

    def __init__(self, decision_id: uuid.UUID) -> None:
        told = f"decision_id: no recommendation {decision_id} is recorded, or it was erased"
        super().__init__(told)


class NoReview(NothingFound):
    """A review was never asked for, was erased, or is another office's: all look alike."""

    def __init__(self, review_id: uuid.UUID) -> None:
        super().__init__(f"review_id: no review {review_id} is recorded, or it was erased")


class Stands(Exception):
    """Something else is recorded and stands; the caller must look at it before asking again.

    Attributes:
        reason: a code.
        what: what stands, by name.
    """

    def __init__(self, reason: str, message: str, what: Mapping[str, str]) -> None:
        super().__init__(message)
        self.reason = reason
        self.what = what


class Precluded(Exception):
    """What is recorded rules out what was asked for, whatever the request's other fields say.

    Attributes:
        reason: a code.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def refuse(field: str, description: str) -> NoReturn:
    """Refuses a request for one problem.

    Raises:
        InvalidRequest: always.
    """
    raise InvalidRequest([FieldProblem(index=0, field=field, description=description)])


def status_of(error: Exception) -> tuple[grpc.StatusCode, str, list[Message]]:
    """Gives code, message and google.rpc details of an error, all together under 4 KB.

    Anything unknown is INTERNAL without details.
    """
    retry = _retry_after(_RETRY_MILLISECONDS)
    match error:
        case InvalidRequest():
            return (
                grpc.StatusCode.INVALID_ARGUMENT,
                message_of(error.problems),
                [bad_request(error.problems, error.texts)],
            )
        case Overloaded() | JournalFull():
            # What waits for the journal is of calls in flight, too.
            what = error if isinstance(error, Overloaded) else Overloaded()
            return grpc.StatusCode.RESOURCE_EXHAUSTED, f"{what}; retry later", [retry]
        case Unauthenticated() | NotPermitted() | TooMuch() | CallersUnknown():
            return _of_caller(error, retry)
        case RequestTooLarge():
            return grpc.StatusCode.RESOURCE_EXHAUSTED, str(error), []
        case JournalUnavailable():
            return (
                grpc.StatusCode.UNAVAILABLE,
                "the journal cannot be written now; nothing was acknowledged",
                [retry],
            )
        # Without a delay: another server answers at once.
        case Draining():
            return grpc.StatusCode.UNAVAILABLE, "the server is stopping", []
        case DeadlineExpired():
            return grpc.StatusCode.DEADLINE_EXCEEDED, str(error), []
        case NothingFound():
            return grpc.StatusCode.NOT_FOUND, short_message(str(error)), []
        case Stands():
            stands = error_details_pb2.ErrorInfo(
                reason=error.reason, domain=DOMAIN, metadata=short_values(error.what)
            )
            return grpc.StatusCode.ABORTED, short_message(str(error)), [stands]
        case Precluded():
            why = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN)
            return grpc.StatusCode.FAILED_PRECONDITION, short_message(str(error)), [why]
        case BudgetTooSmall():
            told = short_message(str(error))
            short = error_details_pb2.PreconditionFailure.Violation(
                type="ADVISER_MINUTES", subject="header.hours", description=told
            )
            missing = error_details_pb2.ErrorInfo(
                reason="BUDGET_TOO_SMALL",
                domain=DOMAIN,
                metadata={"minutes_missing": f"{error.missing:g}"},
            )
            details = [error_details_pb2.PreconditionFailure(violations=[short]), missing]
            return grpc.StatusCode.FAILED_PRECONDITION, told, details
        case _:
            return grpc.StatusCode.INTERNAL, "internal error", []


def _of_caller(
    error: Unauthenticated | NotPermitted | TooMuch | CallersUnknown,
    retry: error_details_pb2.RetryInfo,
) -> tuple[grpc.StatusCode, str, list[Message]]:
    """Gives the same of an error that has to do with who calls."""
    match error:
        case TooMuch():
            # Rounded up: who comes back exactly then must not be too early.
            soon = _retry_after(math.ceil(error.seconds * 1000))
            why = error_details_pb2.ErrorInfo(reason="CALLER_RATE", domain=DOMAIN)
            return grpc.StatusCode.RESOURCE_EXHAUSTED, str(error), [soon, why]
        case CallersUnknown():
            told = "the keys that tell callers apart are not known yet"
            return grpc.StatusCode.UNAVAILABLE, told, [retry]
        case Unauthenticated():
            code = grpc.StatusCode.UNAUTHENTICATED
        case NotPermitted():
            code = grpc.StatusCode.PERMISSION_DENIED
    return code, str(error), [error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN)]


def _retry_after(milliseconds: int) -> error_details_pb2.RetryInfo:
    seconds, rest = divmod(milliseconds, 1000)
    delay = duration_pb2.Duration(seconds=seconds, nanos=rest * 1_000_000)
    return error_details_pb2.RetryInfo(retry_delay=delay)


def trailers(code: grpc.StatusCode, message: str, details: list[Message]) -> Trailers:
    """Gives the trailing metadata that carries the details: google.rpc.Status."""
    if not details:
        return ()
    status = rpc_status(code, message, details)
    return (("grpc-status-details-bin", status.SerializeToString()),)


def rpc_status(
    code: grpc.StatusCode, message: str, details: Sequence[Message]
) -> status_pb2.Status:
    """Writes an error as a message, with an ErrorInfo whatever else it tells."""
    # A client can tell errors apart by reason and domain, whatever the words.
    if not any(isinstance(detail, error_details_pb2.ErrorInfo) for detail in details):
        details = [*details, error_details_pb2.ErrorInfo(reason=code.name, domain=DOMAIN)]
    packed = []
    for detail in details:
        box = any_pb2.Any()
        box.Pack(detail)
        packed.append(box)
    return status_pb2.Status(code=code.value[0], message=message, details=packed)
