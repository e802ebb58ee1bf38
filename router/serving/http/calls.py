"""Calls over HTTP: an endpoint for each method of a contract, run by the edge.

The methods come from the descriptors: a new one is served without a change here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn, TypeVar, cast

import grpc
from connectrpc.code import Code
from connectrpc.errors import ConnectError, ErrorDetail
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.request import RequestContext
from connectrpc.server import Endpoint
from google.protobuf import any_pb2, json_format, message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message as AnyMessage
from google.rpc import status_pb2
from protobuf import Message, message_from_json_value
from protobuf.wkt import Any as PackedDetail
from protobuf.wkt import Struct

from router.serving.edge import Behaviour, Call, Context, Edge
from router.serving.http.bodies import LARGE, Unread, to_json
from router.serving.status import RequestTooLarge, Trailers, refuse

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a call over HTTP shows of who makes it.

    Attributes:
        authorization: each header of that name.
        connection: what is known of the connection, in gRPC's words.
    """

    authorization: tuple[str, ...] = ()
    connection: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)


_NOTHING = Shown()
SHOWN: ContextVar[Shown] = ContextVar("shown", default=_NOTHING)
"""By the call that runs: the library hands on neither connections nor repeated headers."""
_Told = RequestContext[Any, Any]
_CONVERTING = ThreadPoolExecutor(1, "json")
# Answers: texts are as long, numbers and names make the rest.
_LONGER_IN_JSON = 3
# By whether requests and answers are streams.
_KINDS = {
    (False, False): StreamType.UNARY,
    (True, False): StreamType.CLIENT_STREAM,
    (False, True): StreamType.SERVER_STREAM,
    (True, True): StreamType.BIDI_STREAM,
}
_CODES: dict[grpc.StatusCode, Code] = {
    code: Code.CANCELED if code is grpc.StatusCode.CANCELLED else Code[code.name]
    for code in grpc.StatusCode
    if code is not grpc.StatusCode.OK
}


def endpoints(edge: Edge, services: Iterable[ServiceDescriptor]) -> dict[str, Any]:
    """Gives the endpoints of services that the edge has, by path."""
    return {
        path_of(method): _endpoint(edge, method)
        for service in services
        for method in service.methods
    }


def path_of(method: MethodDescriptor) -> str:
    """Gives the path of a method, the same as over gRPC."""
    return f"/{method.containing_service.full_name}/{method.name}"


def connect_error(code: grpc.StatusCode, message: str, trailers: Trailers = ()) -> ConnectError:
    """Writes an error, with the details that gRPC's trailers carry."""
    packed = dict(trailers).get("grpc-status-details-bin", b"")
    details = [_Detail(detail) for detail in status_pb2.Status.FromString(packed).details]
    return ConnectError(_CODES[code], message, details)


class _Detail(ErrorDetail):
    """A detail that can also be read in JSON, beside its bytes."""

    def __init__(self, detail: any_pb2.Any) -> None:
        super().__init__(PackedDetail(type_url=detail.type_url, value=detail.value))
        readable = json_format.MessageToDict(detail)
        readable.pop("@type")
        self._readable = message_from_json_value(Struct, readable)

    def value(self, *_: object) -> Message:  # type: ignore[override] # asked for one thing here
        """Gives what is written as `debug`."""
        return self._readable


class _Context:
    """One call, as the edge and the services meet it."""

    def __init__(self, told: _Told, requests: AsyncIterator[object] | None = None) -> None:
        self._told = told
        self._requests = requests
        self._shown = SHOWN.get()
        self._code: grpc.StatusCode | None = None
        self.error: ConnectError | None = None
        # None is the end. One at a time: a caller who reads slowly holds the service back.
        self.answers: asyncio.Queue[object | None] = asyncio.Queue(1)

    def code(self) -> grpc.StatusCode | None:
        """Gives the code that `abort` has set."""
        return self._code

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        """Gives the headers; of authorization those that were shown as credentials."""
        headers = self._told.request_headers.allitems()
        return (
            *((name, value) for name, value in headers if name != "authorization"),
            *(("authorization", value) for value in self._shown.authorization),
        )

    def auth_context(self) -> Mapping[str, tuple[bytes, ...]]:
        """Gives what is known of the connection."""
        return self._shown.connection

    def time_remaining(self) -> float | None:
        """Gives the seconds until the deadline, None if there is none."""
        left = self._told.timeout_ms
        return None if left is None else max(left / 1000, 0.0)

    async def read(self) -> object:
        """Gives the next request of a stream."""
        assert self._requests is not None
        return await anext(self._requests, grpc.aio.EOF)

    async def send_initial_metadata(self, metadata: tuple[()], /) -> None:
        """Does nothing: headers go with the first answer."""

    async def write(self, message: object, /) -> None:
        """Sends one answer of many."""
        await self.answers.put(message)

    async def abort(
        self, code: grpc.StatusCode, message: str = "", trailers: Trailers = (), /
    ) -> NoReturn:
        """Ends the call with an error.

        Raises:
            grpc.aio.AbortError: always, as over gRPC.
        """
        self._code = code
        self.error = connect_error(code, message, trailers)
        raise grpc.aio.AbortError


