"""What surrounds every call: who may make it, parsing, mapping of errors, its real outcome counted.

Services implement the servicers that protobuf generates, so that mypy sees an RPC that is missing.
"""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections import Counter as Tally
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from inspect import isasyncgenfunction, iscoroutinefunction
from types import AsyncGeneratorType
from typing import Any, NoReturn, Protocol, TypeAlias, TypeVar, cast

import grpc
from google.protobuf.message import DecodeError
from prometheus_client import Counter

from router.serving.access import CALL, AccessLog, Noted, note_request, noted
from router.serving.callers.access import Access, Presented
from router.serving.callers.caller import EVERYONE, set_caller
from router.serving.entries import check_entries
from router.serving.garbage import came, forget_frames
from router.serving.metrics import Metrics
from router.serving.status import (
    DeadlineExpired,
    Draining,
    InvalidRequest,
    NothingRead,
    Overloaded,
    Trailers,
    refuse,
    status_of,
    trailers,
)
from router.serving.telling import Gathered
from router.serving.tracing import TRACES
from router.serving.waiting_room import WaitingRoom
from router.texts import Texts

_Servicer = TypeVar("_Servicer")
_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
# A generator yields its answers; a coroutine returns the one, or writes many to the context.
_Answer = AsyncGeneratorType[Any, None] | Awaitable[object]
_Parse = Callable[[Any], object]
_OnError = Callable[[Exception], None]

_log = logging.getLogger(__name__)
_OWN = "/router.v1."
_NO_METHOD = "/unknown/unknown"
# By whether requests and answers are streams: the kind's name to grpc, and to its metrics.
_KINDS = {
    (False, False): ("unary_unary", "unary"),
    (False, True): ("unary_stream", "server_stream"),
    (True, False): ("stream_unary", "client_stream"),
    (True, True): ("stream_stream", "bidi_stream"),
}
# The clocks of a deadline and of a call are read one after the other, and the loop's is coarse.
_CLOCKS_DIFFER = 0.01
_QUIET_SECONDS = 0.05
WAITING_AT_MOST = 4_096
"""Calls over gRPC whose request has not come; also streams of which the next one has not, and calls
of health and reflection, each."""
REQUEST_SECONDS = 30.0
"""Until a call's only request has come."""
STREAM_SECONDS = 300.0
"""Until the next request of a stream has come: as long as a connection takes new calls."""
ANSWER_SECONDS = 30.0
"""Until the next answer of a stream has gone on its way, which it has not while nobody reads."""
# A context may tell its code as a number or as a member.
_CODES = {code.value[0]: code for code in grpc.StatusCode} | {
    code: code for code in grpc.StatusCode
}


def code_label(code: grpc.StatusCode) -> str:
    """Names a code as go-grpc-prometheus writes it, e.g. "InvalidArgument"; OK stays OK."""
    return "OK" if code is grpc.StatusCode.OK else code.name.title().replace("_", "")


class Context(Presented, Protocol):
    """What the edge asks of a call's context: grpc.aio's has it, and that of any other door.

    `abort` raises grpc.aio.AbortError; `write` grpc.aio.InternalError when nobody listens.
    """

    def code(self) -> grpc.StatusCode | int | None:
        """Gives the code that was set, if any."""

    def invocation_metadata(self) -> Sequence[tuple[str, str | bytes]] | None:
        """Gives what the caller sent beside the request."""

    def time_remaining(self) -> float | None:
        """Gives the seconds until the deadline, None if there is none."""

    async def read(self) -> object:
        """Gives the next request, `grpc.aio.EOF` if there is none."""

    async def send_initial_metadata(self, metadata: tuple[()], /) -> None:
        """Tells the caller that answers begin."""

    async def write(self, message: Any, /) -> None:  # noqa: ANN401 - of the method's type
        """Sends one answer of many."""

    async def abort(
        self, code: grpc.StatusCode, message: str, trailers: Trailers = (), /
    ) -> NoReturn:
        """Ends the call with an error."""


Behaviour = Callable[[Any, Context], _Answer]
"""What a service does with a request, or with a stream of them."""
Call = Callable[[object, Context], Awaitable[object]]
"""Runs one call: takes what came in, and gives the answer, or writes answers to the context."""


