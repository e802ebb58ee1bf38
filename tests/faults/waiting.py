"""Calls that nobody waits for any more, and a server that stands still for a while."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import grpc
import psutil

from router.v1 import channel_router_pb2, channel_router_pb2_grpc
from tests.e2e.callers import REQUEST, Callers, answered
from tests.faults.fault import fault
from tests.faults.served import OPTIONS, Served, accounted

AT_ONCE = 100
SLOTS = 64
IN_FLIGHT = "router_calls_in_flight"


@fault(
    row="16",
    done="{} rounds of 100 calls with a deadline of 1 ms and 100 calls cancelled at once",
    passes="calls end OK, DEADLINE_EXCEEDED, CANCELLED by their caller or RESOURCE_EXHAUSTED; "
    "afterwards nothing is in flight, every place is free, threads and file descriptors are as "
    "before, nothing is logged as an error",
    full=500,
    short=3,
)
def cancel_storm(rounds: int, folder: Path) -> str:
    server = Served(folder, "--max-in-flight", str(SLOTS))
    try:
        counts = asyncio.run(storm(server.listen, 1))
        process = psutil.Process(server.process.pid)
        before = process.num_threads(), process.num_fds()
        for code, count in asyncio.run(storm(server.listen, rounds)).items():
            counts[code] = counts.get(code, 0) + count
        with server.channel() as channel:
            router = channel_router_pb2_grpc.ChannelRouterStub(channel)
            # Those cancelled last may still be on their way out.
            for _ in range(1000):
                router.Recommend(REQUEST, timeout=20, wait_for_ready=True)
                if not server.figure(IN_FLIGHT):
                    break
            assert not server.figure(IN_FLIGHT), "calls are still in flight"
        assert asyncio.run(filled(server.listen)) == SLOTS, "a place was not given back"
        after = process.num_threads(), process.num_fds()
        # The pool of threads grows once to its size; a few connections are still closing.
        assert all(now <= then + 10 for now, then in zip(after, before, strict=True)), after
        assert not server.errors(), server.errors()
    finally:
        server.end()
    allowed = {"OK", "DEADLINE_EXCEEDED", "CANCELLED", "RESOURCE_EXHAUSTED"}
    assert set(counts) <= allowed, counts
    seen = ", ".join(f"{count:,} {code}" for code, count in sorted(counts.items()))
    return f"{seen}; then {SLOTS} of {SLOTS} places free"


async def storm(listen: str, rounds: int) -> dict[str, int]:
    """Gives up call after call; counts them by code."""
    counts: dict[str, int] = {}

    async def end(call: grpc.aio.Call) -> None:
        code = (await call.code()).name
        counts[code] = counts.get(code, 0) + 1

    async with grpc.aio.insecure_channel(listen) as channel:
        router = channel_router_pb2_grpc.ChannelRouterStub(channel)
        await router.Recommend(REQUEST, timeout=20, wait_for_ready=True)
        for number in range(rounds):
            late = [router.Recommend(REQUEST, timeout=0.001) for _ in range(AT_ONCE)]
            left = [router.Recommend(REQUEST, timeout=20) for _ in range(AT_ONCE)]
            # Some before they are sent, some while they are waited or worked for.
            if number % 2:
                await left[0].code()
            for call in left:
                call.cancel()
            await asyncio.gather(*map(end, [*late, *left]))
    return counts


async def filled(listen: str) -> int:
    """Fills every place with a stream that stays open; gives how many were taken in."""
    async with grpc.aio.insecure_channel(listen) as channel:
        router = channel_router_pb2_grpc.ChannelRouterStub(channel)
        calls = [router.RecommendStream(timeout=60) for _ in range(SLOTS)]
        request = channel_router_pb2.RecommendStreamRequest(case=REQUEST.case)
        taken = 0
        for call in calls:
            await call.write(request)
            taken += await call.read() is not grpc.aio.EOF
        for call in calls:
            await call.done_writing()
            await call.read()
    return taken


@fault(
    row="17",
    done="server stopped (SIGSTOP) until a probe of {} s gave up, and continued (SIGCONT), under "
    "load with deadlines of 60 s",
    passes="no failed call: those that waited are answered, nothing acknowledged is lost",
    full=10,
    short=1,
)
def server_paused(seconds: int, folder: Path) -> str:
    server = Served(folder)
    load = Callers(server.listen, 8, OPTIONS, patient=True, patience=60)
    try:
        load.wait(answered, 50)
        with server.channel() as channel:
            grpc.channel_ready_future(channel).result(20)
            router = channel_router_pb2_grpc.ChannelRouterStub(channel)
            server.process.send_signal(signal.SIGSTOP)
            try:
                router.Recommend(REQUEST, timeout=seconds)
                raise AssertionError("a server that stands still answered")
            except grpc.RpcError as error:
                assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED, error.details()
            finally:
                server.process.send_signal(signal.SIGCONT)
            load.wait(answered, 50)
            assert server.health() == "SERVING"
    finally:
        answers = load.stop()
        server.end()
    longest = max(one.ended - one.began for one in answers)
    return f"{accounted(answers, server.journal)}; 0 failed, longest {longest:.1f} s"
