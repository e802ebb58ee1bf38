"""The HTTP server: what is no call is answered here, the rest by the endpoints of the services."""

from __future__ import annotations

import asyncio
import math
import os
import socket
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import resources
from itertools import chain
from typing import TYPE_CHECKING, Any

import grpc
import uvicorn
from connectrpc.code import Code
from connectrpc.server import ConnectASGIApplication
from google.protobuf.descriptor import ServiceDescriptor
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from router.serving.callers.certificates import of_http
from router.serving.edge import Edge
from router.serving.garbage import came
from router.serving.http.bodies import Binary, Json
from router.serving.http.calls import SHOWN, Shown, connect_error, endpoints, path_of
from router.serving.settings import Address, SettingsError, cannot_listen
from router.serving.status import Overloaded, status_of, trailers

if TYPE_CHECKING:
    from router.serving.tls import Tls

BODY_AT_MOST = 4 << 20
"""Bytes of a body, once unpacked: what takes 1 MiB in protobuf takes up to four in JSON."""

BODIES_AT_MOST = 128 << 20
"""Bytes of all bodies that are being read or answered, as far as they have come."""

# What is held of any.
_BODY_AT_LEAST = 16 << 10
# Of each request of a stream: flags, and the length of what follows.
_HEAD_BYTES = 5
_PLAIN = b"identity"
_PACKED = (b"content-encoding", b"connect-content-encoding", b"grpc-encoding")

# As much as metadata over gRPC.
_HEADERS_AT_MOST = 16 << 10
# Longer than clients and proxies keep theirs: a call on one that closes just then would fail.
_IDLE_SECONDS = 75.0
# An answer that is not taken holds room, too.
_TAKING_SECONDS = 30.0
# A body that trickles in holds room that others need.
_BODY_SECONDS = 30.0
# As old as a connection of gRPC may be.
_STREAM_SECONDS = 300.0
_DOCUMENT = "/openapi.json"
_CONNECTION = "connection"
_WEB = ("application/grpc-web", "application/grpc-web+proto", "application/grpc-web+json")
_ALONE = ("application/json", "application/proto", *_WEB)
_STREAMS = ("application/connect+json", "application/connect+proto", *_WEB)
# What browsers ask about before they send a call of Connect or gRPC-Web.
_SENT = (
    *("authorization", "content-type", "connect-protocol-version", "connect-timeout-ms"),
    *("grpc-timeout", "x-grpc-web", "x-user-agent"),
)
_SEEN = ("grpc-status", "grpc-message", "grpc-status-details-bin")
_ASKED_FOR_SECONDS = 7200
# Two ways to say where a body ends.
_LENGTHS = {b"content-length", b"transfer-encoding"}

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_App = Callable[[_Scope, _Receive, _Send], Awaitable[None]]


class Door:
    """Serves the services of an edge over HTTP, on the loop that runs. It listens once made."""

    def __init__(
        self,
        edge: Edge,
        services: Iterable[ServiceDescriptor],
        *,
        address: Address,
        origins: tuple[str, ...],
        max_in_flight: int,
        grace_seconds: float,
        max_connections: int = 16_384,
        body_seconds: float = _BODY_SECONDS,
        idle_seconds: float = _IDLE_SECONDS,
        taking_seconds: float = _TAKING_SECONDS,
        tls: Tls | None = None,
    ) -> None:
        """Listens.

        Args:
            edge: runs the calls.
            services: what is served of it.
            address: to listen on.
            origins: of the pages whose scripts may call.
            max_in_flight: calls at once; twice as many requests are read or answered.
            grace_seconds: for what is under way when it ends.
            max_connections: at once; one more ends the one that has been idle longest.
            body_seconds: within which a body must have come, but for streams.
            idle_seconds: within which the head of a request must have come, the next one's too.
            taking_seconds: within which a caller must take more of an answer that waits for it.
            tls: the server's certificate; None serves in plain text.

        Raises:
            SettingsError: if the address cannot be listened on.
        """
        app = application(
            edge,
            services,
            origins=origins,
            at_once=2 * max_in_flight,
            body_seconds=body_seconds,
        )
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        try:
            self._socket = socket.create_server((address.host, address.port), family=family)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else error
            raise SettingsError("http", cannot_listen(address, why)) from None
        config = _Config(
            app,
            http=_Protocol,
            ssl_context_factory=(lambda *_: tls.for_http()) if tls else None,
            h11_max_incomplete_event_size=_HEADERS_AT_MOST,
            lifespan="off",
            ws="none",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=idle_seconds,  # type: ignore[arg-type] # handed on as it is
            timeout_graceful_shutdown=math.ceil(grace_seconds),
        )
        config.max_connections = max_connections
        config.taking_seconds = taking_seconds
        config.idle = {}
        self._server = _Server(config)
        self.address = Address(host=address.host, port=self._socket.getsockname()[1])

    async def begin(self) -> None:
        """Begins to serve."""
        self._serving = asyncio.ensure_future(self._server.serve([self._socket]))
        await asyncio.wait(
            (self._serving, asyncio.ensure_future(self._server.ready.wait())),
            return_when=asyncio.FIRST_COMPLETED,
        )

    async def end(self) -> None:
        """Takes no more connections, and ends when the calls have, or their time is up."""
        self._server.should_exit = True
        await self._serving
        # Those whose time was up are cancelled by now, and count themselves as they end.
        await asyncio.gather(*self._server.server_state.tasks, return_exceptions=True)


