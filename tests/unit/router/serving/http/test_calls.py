"""Calls of all four kinds over HTTP, in both styles of grpc.aio, in Connect's framing."""

import asyncio
import http.client
import json
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from router.serving.edge import Edge
from router.serving.http.door import BODY_AT_MOST, Door
from router.serving.metrics import Metrics
from router.serving.settings import Address
from tests.unit.router.serving.echo_service import (
    ECHOES,
    KINDS,
    SERVICE,
    Echo,
    counted,
    descriptor,
    register,
)

END = 2


@dataclass
class Desk:
    """A server, and how to call it."""

    echo: Echo
    address: Address
    registry: CollectorRegistry

    async def ask(self, name: str, *texts: str, **headers: str) -> list[Any]:
        """Gives the answers, and last the error if there is one."""
        streams = KINDS[name] != "unary_unary"
        bodies = [json.dumps(text).encode() for text in texts]
        data = b"".join(map(framed, bodies)) if streams else bodies[0]
        return await self.send(name, data, **headers)

    async def send(self, name: str, data: bytes, **headers: str) -> list[Any]:
        streams = KINDS[name] != "unary_unary"
        kind = "application/connect+json" if streams else "application/json"
        sent = {name.replace("_", "-"): value for name, value in headers.items()}

        def post() -> list[Any]:
            connection = http.client.HTTPConnection(str(self.address), timeout=20)
            path = f"/{SERVICE}/{name}"
            connection.request("POST", path, data, {"content-type": kind, **sent})
            answer = connection.getresponse()
            got = answer.read()
            connection.close()
            if not streams:
                return [json.loads(got)]
            return [body for body in unframed(got) if body != {}]

        return await asyncio.to_thread(post)

    async def begin(self, name: str, text: str) -> asyncio.StreamWriter:
        """Begins a call with one request, on a connection of its own."""
        _, writer = await asyncio.open_connection(self.address.host, self.address.port)
        data = framed(json.dumps(text).encode())
        head = f"POST /{SERVICE}/{name} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(data)}\r\n"
        writer.write(f"{head}content-type: application/connect+json\r\n\r\n".encode() + data)
        assert await self.echo.arrived.get() == text
        return writer


def framed(data: bytes) -> bytes:
    return struct.pack(">BI", 0, len(data)) + data


def unframed(data: bytes) -> list[Any]:
    found = []
    while data:
        flags, size = struct.unpack(">BI", data[:5])
        body = json.loads(data[5 : 5 + size])
        found.append(body)
        data = data[5 + size :]
        assert (flags == END) == (not data)
    return found


@asynccontextmanager
async def serving(
    grace_seconds: float = 5, body_seconds: float = 20, **bounds: Any
) -> AsyncIterator[Desk]:
    registry, echo = CollectorRegistry(), Echo()
    edge = Edge(Metrics(registry), 3)
    edge.add(register, echo)
    door = Door(
        edge,
        [descriptor()],
        address=Address(host="127.0.0.1", port=0),
        origins=(),
        max_in_flight=3,
        grace_seconds=grace_seconds,
        body_seconds=body_seconds,
        **bounds,
    )
    await door.begin()
    try:
        yield Desk(echo, door.address, registry)
    finally:
        await door.end()


def within(body: Callable[[Desk], Awaitable[None]]) -> None:
    """Runs a test's body beside a server."""

    async def run() -> None:
        async with serving() as desk:
            await asyncio.wait_for(body(desk), 30)

    asyncio.run(run())


def code(answers: list[Any]) -> str:
    """Gives the code of the error that ends a call."""
    last = answers[-1]
    told: str = last.get("error", last)["code"]
    return told


@pytest.mark.parametrize("name", ECHOES)
def test_every_kind_in_every_style_is_answered_and_counted(name: str) -> None:
    async def body(desk: Desk) -> None:
        texts = ("a", "b") if KINDS[name].startswith("stream") else ("b",)
        answers = await desk.ask(name, *texts)
        assert "b" in " ".join(answers)
        assert len(answers) == (1 if KINDS[name].endswith("unary") else 2)
        assert await counted(desk.registry, name) == {"OK": 1}

    within(body)


