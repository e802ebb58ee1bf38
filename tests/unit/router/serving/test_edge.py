"""The edge around handlers of all four kinds, in both styles of grpc.aio, over real gRPC."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from google.rpc import error_details_pb2, status_pb2
from prometheus_client import CollectorRegistry

from router.serving.edge import Context, Edge
from router.serving.metrics import Metrics
from tests import event_loop
from tests.unit.router.serving.echo_service import (
    ECHOES,
    KINDS,
    SERVICE,
    Echo,
    counted,
    register,
)

LIMIT = 3


@dataclass
class Desk:
    """A server, and a channel to it."""

    edge: Edge
    echo: Echo
    channel: grpc.aio.Channel
    registry: CollectorRegistry

    def call(self, name: str, *requests: bytes, service: str = SERVICE) -> Any:
        """Begins a call of a method, in bytes."""
        kind = KINDS[name]
        method = getattr(self.channel, kind)(f"/{service}/{name}")
        return method(iter(requests) if kind.startswith("stream") else requests[0], timeout=20)

    async def ask(self, name: str, *requests: bytes) -> list[str]:
        """Gives the texts of all answers."""
        call = self.call(name, *requests)
        one = KINDS[name].endswith("unary")
        answers = [await call] if one else [answer async for answer in call]
        return [StringValue.FromString(answer).value for answer in answers]

    def call_without(self, name: str, *requests: bytes, service: str = SERVICE) -> Any:
        """Begins a call of a method, and after these requests sends nothing."""

        async def some() -> AsyncIterator[bytes]:
            for request in requests:
                yield request
            await asyncio.Event().wait()

        many = KINDS.get(name, "").endswith("stream")
        kind: Any = self.channel.stream_stream if many else self.channel.stream_unary
        return kind(f"/{service}/{name}")(some(), timeout=20)

    async def fails(self, name: str, *requests: bytes) -> grpc.aio.AioRpcError:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await self.ask(name, *requests)
        return error.value

    async def counted(self, name: str) -> dict[str, float]:
        """Gives how often calls of a method ended, by code."""
        return await counted(self.registry, name)


@asynccontextmanager
async def serving(service: str = SERVICE, **bounds: Any) -> AsyncIterator[Desk]:
    registry, echo = CollectorRegistry(), Echo()
    edge = Edge(Metrics(registry), LIMIT, **bounds)

    edge.add(partial(register, service=service), echo)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((edge,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Desk(edge, echo, channel, registry)
    finally:
        await server.stop(None)


def within(body: Callable[[Desk], Awaitable[None]], service: str = SERVICE, **bounds: Any) -> None:
    """Runs a test's body beside a server."""

    async def run() -> None:
        async with serving(service, **bounds) as desk:
            await asyncio.wait_for(body(desk), 30)

    event_loop.run_whole(run())


def text(value: str) -> bytes:
    return StringValue(value=value).SerializeToString()


async def how(call: Any) -> grpc.StatusCode:
    """Gives how a call ends; of a stream the answers are read up to there."""
    with suppress(grpc.aio.AioRpcError):
        if hasattr(call, "read"):
            while await call.read() is not grpc.aio.EOF:
                pass
    code: grpc.StatusCode = await call.code()
    return code


@asynccontextmanager
async def ends_of(*calls: Any) -> AsyncIterator[asyncio.Queue[tuple[Any, grpc.StatusCode]]]:
    """Gives calls and how they end, as they do."""
    ended: asyncio.Queue[tuple[Any, grpc.StatusCode]] = asyncio.Queue()

    async def watch(call: Any) -> None:
        ended.put_nowait((call, await how(call)))

    watching = [asyncio.ensure_future(watch(call)) for call in calls]
    yield ended
    for one in watching:
        one.cancel()
    await asyncio.gather(*watching, return_exceptions=True)


def sent(name: str, *values: bytes) -> tuple[bytes, ...]:
    """Gives what a method is sent of these: the last alone if it takes one."""
    return values if KINDS[name].startswith("stream") else values[-1:]


def reasons(error: grpc.aio.AioRpcError) -> list[str]:
    metadata: Any = dict(error.trailing_metadata())
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    found = error_details_pb2.ErrorInfo()
    return [found.reason for detail in status.details if detail.Unpack(found)]


@pytest.mark.parametrize("name", ECHOES)
def test_every_kind_in_every_style_is_answered_and_counted(name: str) -> None:
    async def body(desk: Desk) -> None:
        answers = await desk.ask(name, *sent(name, text("a"), text("b")))
        assert "b" in " ".join(answers)
        assert len(answers) == (1 if KINDS[name].endswith("unary") else 2)
        assert await desk.counted(name) == {"OK": 1}

    within(body)


