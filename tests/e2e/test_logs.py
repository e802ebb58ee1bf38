"""Lines of the log, and what becomes of calls when nobody reads them."""

import fcntl
from collections.abc import Callable

from router.v1 import channel_router_pb2, channel_router_pb2_grpc
from tests.builders import a_case
from tests.e2e.conftest import Server

# Linux: how much a pipe holds until somebody reads it, at least a page.
F_SETPIPE_SZ, PAGE = 1031, 4096


def test_calls_are_answered_and_the_server_ends_though_nobody_reads_the_log(
    start_server: Callable[..., Server],
) -> None:
    server = start_server("--access-log", "all")
    assert server.process.stderr is not None
    fcntl.fcntl(server.process.stderr, F_SETPIPE_SZ, PAGE)
    stub = channel_router_pb2_grpc.ChannelRouterStub(server.channel)
    # A hundred lines a second are written at most: more than a page.
    for number in range(200):
        case = a_case(case_ref=f"case-{number}")
        stub.Recommend(channel_router_pb2.RecommendRequest(case=case), timeout=10)
    assert "router_log_lines_lost_total 0.0" in server.scrape()
    assert server.stop() == 0