class _Config(uvicorn.Config):
    """Also says how many connections there may be, and which of them have no request under way."""

    max_connections: int
    taking_seconds: float
    # In the order in which they began to wait.
    idle: dict[_Protocol, None]


class _Protocol(H11Protocol):
    """Holds connections to their bounds, and tells requests of the certificate that they came with.

    uvicorn waits as long as it takes for the first request, and for the rest of a head.
    """

    config: _Config

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Reads the certificate once a connection, and begins to wait for a request."""
        super().connection_made(transport)
        self._taking: asyncio.TimerHandle | None = None
        if len(self.connections) > self.config.max_connections:
            oldest = next(iter(self.config.idle), self)
            self.config.idle.pop(oldest, None)
            oldest.transport.abort()
            if oldest is self:
                return
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )
        self.config.idle[self] = None
        secured = transport.get_extra_info("ssl_object")
        connection = of_http(secured.getpeercert(binary_form=True)) if secured is not None else {}
        self.app_state = {**self.app_state, _CONNECTION: connection}

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the connection."""
        self.config.idle.pop(self, None)
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Takes what has come; unlike uvicorn's own, goes on waiting until a head is whole."""
        self.conn.receive_data(data)
        self.handle_events()

    def on_response_complete(self) -> None:
        """Begins to wait for the next request, unless it is there already."""
        super().on_response_complete()
        if self.timeout_keep_alive_task is not None:
            self.config.idle[self] = None

    def _unset_keepalive_if_required(self) -> None:
        # Called when the head of a request is whole.
        super()._unset_keepalive_if_required()
        self.config.idle.pop(self, None)

    def timeout_keep_alive_handler(self) -> None:
        """Ends the connection, whether or not the last answer was taken."""
        self.transport.abort()

    def pause_writing(self) -> None:
        """Begins to wait until the caller takes what there is."""
        super().pause_writing()
        self._taking = self.loop.call_later(self.config.taking_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Goes on."""
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None
        super().resume_writing()


class _Server(uvicorn.Server):
    """Leaves signals to the process, of which it is but a part, and says when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Takes none."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to listen."""
        await super().startup(sockets)
        self.ready.set()


def application(
    edge: Edge,
    services: Iterable[ServiceDescriptor],
    *,
    origins: tuple[str, ...],
    at_once: int,
    body_seconds: float,
) -> _App:
    """Gives the application, in the form that HTTP servers of Python take.

    Args:
        edge: runs the calls.
        services: what is served of it.
        origins: of the pages whose scripts may call.
        at_once: most requests that are read or answered at once.
        body_seconds: within which a body must have come, but for streams.
    """
    app: _App = _Front(edge, list(services), at_once, body_seconds, origins)
    if origins:
        app = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=["POST"],
            allow_headers=_SENT,
            expose_headers=_SEEN,
            max_age=_ASKED_FOR_SECONDS,
        )
    return app