class CallSeries:
    """The metrics of one method, labels bound once."""

    def __init__(self, metrics: Metrics, kind: str, method: str) -> None:
        service, _, name = method.strip("/").rpartition("/")
        labels = (kind, service, name)
        self._started = metrics.started.labels(*labels)
        self._handling = metrics.handling.labels(*labels)
        # Of all codes at once: a series that begins with its first error shows no increase.
        self._codes: dict[grpc.StatusCode, Counter] = {
            code: metrics.handled.labels(*labels, code_label(code)) for code in grpc.StatusCode
        }
        self._events: Gathered[tuple[grpc.StatusCode | None, float, str]] = Gathered(
            metrics.before_scrape, self._count
        )

    def started(self) -> None:
        """Counts a call that starts."""
        self._events.extend(((None, 0.0, ""),))

    def ended(self, code: grpc.StatusCode, seconds: float, trace_id: str = "") -> None:
        """Counts a call that has ended."""
        self._events.extend(((code, seconds, trace_id),))

    def _count(self, events: list[tuple[grpc.StatusCode | None, float, str]]) -> None:
        tally = Tally(code for code, _, _ in events)
        self._started.inc(tally.pop(None, 0))
        for code, calls in tally.items():
            self._codes[cast("grpc.StatusCode", code)].inc(calls)
        for code, seconds, trace_id in events:
            if code is not None:
                self._handling.observe(seconds, {"trace_id": trace_id} if trace_id else None)


class Counted:
    """Counts one call by its real outcome, whatever way it ends, and tells the access log."""

    __slots__ = ("_began", "_call", "_context", "_log", "_method", "_series")

    def __init__(
        self, series: CallSeries, context: Context, method: str, log: AccessLog, call: Noted
    ) -> None:
        self._series = series
        self._context = context
        self._method = method
        self._log = log
        self._call = call

    def __enter__(self) -> None:
        CALL.set(self._call)
        self._series.started()
        self._began = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        code, seconds = self._code(error), time.perf_counter() - self._began
        self._series.ended(code, seconds, self._call.trace_id)
        self._log.ended(self._method, code, seconds, self._call)

    def _code(self, error: BaseException | None) -> grpc.StatusCode:
        # Set without an error by `set_code`, and before its own error by `abort`.
        if error is None or isinstance(error, grpc.aio.AbortError):
            told = self._context.code()
            return grpc.StatusCode.OK if told is None else _CODES[told]
        if isinstance(error, _Unread):
            return grpc.StatusCode.DEADLINE_EXCEEDED
        # gRPC cancels alike when the caller gives up and when its deadline passes: the clock tells.
        if isinstance(error, asyncio.CancelledError):
            left = self._context.time_remaining()
            expired = left is not None and left <= _CLOCKS_DIFFER
            return grpc.StatusCode.DEADLINE_EXCEEDED if expired else grpc.StatusCode.CANCELLED
        return grpc.StatusCode.UNKNOWN