@pytest.mark.parametrize("name", ECHOES)
def test_a_services_error_is_told_by_its_code(name: str) -> None:
    async def body(desk: Desk) -> None:
        assert code(await desk.ask(name, "missing")) == "not_found"
        assert code(await desk.ask(name, "broken")) == "internal"
        assert await counted(desk.registry, name) == {"NotFound": 1, "Internal": 1}

    within(body)


@pytest.mark.parametrize("name", ECHOES)
def test_a_body_that_cannot_be_read_is_the_callers_error(name: str) -> None:
    async def body(desk: Desk) -> None:
        data = b"{" if name == "one_to_one" else framed(b"{")
        assert code(await desk.send(name, data)) == "invalid_argument"
        assert await counted(desk.registry, name) == {"InvalidArgument": 1}

    within(body)


@pytest.mark.parametrize("name", ["many_to_one", "many_to_many", "many_to_many_written"])
def test_a_request_of_a_stream_that_is_too_large_is_refused(name: str) -> None:
    async def body(desk: Desk) -> None:
        data = struct.pack(">BI", 0, BODY_AT_MOST + 1)
        assert code(await desk.send(name, data)) == "resource_exhausted"
        assert await counted(desk.registry, name) == {"ResourceExhausted": 1}

    within(body)


def test_a_deadline_ends_a_stream_and_its_generator() -> None:
    async def body(desk: Desk) -> None:
        answers = await desk.ask("waits", "a", connect_timeout_ms="100")
        assert answers[0] == "a"
        assert code(answers) == "deadline_exceeded"
        await desk.echo.closed.wait()
        assert await counted(desk.registry, "waits") == {"DeadlineExceeded": 1}

    within(body)


@pytest.mark.parametrize("name", ["waits", "floods"])
def test_a_stream_ends_when_the_caller_goes(name: str) -> None:
    async def body(desk: Desk) -> None:
        writer = await desk.begin(name, "a")
        writer.close()
        await desk.echo.closed.wait()
        # Answered after it, so that the stream before has been counted.
        await desk.ask("one_to_one", "a")
        assert await counted(desk.registry, name) == {"Cancelled": 1}

    within(body)


def test_streams_count_as_calls_in_flight() -> None:
    async def body(desk: Desk) -> None:
        writers = [await desk.begin("waits", "a") for _ in range(3)]
        answers = await desk.ask("one_to_one", "a")
        assert code(answers) == "resource_exhausted"
        (retry,) = (d for d in answers[0]["details"] if d["type"] == "google.rpc.RetryInfo")
        assert retry["debug"] == {"retryDelay": "0.200s"}
        for writer in writers:
            writer.close()

    within(body)