class _Front:
    """Refuses in the words of Connect what is no call; the library would answer without any."""

    def __init__(
        self,
        edge: Edge,
        services: list[ServiceDescriptor],
        at_once: int,
        body_seconds: float,
        origins: tuple[str, ...],
    ) -> None:
        self._body_seconds = body_seconds
        self._origins = frozenset(origin.encode() for origin in origins)
        found = endpoints(edge, services)
        self._streams = {
            path_of(method): method.client_streaming or method.server_streaming
            for service in services
            for method in service.methods
        }
        self._calls = _Calls(
            service=edge,
            endpoints=lambda _: found,
            interceptors=(_Room(at_once, edge),),
            read_max_bytes=BODY_AT_MOST,
            codecs=(Json(), Binary()),
        )
        self._document = resources.files(__package__).joinpath("openapi.json").read_bytes()

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        answer = self._no_call(scope)
        # Names of codings have no case (RFC 9110, 8.4.1); the library knows them in small letters.
        scope["headers"] = [
            (name, value.lower() if name in _PACKED else value) for name, value in scope["headers"]
        ]
        if answer is None:
            SHOWN.set(_shown(scope))
            seconds = _STREAM_SECONDS if self._streams[scope["path"]] else self._body_seconds
            body = _Body(scope, receive, seconds, is_stream=self._streams[scope["path"]])
            _BODY.set(body)
            await self._calls(scope, body.receive, send)
        else:
            await answer(scope, receive, send)

    def _no_call(self, scope: _Scope) -> Response | None:
        if sum(map(len, chain.from_iterable(scope["headers"]))) > _HEADERS_AT_MOST:
            text = f"the headers have over {_HEADERS_AT_MOST} bytes"
            return _refusal(431, Code.INVALID_ARGUMENT, text)
        # A proxy that goes by the one and we by the other would see different requests (RFC 9112).
        if {name for name, _ in scope["headers"]} >= _LENGTHS:
            text = "content-length and transfer-encoding exclude each other"
            return _refusal(400, Code.INVALID_ARGUMENT, text, {"connection": "close"})

        # As it was sent: what is routed below must be what the caller is judged by, and a path that
        # names a method only once it is decoded is none.
        path, verb = scope["raw_path"].decode("latin-1"), scope["method"]
        if path == _DOCUMENT:
            if verb in {"GET", "HEAD"}:
                return Response(self._document, media_type="application/json")
            return _refusal(405, Code.UNIMPLEMENTED, f"{path} is read with GET", {"allow": "GET"})

        streams = self._streams.get(path)
        if streams is None:
            return _refusal(404, Code.UNIMPLEMENTED, f"no such method; {_DOCUMENT} lists them")
        if verb != "POST":
            return _refusal(
                405, Code.UNIMPLEMENTED, "methods are called with POST", {"allow": "POST"}
            )

        # Browsers alone send one. Without this a page whose host's name is made to lead here
        # (DNS rebinding) would be of the same origin, and asked about no more than its own server.
        if any(
            name == b"origin" and value not in self._origins for name, value in scope["headers"]
        ):
            text = "pages of this origin may not call; --http-origin names those that may"
            return _refusal(403, Code.PERMISSION_DENIED, text)

        permitted = _STREAMS if streams else _ALONE
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if _kind(scope) not in permitted:
            listed = ", ".join(permitted)
            text = f"the content type is none of {listed}; gRPC itself has a port of its own"
            return _refusal(415, Code.INVALID_ARGUMENT, text, {"accept-post": listed})

        # Told before it is read; a length that is not told is seen while it is.
        length = headers.get(b"content-length", "")
        if not streams and length.isdecimal() and int(length) > BODY_AT_MOST:
            text = f"the body has {length} bytes; {BODY_AT_MOST} are permitted: send fewer cases"
            return _refusal(413, Code.RESOURCE_EXHAUSTED, text)
        return None


def _shown(scope: _Scope) -> Shown:
    sent = (value for name, value in scope["headers"] if name == b"authorization")
    return Shown(
        authorization=tuple(value.decode("latin-1") for value in sent),
        connection=scope.get("state", {}).get(_CONNECTION, {}),
    )


def _kind(scope: _Scope) -> str:
    """Gives the content type, without its parameters."""
    sent: bytes = dict(scope["headers"]).get(b"content-type", b"")
    return sent.decode("latin-1").partition(";")[0].strip().lower()