def _endpoint(edge: Edge, method: MethodDescriptor) -> Endpoint[Any, Any]:
    streams_in, streams_out = method.client_streaming, method.server_streaming
    info = MethodInfo(
        name=method.name,
        service_name=method.containing_service.full_name,
        input=message_factory.GetMessageClass(method.input_type),
        output=message_factory.GetMessageClass(method.output_type),
        idempotency_level=IdempotencyLevel.UNKNOWN,
        stream_type=_KINDS[streams_in, streams_out],
    )
    # A stream is read as it comes; a request alone, once the call is admitted.
    reading = _unchanged if streams_in else _reading_now if streams_out else _reading
    call = edge.call(path_of(method), reading)

    async def one(request: Any, told: _Told) -> object:  # noqa: ANN401 - unread, one or a stream
        requests = _each(request) if streams_in else None
        answer = await _ended(call, requests or request, _Context(told, requests))
        in_json = "json" in told.request_headers.get("content-type", "")
        if in_json and cast("AnyMessage", answer).ByteSize() * _LONGER_IN_JSON >= LARGE:
            return await _aside(partial(to_json, cast("AnyMessage", answer)))
        return answer

    async def many(request: Any, told: _Told) -> AsyncIterator[object]:  # noqa: ANN401 - as above
        requests = _each(request) if streams_in else None
        context = _Context(told, requests)

        def over(_: object) -> None:
            # Else there is an answer to take first, after which nothing is waited for.
            if context.answers.empty():
                context.answers.put_nowait(None)

        running = asyncio.ensure_future(_ended(call, requests or request, context))
        running.add_done_callback(over)
        try:
            while not running.done() or not context.answers.empty():
                if (answer := await context.answers.get()) is None:
                    break
                yield answer
            # The edge ends so what its caller has left; this call is not cancelled by it.
            if running.cancelled():
                raise _gone()
            await running
        finally:
            # Done already unless the caller has gone or the deadline has passed.
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    match info.stream_type:
        case StreamType.UNARY:
            return Endpoint.unary(info, one)
        case StreamType.CLIENT_STREAM:
            return Endpoint.client_stream(info, one)
        case StreamType.SERVER_STREAM:
            return Endpoint.server_stream(info, many)
        case StreamType.BIDI_STREAM:
            return Endpoint.bidi_stream(info, many)


async def _ended(call: Call, request: object, context: _Context) -> object:
    """Runs a call, and raises its error as the library wants it."""
    try:
        return await call(request, context)
    except grpc.aio.BaseError:
        raise context.error or _gone() from None


def _gone() -> ConnectError:
    return ConnectError(Code.CANCELED, "the caller has gone")


def _unchanged(behaviour: Behaviour) -> Behaviour:
    return behaviour


def _reading_now(behaviour: Behaviour) -> Behaviour:
    return lambda unread, context: behaviour(unread(), context)


def _reading(behaviour: Behaviour) -> Behaviour:
    """Gives what takes a request that is still unread, for a service that gives one answer."""

    async def one(unread: Unread, context: Context) -> object:
        request = await _aside(unread) if unread.large else unread()
        return await cast("Awaitable[object]", behaviour(request, context))

    return one


async def _aside(convert: Callable[[], T]) -> T:
    """Converts on a thread, one at a time: several would only take turns with the loop."""
    return await asyncio.get_running_loop().run_in_executor(_CONVERTING, convert)


async def _each(bodies: AsyncIterator[Unread]) -> AsyncIterator[object]:
    """Reads the requests of a stream.

    Raises:
        grpc.aio.InternalError: if the caller goes before the end.
        RequestTooLarge: if one is.
    """
    try:
        async for unread in bodies:
            yield await _aside(unread) if unread.large else unread()
    except ConnectError as error:
        if error.code is Code.CANCELED:
            raise grpc.aio.InternalError(error.message) from None
        if error.code is Code.RESOURCE_EXHAUSTED:
            raise RequestTooLarge(error.message) from None
        refuse("request", error.message)