@pytest.mark.parametrize("name", ECHOES)
def test_bytes_that_do_not_parse_are_the_callers_error(name: str) -> None:
    async def body(desk: Desk) -> None:
        error = await desk.fails(name, *sent(name, text("a"), b"\xff\xff"))
        assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert error.details() == "request: the bytes are not a google.protobuf.StringValue"
        assert reasons(error) == ["INVALID_ARGUMENT"]
        assert await desk.counted(name) == {"InvalidArgument": 1}

    within(body)


@pytest.mark.parametrize("name", ECHOES)
def test_a_services_error_is_told_by_its_code(name: str) -> None:
    async def body(desk: Desk) -> None:
        error = await desk.fails(name, *sent(name, text("missing")))
        assert (error.code(), error.details()) == (grpc.StatusCode.NOT_FOUND, "there is none")
        error = await desk.fails(name, *sent(name, text("broken")))
        assert (error.code(), error.details()) == (grpc.StatusCode.INTERNAL, "internal error")
        assert await desk.counted(name) == {"NotFound": 1, "Internal": 1}

    within(body)


@pytest.mark.parametrize(
    "name", ["waits", "many_to_one", "many_to_one_read", "many_to_many", "many_to_many_written"]
)
def test_a_stream_counts_as_one_call_in_flight_for_as_long_as_it_lasts(name: str) -> None:
    async def body(desk: Desk) -> None:
        async def requests() -> AsyncIterator[bytes]:
            yield text("a")
            yield text("b")
            await asyncio.Event().wait()

        method = getattr(desk.channel, KINDS[name])(f"/{SERVICE}/{name}")
        many = KINDS[name].startswith("stream")
        calls = [method(requests() if many else text("a"), timeout=20) for _ in range(LIMIT)]
        for _ in range(LIMIT * (2 if many else 1)):
            await desk.echo.arrived.get()

        error = await desk.fails("one_to_one", text("a"))
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert reasons(error) == ["RESOURCE_EXHAUSTED"]
        for call in calls:
            call.cancel()

    within(body)


def test_room_that_ended_streams_had_is_free_again() -> None:
    async def body(desk: Desk) -> None:
        for _ in range(LIMIT + 2):
            await desk.ask("one_to_many", text("a"))
            await desk.ask("many_to_many_written", text("a"))
            await desk.fails("many_to_many", text("missing"))
        assert await desk.ask("one_to_one", text("a")) == ["a"]

    within(body)


def test_calls_of_other_services_take_no_room() -> None:
    async def body(desk: Desk) -> None:
        calls = [desk.call("waits", text("a"), service="grpc.Other") for _ in range(LIMIT + 2)]
        for call in calls:
            assert await call.read() == text("a")
        for call in calls:
            call.cancel()

    within(body, "grpc.Other")


def test_a_generator_is_closed_when_the_caller_goes() -> None:
    async def body(desk: Desk) -> None:
        call = desk.call("waits", text("a"))
        assert await call.read() == text("a")
        call.cancel()
        await desk.echo.closed.wait()
        assert await desk.counted("waits") == {"Cancelled": 1}

    within(body)


def test_a_caller_who_goes_while_answers_are_written_is_no_fault_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def body(desk: Desk) -> None:
        call = desk.call("floods", text("a"))
        await call.read()
        call.cancel()
        await desk.echo.closed.wait()
        # Answered after it, so that what the flood left behind has been counted.
        await desk.ask("one_to_one", text("a"))
        assert await desk.counted("floods") == {"Cancelled": 1}

    within(body)
    assert not caplog.records


def test_a_code_that_a_service_sets_is_the_one_that_is_counted() -> None:
    async def body(desk: Desk) -> None:
        error = await desk.fails("told_by_code", text("a"))
        assert error.code() == grpc.StatusCode.DATA_LOSS
        assert await desk.counted("told_by_code") == {"DataLoss": 1}

    within(body)


@pytest.mark.parametrize("name", ["one_to_one", "one_to_many", "one_to_many_written"])
def test_a_call_whose_request_does_not_come_is_ended(name: str) -> None:
    async def body(desk: Desk) -> None:
        call = desk.call_without(name)
        assert await how(call) == grpc.StatusCode.DEADLINE_EXCEEDED
        assert "no request came for 0.1 s" in await call.details()
        assert await desk.counted(name) == {"DeadlineExceeded": 1}

    within(body, request_seconds=0.1)


@pytest.mark.parametrize("name", [name for name in ECHOES if name.startswith("many")])
def test_a_stream_that_sends_nothing_more_is_ended(name: str) -> None:
    async def body(desk: Desk) -> None:
        call = desk.call_without(name, text("a"))
        assert await how(call) == grpc.StatusCode.DEADLINE_EXCEEDED
        assert "no request came for 0.1 s" in await call.details()
        assert await desk.echo.arrived.get() == "a"
        assert await desk.counted(name) == {"DeadlineExceeded": 1}

    within(body, stream_seconds=0.1)