class _Body:
    """The body of a request: how long it may take, and what it holds as it comes.

    What its length is told to be counts for nothing: whoever told of much and sent little would
    keep others out. Of a stream only what has come of the request that is under way is held.
    """

    def __init__(
        self, scope: _Scope, receive: _Receive, seconds: float, *, is_stream: bool
    ) -> None:
        headers = dict(scope["headers"])
        self._packed = any(headers.get(name, _PLAIN) != _PLAIN for name in _PACKED)
        self._parts = _Parts() if _kind(scope) in _STREAMS else None
        self._receive = receive
        self._until = asyncio.get_running_loop().time() + seconds
        self._is_stream = is_stream
        self._ended = False
        self._came = 0
        self.method: str = scope["path"]
        self.room: _Room | None = None
        self.held = 0

    @property
    def size(self) -> int:
        """Bytes of it that are held, or will be at once: what is packed is as large as may be."""
        if self._packed and self._came and (self._ended or self._parts):
            return BODY_AT_MOST
        return min(max(self._came, _BODY_AT_LEAST), BODY_AT_MOST)

    async def receive(self) -> MutableMapping[str, Any]:
        """Receives what comes next; a body is over, as if its caller had gone, when it is late.

        Raises:
            Overloaded: if there is no room for what came of a stream, whose call has begun.
            refusal: if there is none for another's.
        """
        if self._ended:  # what is waited for now is whether the caller goes
            return await self._receive()
        if self._parts:
            # Whoever asks for more has done with all requests that were whole.
            self._came = self._parts.under_way
            if self.room is not None:
                self.room.has(self)
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            if self.room is not None and not self._is_stream:
                self.room.late(self)
            return {"type": "http.disconnect"}

        data = message.get("body", b"")
        came(len(data))
        self._ended = not message.get("more_body", False)
        self._came += len(data)
        if self._parts:
            self._parts.add(data)
        if self.room is None or self.room.has(self):
            return message
        if self._is_stream:
            raise Overloaded
        raise self.room.refusal(self)


class _Parts:
    """Follows the requests of a stream: a byte, four that tell its length, and so many more."""

    def __init__(self) -> None:
        self.under_way = 0
        """Bytes that have come of the request that is not yet whole."""
        self._head = bytearray()
        self._missing = 0

    def add(self, data: bytes) -> None:
        """Takes what came next."""
        at = 0
        while at < len(data):
            if self._missing:
                taken = min(self._missing, len(data) - at)
                self._missing -= taken
            else:
                taken = min(_HEAD_BYTES - len(self._head), len(data) - at)
                self._head += data[at : at + taken]
                if len(self._head) == _HEAD_BYTES:
                    self._missing = int.from_bytes(self._head[1:])
                    self._head.clear()
            at += taken
            whole = not self._missing and not self._head
            self.under_way = 0 if whole else self.under_way + taken


_BODY: ContextVar[_Body] = ContextVar("body")


class _Calls(ConnectASGIApplication[Edge]):
    @property
    def path(self) -> str:
        """Names no path of its own: services of several names are served."""
        return "/"


class _Room:
    """Bounds what is held of requests that are still being read; the edge bounds calls."""

    def __init__(self, at_once: int, edge: Edge) -> None:
        self._at_once = at_once
        self._edge = edge
        self._now = 0
        self._bytes = 0

    async def on_start(self, _: object) -> _Body:
        """Takes a request in.

        Returns:
            Its body.

        Raises:
            refusal: if there are too many, or they hold too much.
        """
        body = _BODY.get()
        if self._now >= self._at_once or not self.has(body):
            raise self.refusal(body)
        body.room = self
        self._now += 1
        return body

    def has(self, body: _Body) -> bool:
        """Gives a body room as it grows, and tells whether there was any."""
        more = body.size - body.held
        if self._bytes + more > BODIES_AT_MOST:
            return False
        self._bytes += more
        body.held += more
        return True

    def late(self, body: _Body) -> None:
        """Counts a call whose request did not come in time."""
        self._edge.turned_away(body.method, grpc.StatusCode.CANCELLED)

    def refusal(self, body: _Body) -> Exception:
        """Counts a call for which there was no room, and gives what it is told."""
        code, message, details = status_of(Overloaded())
        self._edge.turned_away(body.method, code)
        return connect_error(code, message, trailers(code, message, details))

    async def on_end(self, body: _Body, *_: object) -> None:
        """Lets it go."""
        self._now -= 1
        self._bytes -= body.held
        # Nothing is read of it any more but whether its caller has gone.
        body.room = None


def _refusal(
    status: int, code: Code, message: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    return JSONResponse({"code": code.value, "message": message}, status, headers)