class Edge(grpc.GenericRpcHandler):
    """The one handler that the server knows, around all others.

    It admits calls, parses their requests, maps their errors, and counts them. It stands where
    grpc's own interceptors would, which run several coroutines for every call.

    It takes handlers of all four kinds, in both styles of grpc.aio: generators, and coroutines that
    read from and write to the context. A plain function, for which grpc.aio has threads, it takes
    for a method that the servicer lacks.
    """

    def __init__(
        self,
        metrics: Metrics,
        max_in_flight: int,
        texts: Callable[[], Texts] | None = None,
        access: Access | None = None,
        log: AccessLog | None = None,
        *,
        waiting_at_most: int = WAITING_AT_MOST,
        request_seconds: float = REQUEST_SECONDS,
        stream_seconds: float = STREAM_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        """Begins without a service.

        Args:
            metrics: counted by.
            max_in_flight: calls at once; more are refused.
            texts: gives those in which people are told of a refusal where no language was asked
                for; None tells them nothing.
            access: tells who calls and whether they may; None lets everyone call everything.
            log: is told of every call; None tells nobody.
            waiting_at_most: calls over gRPC whose request has not come, 1 or more.
            request_seconds: until a call's only request has come.
            stream_seconds: until the next request of a stream has come.
            answer_seconds: until the next answer of a stream has gone on its way.
        """
        self._log = log or AccessLog()
        self._metrics = metrics
        self._texts = texts
        self._access = access
        self._max_in_flight = max_in_flight
        self._in_flight = 0
        self._first = WaitingRoom(waiting_at_most, request_seconds)
        self._next = WaitingRoom(waiting_at_most, stream_seconds)
        self._unread = WaitingRoom(waiting_at_most, answer_seconds, NothingRead)
        self._beside = WaitingRoom(waiting_at_most)
        self._inner: list[tuple[grpc.GenericRpcHandler, _OnError]] = []
        self._handlers: dict[str, _Handler] = {}
        self._series: dict[str, CallSeries] = {}
        self.draining = False
        # Calls over gRPC that came as far as here: the core may have refused others.
        self.taken = 0
        metrics.in_flight.set_function(lambda: self._in_flight)
        metrics.in_flight_limit.set(max_in_flight)

    def add(
        self,
        register: Callable[[_Servicer, grpc.aio.Server], None],
        servicer: _Servicer,
        on_error: _OnError | None = None,
    ) -> None:
        """Adds a service.

        Args:
            register: the generated `add_...Servicer_to_server`.
            servicer: what implements the generated `...Servicer`.
            on_error: is told the error by which a call of it fails.
        """
        taken = _Handlers()
        register(servicer, cast("grpc.aio.Server", taken))
        self._inner += [(handler, on_error or _ignore) for handler in taken.handlers]

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> _Handler:
        """Gives the method's handler, wrapped and kept, so that a call pays for a look-up only."""
        method: str = handler_call_details.method
        self.taken += 1
        kept = self._handlers.get(method)
        if kept is None:
            handler, on_error = self._find(handler_call_details)
            if handler is None:  # one name for all methods that do not exist: labels stay bounded
                method, handler = _NO_METHOD, grpc.unary_unary_rpc_method_handler(_unimplemented)
            kept = self._handlers.get(method)
            if kept is None:
                kept = self._handlers[method] = self._wrapped(method, handler, on_error)
        return kept

    async def quiet(self, seconds: float) -> None:
        """Waits until no more calls come, at most so many seconds.

        Calls that gRPC has taken in, but nobody has taken up when it is stopped, it cancels: their
        callers could not tell that from a cancellation of their own, and would not ask again.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                before = -1
                while before != self.taken:
                    before = self.taken
                    await asyncio.sleep(_QUIET_SECONDS)

    def call(self, method: str, reading: Callable[[Behaviour], Behaviour]) -> Call:
        """Gives what runs a method for another door than grpc's own; what is counted is the same.

        Args:
            method: its path, of a service that was added.
            reading: makes of what takes requests what takes whatever comes in at that door.
        """
        handler, on_error = self._find(_Details(method))
        assert handler is not None
        return self._around(method, handler, reading, on_error)

    def turned_away(self, method: str, code: grpc.StatusCode) -> None:
        """Counts a call that ended at another door, so that it never came here.

        Args:
            method: its path, of a service that was added and is called by that door.
            code: how it ended.
        """
        series = self._series[method]
        series.started()
        series.ended(code, 0.0)

    def _find(self, details: grpc.HandlerCallDetails) -> tuple[_Handler | None, _OnError]:
        for inner, on_error in self._inner:
            handler = inner.service(details)
            if handler is not None:
                return handler, on_error
        return None, _ignore

    def _wrapped(self, method: str, handler: _Handler, on_error: _OnError) -> _Handler:
        # To grpc all requests are streams. A lone one it would wait for by itself, for as long as
        # the connection lives, before anybody is asked who calls; and would call it an internal
        # error if it does not parse.
        kind, _ = _KINDS[True, handler.response_streaming]
        parse = parser(handler.request_deserializer)
        if handler.request_streaming:
            # grpc parses within the handler's own reading, so that the error comes up through it.
            deserializer, reading = parse, self._waiting_for_each
        else:
            deserializer, reading = None, partial(_parsing, parse)
        call = self._around(
            method, handler, reading, on_error, arriving=not handler.request_streaming
        )

        make = getattr(grpc, f"{kind}_rpc_method_handler")
        wrapped: _Handler = make(call, deserializer, handler.response_serializer)
        return wrapped

    def _waiting_for_each(self, behaviour: Behaviour) -> Behaviour:
        """Gives what takes a stream whose requests are waited for no longer than they may be."""
        return lambda requests, context: behaviour(
            _each_in_time(requests, self._next), cast("Context", _ReadInTime(context, self._next))
        )

    async def _only_request(self, context: Context) -> object:
        """Waits for the request of a call that has one.

        Raises:
            Overloaded: if too many wait, and this one longest.
            NothingCame: if it does not come in time.
            InvalidRequest: if the caller ends the call without it.
        """
        with self._first.stay():
            request = await context.read()
        if request is grpc.aio.EOF:
            refuse("request", "the call ended without one")
        return request

    def _around(
        self,
        method: str,
        handler: _Handler,
        reading: Callable[[Behaviour], Behaviour],
        on_error: _OnError,
        *,
        arriving: bool = False,
    ) -> Call:
        """Gives what runs a handler of any kind; a stream is one call for as long as it lasts.

        Args:
            method: its path.
            handler: of the service.
            reading: makes of what takes requests what takes whatever comes in.
            on_error: is told the error by which a call fails.
            arriving: whether the call's only request may still be on its way.
        """
        kind, label = _KINDS[handler.request_streaming, handler.response_streaming]
        own = getattr(handler, kind)
        # What a servicer has not got is a plain function of the class that protobuf makes.
        there = iscoroutinefunction(own) or isasyncgenfunction(own)
        behaviour = reading(own if there else _unimplemented)
        series = self._series[method] = CallSeries(self._metrics, label, method)
        # Health and reflection answer also while we drain or are overloaded. They take no place in
        # flight either: every client that watches health has a call that never ends.
        limited = method.startswith(_OWN)
        beside = nullcontext if limited else self._beside.stay
        # Of a method that does not exist nobody needs to know who asks for it, or for what.
        exists = method != _NO_METHOD
        access, arriving = self._access if exists else None, arriving and exists
        path = method.removeprefix("/")

        async def call(request: object, context: Context) -> object:
            flying = False
            if handler.response_streaming:
                context = cast("Context", _WrittenInTime(context, self._unread))
            metadata = context.invocation_metadata() or ()
            call_noted = noted(metadata)
            counted = Counted(series, context, method, self._log, call_noted)
            try:
                with TRACES.call(method, metadata), counted:
                    try:
                        if limited:
                            self._admit(context)
                        caller = access.admit(path, context) if access else EVERYONE
                        set_caller(caller)
                        call_noted.caller = caller.name
                        if arriving:
                            request = await self._only_request(context)
                        if limited:
                            self._check_room()
                            flying = True
                            self._in_flight += 1
                        with beside():
                            answer = behaviour(request, context)
                            if not isinstance(answer, AsyncGeneratorType):
                                return await answer
                            # Closed at once when the caller goes: its own clean-up must not wait.
                            async with aclosing(answer):
                                async for response in answer:
                                    await context.write(response)
                            return None
                    except grpc.aio.InternalError:
                        # Nobody to write to. grpc would log a fault if it has not yet heard that
                        # the caller went; as a cancelled call it is none.
                        raise asyncio.CancelledError from None
                    except grpc.aio.BaseError:  # of grpc, for grpc: aborted
                        raise
                    except Exception as error:
                        on_error(error)
                        self._tell_people(error)
                        await _abort(error, context)
            finally:
                self._in_flight -= flying

        return call

    def _tell_people(self, error: Exception) -> None:
        if isinstance(error, InvalidRequest) and error.texts is None and self._texts is not None:
            error.texts = self._texts()

    def _admit(self, context: Context) -> None:
        if self.draining:
            raise Draining
        self._check_room()
        # Who no longer waits is not worked for: under overload that is what frees the others.
        left = context.time_remaining()
        if left is not None and left <= 0:
            raise DeadlineExpired

    def _check_room(self) -> None:
        if self._in_flight >= self._max_in_flight:
            raise Overloaded


async def _each_in_time(
    requests: AsyncIterator[object], room: WaitingRoom
) -> AsyncGenerator[object, None]:
    """Gives the requests of a stream; waits for each in a room."""
    while True:
        with room.stay():
            request = await anext(requests, grpc.aio.EOF)
        if request is grpc.aio.EOF:
            return
        yield request


class _Unread(asyncio.CancelledError):
    """The call has ended, and its caller will hear of it once it reads."""


class _Within:
    """A call's context, parts of which wait in a room."""

    def __init__(self, context: Context, room: WaitingRoom) -> None:
        self._context = context
        self._room = room

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the context has
        return getattr(self._context, name)


class _WrittenInTime(_Within):
    """Waits until what it writes has gone on its way: the caller may not read."""

    _begun = False

    async def write(self, message: object, /) -> None:
        """Sends one answer of many."""
        # By itself, in no room: grpc notes that metadata is sent when that was waited for to the
        # end. A call that the room ends amid it grpc would send metadata once more, which its core
        # refuses, and the caller would not hear of the end. An answer may be given up at any time.
        if not self._begun:
            await self._room.in_time(self._context.send_initial_metadata(()))
            self._begun = True
        with self._room.stay():
            await self._context.write(message)


class _ReadInTime(_Within):
    """Waits for what it reads."""

    async def read(self) -> object:
        """Gives the next request, `grpc.aio.EOF` if there is none."""
        with self._room.stay():
            return await self._context.read()


@dataclass(slots=True)
class _Details:
    """What a handler is looked up by."""

    method: str
    invocation_metadata: tuple[tuple[str, str | bytes], ...] = ()


class _Handlers:
    """Takes handlers as a server does, which is all that generated code asks of one."""

    def __init__(self) -> None:
        self.handlers: list[grpc.GenericRpcHandler] = []

    def add_generic_rpc_handlers(self, handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """Takes handlers."""
        self.handlers += handlers

    def add_registered_method_handlers(self, service: str, handlers: object) -> None:
        """Takes no notice: they are those added above."""


def _ignore(error: Exception) -> None:
    """Does nothing with an error that nobody asked for."""


def _unchanged(behaviour: Behaviour) -> Behaviour:
    return behaviour


def _parsing(parse: _Parse, behaviour: Behaviour) -> Behaviour:
    def read(request: object, context: Context) -> _Answer:
        message = parse(request)
        note_request(message)
        return behaviour(message, context)

    return read


def parser(from_bytes: Any) -> _Parse:  # noqa: ANN401 - a method of a class that protobuf makes
    """Gives what parses a request as generated code does, but refuses bytes that do not parse."""
    if from_bytes is None:
        return lambda request: request
    name = from_bytes.__self__.DESCRIPTOR.full_name

    def parse(data: bytes) -> object:
        came(len(data))
        check_entries(data, from_bytes.__self__)
        try:
            return from_bytes(data)
        except DecodeError:
            refuse("request", f"the bytes are not a {name}")

    return parse


async def _unimplemented(request: object, context: Context) -> None:  # noqa: ARG001 - the shape of a handler
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, "no such method")


async def _abort(error: Exception, context: Context) -> NoReturn:
    code, message, details = status_of(error)
    if code is grpc.StatusCode.INTERNAL:
        # Where, but not the error's own words: they might repeat a case's values.
        frames = [
            f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)
        ]
        _log.error("internal error", extra={"error": type(error).__name__, "frames": frames})
    forget_frames(error)
    # Behind answers that are not read, an error is not read either. gRPC has it once it is begun,
    # and nothing that the call holds is to wait for it.
    waits = 0 if isinstance(error, NothingRead) else None
    try:
        async with asyncio.timeout(waits):
            await context.abort(code, message, trailers(code, message, details))
    except TimeoutError:
        raise _Unread from None
    except grpc.aio.InternalError:
        # Nobody to tell, as above: it would be counted as UNKNOWN, and logged by grpc as a fault.
        raise asyncio.CancelledError from None