# Of the larger size the first answer is the one that is still on its way when time is up.
@pytest.mark.parametrize("size", [100_000, 4_000_000])
def test_a_call_whose_answers_are_not_read_is_ended_and_hears_of_it(size: int) -> None:
    async def body(desk: Desk) -> None:
        desk.echo.big = size
        call = desk.call("floods", text("a"))
        await desk.echo.closed.wait()
        assert await desk.counted("floods") == {"DeadlineExceeded": 1}
        assert await how(call) == grpc.StatusCode.DEADLINE_EXCEEDED
        assert "no answer was read for 0.1 s" in await call.details()

    within(body, answer_seconds=0.1)


def test_of_too_many_calls_without_a_request_those_that_waited_longest_go() -> None:
    async def body(desk: Desk) -> None:
        before = [desk.call_without("one_to_one") for _ in range(8)]
        while desk.edge.taken < len(before):
            await asyncio.sleep(0)
        after = [desk.call_without("one_to_one") for _ in range(8)]
        async with ends_of(*before, *after) as ended:
            gone = [await ended.get() for _ in before]
            assert {code for _, code in gone} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
            assert {id(call) for call, _ in gone} == {id(call) for call in before}

            # The others are in nobody's way, though they are more than may be in flight.
            for _ in range(4):
                assert await desk.ask("one_to_one", text("a")) == ["a"]

    within(body, waiting_at_most=8)


def test_of_too_many_streams_without_a_request_one_goes() -> None:
    async def body(desk: Desk) -> None:
        calls = [desk.call_without("many_to_many") for _ in range(3)]
        async with ends_of(*calls) as ended:
            _, code = await ended.get()
            assert code == grpc.StatusCode.RESOURCE_EXHAUSTED

    within(body, waiting_at_most=2)


class Forgetful:
    """A context that minds how it is treated as grpc.aio's does, where that is seen now and then.

    It notes that metadata went with the first answer once that was waited for to the end; to end a
    call it sends metadata that it has not noted, and its core refuses to send it twice.
    """

    def __init__(self) -> None:
        self.on_its_way = asyncio.Event()
        self.told: grpc.StatusCode | None = None
        self._sent = self._noted = False

    async def send_initial_metadata(self, metadata: tuple[()], /) -> None:
        self._sent = True
        await self.on_its_way.wait()
        self._noted = True

    async def write(self, message: object, /) -> None:
        self._sent = True
        await self.on_its_way.wait()
        await asyncio.sleep(0)
        self._noted = True

    async def abort(self, code: grpc.StatusCode, *_: object) -> None:
        if self._sent and not self._noted:
            raise grpc.aio.InternalError("too many operations")
        self.told = code
        raise grpc.aio.AbortError

    def code(self) -> grpc.StatusCode | None:
        return self.told

    def invocation_metadata(self) -> None:
        return None

    def time_remaining(self) -> None:
        return None


def test_a_call_that_is_ended_amid_its_first_answer_hears_of_it() -> None:
    async def run() -> None:
        edge = Edge(Metrics(CollectorRegistry()), LIMIT, waiting_at_most=1)
        edge.add(register, Echo())
        call = edge.call(f"/{SERVICE}/one_to_many", lambda behaviour: behaviour)
        contexts = [Forgetful() for _ in range(LIMIT)]
        request: Any = StringValue(value="a")
        calls = [asyncio.ensure_future(call(request, cast("Context", c))) for c in contexts]
        for context in contexts:
            await asyncio.sleep(0)
            context.on_its_way.set()

        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(error) for error in ended[:-1]] == [grpc.aio.AbortError] * (LIMIT - 1)
        assert [context.told for context in contexts] == [
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            None,
        ]

    event_loop.run_whole(run())


def test_calls_of_other_services_that_never_end_are_bounded_too() -> None:
    async def body(desk: Desk) -> None:
        calls = [desk.call("waits", text("a"), service="grpc.Other") for _ in range(4)]
        async with ends_of(*calls) as ended:
            _, code = await ended.get()
            assert code == grpc.StatusCode.RESOURCE_EXHAUSTED

    within(body, "grpc.Other", waiting_at_most=3)


def test_a_caller_who_goes_before_its_request_came_gives_its_place_back() -> None:
    async def body(desk: Desk) -> None:
        for _ in range(5):
            call = desk.call_without("one_to_one")
            call.cancel()
        other = desk.call_without("one_to_one")
        assert await desk.ask("one_to_one", text("a")) == ["a"]
        assert not other.done()
        other.cancel()

    within(body, waiting_at_most=2)


def test_a_call_that_ends_without_its_request_is_the_callers_error() -> None:
    async def body(desk: Desk) -> None:
        method: Any = desk.channel.stream_unary(f"/{SERVICE}/one_to_one")
        call = method(iter(()), timeout=20)
        assert await call.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert await call.details() == "request: the call ended without one"

    within(body)


def test_a_method_that_does_not_exist_is_refused_before_a_request_came() -> None:
    async def body(desk: Desk) -> None:
        call = desk.call_without("nothing")
        assert await call.code() == grpc.StatusCode.UNIMPLEMENTED

    within(body)
