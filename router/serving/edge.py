"""What surrounds every call: admission, parsing, mapping of errors, metrics of the real outcome.

Services implement the servicers that protobuf generates, so that mypy sees an RPC that is missing.
"""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections import Counter as Tally
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, TypeVar, cast

import grpc
from google.protobuf.message import DecodeError
from prometheus_client import Counter

from router.serving.metrics import Gathered, Metrics
from router.serving.status import (
    DeadlineExpired,
    Draining,
    Overloaded,
    refuse,
    status_of,
    trailers,
)

_Servicer = TypeVar("_Servicer")
_Parse = Callable[[Any], Any]
_OnError = Callable[[Exception], None]

_log = logging.getLogger(__name__)
_OWN = "/router.v1."
_NO_METHOD = "/unknown/unknown"
# A context may tell its code as a number or as a member.
_CODES = {code.value[0]: code for code in grpc.StatusCode} | {
    code: code for code in grpc.StatusCode
}


def code_label(code: grpc.StatusCode) -> str:
    """Names a code as go-grpc-prometheus writes it, e.g. "InvalidArgument"; OK stays OK."""
    return "OK" if code is grpc.StatusCode.OK else code.name.title().replace("_", "")


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
        self._events: Gathered[tuple[grpc.StatusCode | None, float]] = Gathered(
            metrics, self._count
        )

    def started(self) -> None:
        """Counts a call that starts."""
        self._events.extend(((None, 0.0),))

    def ended(self, code: grpc.StatusCode, seconds: float) -> None:
        """Counts a call that has ended."""
        self._events.extend(((code, seconds),))

    def _count(self, events: list[tuple[grpc.StatusCode | None, float]]) -> None:
        tally = Tally(code for code, _ in events)
        self._started.inc(tally.pop(None, 0))
        for code, calls in tally.items():
            self._codes[cast("grpc.StatusCode", code)].inc(calls)
        for code, seconds in events:
            if code is not None:
                self._handling.observe(seconds)


class Counted:
    """Counts one call by its real outcome, whatever way it ends."""

    __slots__ = ("_began", "_context", "_series")

    def __init__(self, series: CallSeries, context: Any) -> None:  # noqa: ANN401 - grpc's context is a C type
        self._series = series
        self._context = context

    def __enter__(self) -> None:
        self._series.started()
        self._began = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        self._series.ended(self._code(error), time.perf_counter() - self._began)

    def _code(self, error: BaseException | None) -> grpc.StatusCode:
        if error is None:
            return grpc.StatusCode.OK
        # gRPC cancels alike when the caller gives up and when its deadline passes: the clock tells.
        if isinstance(error, asyncio.CancelledError | GeneratorExit):
            left = self._context.time_remaining()
            expired = left is not None and left <= 0
            return grpc.StatusCode.DEADLINE_EXCEEDED if expired else grpc.StatusCode.CANCELLED
        # Raised by `abort`, which has set the code already.
        if isinstance(error, grpc.aio.AbortError):
            return _CODES.get(self._context.code(), grpc.StatusCode.UNKNOWN)
        return grpc.StatusCode.UNKNOWN