def test_requests_that_are_still_being_read_are_bounded_too() -> None:
    async def body(desk: Desk) -> None:
        head = (
            f"POST /{SERVICE}/one_to_one HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        )
        writers = []
        for _ in range(6):
            reader, writer = await asyncio.open_connection(desk.address.host, desk.address.port)
            writer.write(f"{head}content-length: 100\r\nexpect: 100-continue\r\n\r\n".encode())
            # The server asks for the body: the request is being read.
            assert b"100" in await reader.readline()
            writers.append(writer)
        assert code(await desk.ask("one_to_one", "a")) == "resource_exhausted"
        for writer in writers:
            writer.close()

    within(body)


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def run() -> None:
        async with serving(body_seconds=0.1) as desk:
            reader, writer = await asyncio.open_connection(desk.address.host, desk.address.port)
            head = f"POST /{SERVICE}/one_to_one HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n"
            # Else the end of the answer is that of the idle connection.
            head += "connection: close\r\n"
            writer.write(f"{head}content-type: application/json\r\n\r\n".encode() + b'"trickle')
            answer = await reader.read()
            assert b"canceled" in answer
            writer.close()

    asyncio.run(run())


def test_a_stream_that_does_not_end_is_cut_off_when_the_time_for_it_is_up() -> None:
    async def run() -> None:
        async with serving(grace_seconds=0.5) as desk:
            writer = await desk.begin("waits", "a")
        assert await counted(desk.registry, "waits") == {"Cancelled": 1}
        writer.close()

    asyncio.run(run())


HEAD = f"POST /{SERVICE}/one_to_one HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
A_CALL = f'{HEAD}content-length: 3\r\n\r\n"a"'.encode()


@pytest.mark.parametrize(
    "sent", [b"", HEAD.encode(), A_CALL, A_CALL + HEAD.encode()], ids=["", "head", "call", "both"]
)
def test_a_connection_without_a_whole_head_is_ended(sent: bytes) -> None:
    async def run() -> None:
        async with serving(idle_seconds=0.2) as desk:
            reader, writer = await asyncio.open_connection(desk.address.host, desk.address.port)
            writer.write(sent)
            answer = await asyncio.wait_for(reader.read(), 20)
            assert (b"200 OK" in answer) == (A_CALL in sent)
            writer.close()

    asyncio.run(run())


@pytest.mark.parametrize("before", [b"", A_CALL], ids=["first", "next"])
def test_a_head_that_trickles_in_is_not_waited_for(before: bytes) -> None:
    async def run() -> None:
        async with serving(idle_seconds=0.3) as desk:
            reader, writer = await asyncio.open_connection(desk.address.host, desk.address.port)
            writer.write(before)
            if before:
                await reader.readuntil(b"0\r\n\r\n")
            ended = asyncio.ensure_future(reader.read())
            # A byte at a time for as long as the connection is there: the head never ends.
            while not ended.done():
                writer.write(b"P")
                await asyncio.wait((ended,), timeout=0.01)
            (left,) = await asyncio.gather(ended, return_exceptions=True)
            assert left == b"" or isinstance(left, ConnectionResetError)
            writer.close()

    asyncio.run(run())


def test_of_too_many_connections_the_one_that_was_idle_longest_goes() -> None:
    async def run() -> None:
        async with serving(max_connections=3) as desk:
            busy = await desk.begin("waits", "a")
            idle = [
                await asyncio.open_connection(desk.address.host, desk.address.port)
                for _ in range(3)
            ]
            assert await idle[0][0].read() == b""
            # Whoever comes next is heard; who has a call under way keeps it.
            assert await desk.ask("one_to_one", "a") == ["a"]
            assert not desk.echo.closed.is_set()
            for _, writer in idle:
                writer.close()
            busy.close()

    asyncio.run(run())


def test_an_answer_that_nobody_takes_is_not_kept() -> None:
    async def run() -> None:
        async with serving(taking_seconds=0.2) as desk:
            # It floods a caller who reads nothing.
            writer = await desk.begin("floods", "a")
            await desk.echo.closed.wait()
            assert await counted(desk.registry, "floods") == {"Cancelled": 1}
            writer.close()

    asyncio.run(run())


@pytest.mark.parametrize("slash", ["%2f", "%2F"])
def test_a_path_that_names_a_method_once_it_is_decoded_is_none(slash: str) -> None:
    async def body(desk: Desk) -> None:
        reader, writer = await asyncio.open_connection(desk.address.host, desk.address.port)
        writer.write(A_CALL.replace(f"{SERVICE}/".encode(), f"{SERVICE}{slash}".encode()))
        assert b" 404 " in await reader.readline()
        writer.close()
        assert not await counted(desk.registry, "one_to_one")

    within(body)


def test_a_page_of_another_origin_may_not_call_even_where_its_browser_would_let_it() -> None:
    async def body(desk: Desk) -> None:
        # As after DNS rebinding: to the browser page and server are of one origin.
        answers = await desk.ask("one_to_one", "a", origin="http://rebound.example")
        assert code(answers) == "permission_denied"
        assert not await counted(desk.registry, "one_to_one")

    within(body)
