"""Health as balanced clients meet it: they watch a service, and call only where it serves."""

import json
import queue
import sqlite3
import subprocess
from collections.abc import Callable

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from router.v1 import channel_router_pb2, channel_router_pb2_grpc
from tests.builders import ROOT, a_case
from tests.e2e.conftest import Server, closed, tool
from tests.e2e.test_clients import needed

CLIENT = ROOT / "clients/typescript"
ROUTER = "router.v1.ChannelRouter"
REQUEST = channel_router_pb2.RecommendRequest(case=a_case())
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
BALANCED = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "healthCheckConfig": {"serviceName": ROUTER},
}
StartServer = Callable[..., Server]


def balanced(server: Server) -> grpc.Channel:
    options = (("grpc.service_config", json.dumps(BALANCED)),)
    return grpc.insecure_channel(server.listen, options=options)


def locked(server: Server) -> sqlite3.Connection:
    lock = sqlite3.connect(server.journal, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    return lock


def test_a_balanced_client_that_checks_health_gets_answers(server: Server) -> None:
    with balanced(server) as channel:
        router = channel_router_pb2_grpc.ChannelRouterStub(channel)
        assert router.Recommend(REQUEST, timeout=5).recommendation.decision_id


def test_a_balanced_client_is_told_when_the_journal_fails_and_when_it_is_back(
    start_server: StartServer,
) -> None:
    server = start_server()
    with balanced(server) as channel:
        router = channel_router_pb2_grpc.ChannelRouterStub(channel)
        router.Recommend(REQUEST, timeout=5)
        lock = locked(server)
        told = ""
        while "health" not in told:
            try:
                router.Recommend(REQUEST, timeout=10)
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.UNAVAILABLE
                told = error.details() or ""
        lock.execute("ROLLBACK")
        lock.close()
        # It waits until the server says that it serves again.
        assert router.Recommend(REQUEST, timeout=20, wait_for_ready=True).recommendation.case_ref


def test_a_watcher_is_told_that_the_server_serves_and_that_it_drains(
    start_server: StartServer,
) -> None:
    server = start_server()
    health = health_pb2_grpc.HealthStub(server.channel)
    calls = [
        health.Watch(health_pb2.HealthCheckRequest(service=name), timeout=20)
        for name in ("", ROUTER)
    ]
    assert [next(call).status for call in calls] == [SERVING, SERVING]
    server.process.terminate()
    assert [next(call).status for call in calls] == [NOT_SERVING, NOT_SERVING]
    assert server.process.wait(10) == 0


WATCH = """
import grpc from "@grpc/grpc-js";
const client = new grpc.Client(process.argv[1], grpc.credentials.createInsecure());
const [asked, same] = [Buffer.from("\\x0a\\x17router.v1.ChannelRouter"), (bytes) => bytes];
const call = client.makeServerStreamRequest("/grpc.health.v1.Health/Watch", same, same, asked);
call.on("data", (bytes) => console.log(["UNKNOWN", "SERVING", "NOT_SERVING"][bytes[1]]));
call.on("error", () => client.close());
"""


def test_a_watcher_in_node_is_told_that_the_server_serves_and_that_it_drains(
    start_server: StartServer,
) -> None:
    needed(CLIENT / "node_modules/@grpc/grpc-js", "not installed: make test")
    server = start_server("--grace-seconds", "0.5")
    words = [tool("node"), "--input-type=module", "-e", WATCH, server.listen]
    with subprocess.Popen(words, cwd=CLIENT, stdout=subprocess.PIPE, text=True) as node:
        assert node.stdout is not None
        assert node.stdout.readline() == "SERVING\n"
        server.process.terminate()
        assert node.stdout.readline() == "NOT_SERVING\n"
        assert node.wait(10) == 0
    closed(server)


def test_streams_over_the_limit_are_refused_as_other_calls_are(start_server: StartServer) -> None:
    server = start_server("--max-in-flight", "20")
    request = channel_router_pb2.RecommendStreamRequest(case=a_case())
    answered, refused, calls, feeds = 0, 0, [], []
    for _ in range(90):
        # Each stays open, for what comes next.
        feed: queue.SimpleQueue[channel_router_pb2.RecommendStreamRequest | None]
        feed = queue.SimpleQueue()
        feed.put(request)
        call = server.router.RecommendStream(iter(feed.get, None), timeout=20)
        # A call that nobody holds is cancelled.
        calls.append(call)
        feeds.append(feed)
        try:
            next(call)
            answered += 1
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            refused += 1
    assert (answered, refused) == (20, 70)
    for feed in feeds:
        feed.put(None)