class Edge(grpc.GenericRpcHandler):
    """The one handler that the server knows, around all others.

    It admits calls, parses their requests, maps their errors, and counts them. It stands where
    grpc's own interceptors would, which run several coroutines for every call.
    """

    def __init__(self, metrics: Metrics, max_in_flight: int) -> None:
        self._metrics = metrics
        self._max_in_flight = max_in_flight
        self._in_flight = 0
        self._inner: list[tuple[grpc.GenericRpcHandler, _OnError]] = []
        self._handlers: dict[str, Any] = {}
        self.draining = False

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

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:  # noqa: ANN401 - a handler of any kind
        """Gives the method's handler, wrapped and kept, so that a call pays for a look-up only."""
        method: str = handler_call_details.method
        kept = self._handlers.get(method)
        if kept is None:
            handler, on_error = self._find(handler_call_details)
            if handler is None:  # one name for all methods that do not exist: labels stay bounded
                method, handler = _NO_METHOD, grpc.unary_unary_rpc_method_handler(_unimplemented)
            kept = self._handlers.get(method)
            if kept is None:
                kept = self._handlers[method] = self._wrapped(method, handler, on_error)
        return kept

    def _find(self, details: grpc.HandlerCallDetails) -> tuple[Any, _OnError]:
        for inner, on_error in self._inner:
            handler = inner.service(details)
            if handler is not None:
                return handler, on_error
        return None, _ignore

    def _wrapped(self, method: str, handler: Any, on_error: _OnError) -> Any:  # noqa: ANN401
        own = method.startswith(_OWN)
        kind = "bidi_stream" if handler.request_streaming else "server_stream"
        kind = kind if handler.response_streaming else "unary"
        series = CallSeries(self._metrics, kind, method)
        # Health and reflection answer also while we drain or are overloaded.
        limit = self._max_in_flight if own else None

        # Bytes come in here, not messages: what cannot be parsed is the caller's error, while
        # grpc's runtime would call it an internal one.
        parse = _parser(handler.request_deserializer) if own else _unchanged
        codec = {
            "request_deserializer": None if own else handler.request_deserializer,
            "response_serializer": handler.response_serializer,
        }

        if handler.request_streaming:
            parse = _each(parse) if own else _unchanged
            return grpc.stream_stream_rpc_method_handler(
                self._stream(handler.stream_stream, parse, series, limit, on_error), **codec
            )
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(
                self._stream(handler.unary_stream, parse, series, limit, on_error), **codec
            )
        return grpc.unary_unary_rpc_method_handler(
            self._unary(handler.unary_unary, parse, series, limit, on_error), **codec
        )

    def _admit(self, context: Any, limit: int | None) -> None:  # noqa: ANN401
        if limit is None:
            return
        if self.draining:
            raise Draining
        # The call itself is counted already.
        if self._in_flight > limit:
            raise Overloaded
        # Who no longer waits is not worked for: under overload that is what frees the others.
        left = context.time_remaining()
        if left is not None and left <= 0:
            raise DeadlineExpired

    def _unary(
        self,
        behaviour: Any,  # noqa: ANN401
        parse: _Parse,
        series: CallSeries,
        limit: int | None,
        on_error: _OnError,
    ) -> Any:  # noqa: ANN401
        async def call(request: Any, context: Any) -> Any:  # noqa: ANN401
            self._in_flight += 1
            try:
                with Counted(series, context):
                    try:
                        self._admit(context, limit)
                        return await behaviour(parse(request), context)
                    except grpc.aio.AbortError:
                        raise
                    except Exception as error:
                        on_error(error)
                        await _abort(error, context)
            finally:
                self._in_flight -= 1

        return call

    def _stream(
        self,
        behaviour: Any,  # noqa: ANN401
        parse: _Parse,
        series: CallSeries,
        limit: int | None,
        on_error: _OnError,
    ) -> Any:  # noqa: ANN401
        async def call(request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: ANN401
            with Counted(series, context):
                try:
                    self._admit(context, limit)
                    async for response in behaviour(parse(request), context):
                        yield response
                except grpc.aio.AbortError:
                    raise
                except Exception as error:
                    on_error(error)
                    await _abort(error, context)

        return call


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


def _unchanged(request: Any) -> Any:  # noqa: ANN401
    return request


def _parser(from_bytes: Any) -> _Parse:  # noqa: ANN401
    """Gives what parses a request as generated code does, but refuses bytes that do not parse."""
    if from_bytes is None:
        return _unchanged
    name = from_bytes.__self__.DESCRIPTOR.full_name

    def parse(data: Any) -> Any:  # noqa: ANN401
        try:
            return from_bytes(data)
        except DecodeError:
            refuse("request", f"the bytes are not a {name}")

    return parse


def _each(parse: _Parse) -> _Parse:
    """Gives what parses every request of a stream as it comes in."""
    return lambda requests: (parse(request) async for request in requests)


async def _unimplemented(request: Any, context: Any) -> None:  # noqa: ANN401, ARG001 - the shape of a handler
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, "no such method")


async def _abort(error: Exception, context: Any) -> None:  # noqa: ANN401
    code, message, details = status_of(error)
    if code is grpc.StatusCode.INTERNAL:
        # Where, but not the error's own words: they might repeat a case's values.
        frames = [
            f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)
        ]
        _log.error("internal error", extra={"error": type(error).__name__, "frames": frames})
    await context.abort(code, message, trailers(code, message, details))
