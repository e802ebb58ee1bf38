"""More calls than the server has room for: how each ends, that each is counted, and what is left.

`make bench-overload` measures how many are answered meanwhile.
"""

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import grpc
import psutil
import pytest
from google.rpc import error_details_pb2, status_pb2

from router.v1 import channel_router_pb2, channel_router_pb2_grpc
from tests.builders import a_case
from tests.e2e.conftest import Server, start_server  # noqa: F401 - a fixture

REQUEST = channel_router_pb2.RecommendRequest(case=a_case())
OK, FULL, CANCELLED = (
    grpc.StatusCode.OK,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.CANCELLED,
)
CALLS, CHANNELS = 900, 9


@contextmanager
def stubs(server: Server) -> Iterator[list[channel_router_pb2_grpc.ChannelRouterStub]]:
    """Gives one for each of several connections, without retries."""
    options = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0))
    channels = [grpc.insecure_channel(server.listen, options) for _ in range(CHANNELS)]
    for channel in channels:
        grpc.channel_ready_future(channel).result(timeout=20)
    yield [channel_router_pb2_grpc.ChannelRouterStub(channel) for channel in channels]
    for channel in channels:
        channel.close()


@contextmanager
def until_one_is_refused(server: Server) -> Iterator[Callable[[Iterable[Any]], list[Any]]]:
    """Keeps the journal from being written until one of the calls is refused.

    So calls are taken up and none is answered, however slowly they are sent. The server waits for
    its journal a second and says UNAVAILABLE then, wherefore it is let go of at once, from the
    thread in which the call ends, and not when all are sent.
    """
    database = sqlite3.connect(server.journal, timeout=5, check_same_thread=False)
    refused = threading.Event()

    def ended(call: Any) -> None:
        if call.code() is FULL:
            database.rollback()
            refused.set()

    def watched(calls: Iterable[Any]) -> list[Any]:
        sent = []
        for call in calls:
            call.add_done_callback(ended)
            sent.append(call)
        return sent

    try:
        database.execute("BEGIN IMMEDIATE")
        yield watched
        assert refused.wait(30)
    finally:
        database.rollback()
        database.close()


def scraped(server: Server, name: str, label: str = "") -> float:
    """Sums a metric of calls over its series, or over those with a label."""
    lines = server.scrape().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name) and label in line)


def has_retry_info(error: grpc.Call) -> bool:
    """Tells whether a refusal says when to come again."""
    status = status_pb2.Status()
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            status.MergeFromString(value)
    retry = error_details_pb2.RetryInfo()
    return any(
        detail.Unpack(retry) and retry.retry_delay.ToMilliseconds() >= 200
        for detail in status.details
    )


@pytest.mark.parametrize(
    ("flags", "refused"),
    [
        # The server itself refuses: those over what may be in flight.
        (("--max-in-flight", "20"), FULL),
        # gRPC's core refuses: those over what may wait for the server.
        (("--max-pending", "50", "--max-pending-hard", "50"), CANCELLED),
    ],
    ids=["in-flight", "pending"],
)
def test_of_a_burst_each_call_is_answered_or_refused_and_counted(
    start_server: Callable[..., Server],  # noqa: F811
    flags: tuple[str, ...],
    refused: grpc.StatusCode,
) -> None:
    server = start_server("--access-log", "off", *flags)
    before = psutil.Process(server.process.pid).memory_info().rss
    with stubs(server) as routers:
        with until_one_is_refused(server) if refused is FULL else nullcontext(list) as watched:
            calls = watched(
                router.Recommend.future(REQUEST, timeout=30)
                for _ in range(CALLS // CHANNELS)
                for router in routers
            )
        codes = Counter(call.code() for call in calls)
        assert set(codes) == {OK, refused}
        assert all(has_retry_info(call) for call in calls if call.code() is FULL)

        # Every one is counted: what came in, what the server took up, and how that ended.
        received = scraped(server, "router_grpc_calls_received_total")
        taken = scraped(server, "router_grpc_calls_taken_total")
        assert received - taken == codes[CANCELLED]
        assert received == sum(codes.values())
        handled = "grpc_server_handled_total"
        assert scraped(server, handled, 'grpc_code="OK"') == codes[OK]
        assert scraped(server, handled, 'grpc_code="ResourceExhausted"') == codes[FULL]
        assert scraped(server, handled, 'grpc_code="Unknown"') == 0

        # What follows is as if nothing had been.
        assert scraped(server, "router_calls_in_flight ") == 0
        assert all(routers[0].Recommend(REQUEST, timeout=5) for _ in range(20))
    after = psutil.Process(server.process.pid).memory_info().rss
    assert after - before < CALLS * 64 * 1024


def test_calls_that_expire_or_are_given_up_while_they_wait_end_as_such(
    start_server: Callable[..., Server],  # noqa: F811
) -> None:
    server = start_server("--access-log", "off")
    with stubs(server) as routers:
        calls = [
            router.Recommend.future(REQUEST, timeout=0.05)
            for _ in range(CALLS // CHANNELS)
            for router in routers
        ]
        for call in calls[::3]:
            call.cancel()
        codes = Counter(call.code() for call in calls)
        assert set(codes) <= {OK, FULL, CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED}
        assert all(routers[0].Recommend(REQUEST, timeout=5) for _ in range(20))
        assert scraped(server, "grpc_server_handled_total", 'grpc_code="Unknown"') == 0
        assert scraped(server, "grpc_server_handled_total", 'grpc_code="Internal"') == 0
