"""JSON over HTTP beside gRPC, on one server in one run, for ADR 16: `python -m bench.http`.

The second table says how long a lone caller over gRPC waits while batches are asked for.
"""

from __future__ import annotations

import argparse
import http.client
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import numpy as np
import orjson
from google.protobuf import json_format
from google.protobuf.message import Message

from bench.load import free_port, pinned
from router.cases.features import FEATURES
from router.commands.demo import plain_case
from router.v1 import channel_router_pb2, channel_router_pb2_grpc

REPEATS = 6
SECONDS = 8.0
PATH = "/router.v1.ChannelRouter/"
VIEWS = {"BASIC": channel_router_pb2.VIEW_BASIC, "FULL": channel_router_pb2.VIEW_FULL}


def a_batch(count: int, view: int) -> channel_router_pb2.RecommendBatchRequest:
    """Draws whole cases: every field is known."""
    draw = np.random.default_rng(0)
    request = channel_router_pb2.RecommendBatchRequest(view=view)  # type: ignore[arg-type] # a number
    for number in range(count):
        case = request.cases.add()
        case.CopyFrom(plain_case(f"c-{number:08x}"))
        for feature in FEATURES.features:
            if feature.name != "shielded":
                setattr(case, feature.name, int(draw.integers(feature.lower, feature.upper + 1)))
    return request


def medians(ways: list[Callable[[], object]], calls: int) -> list[float]:
    """Gives each way's median, in milliseconds; they take turns, so a busy moment meets all."""
    times: list[list[float]] = [[] for _ in ways]
    for _ in range(REPEATS):
        for way, seen in zip(ways, times, strict=True):
            for _ in range(calls):
                began = time.perf_counter()
                way()
                seen.append(1000 * (time.perf_counter() - began))
    return [statistics.median(seen) for seen in times]


def poster(address: str) -> Callable[[str, bytes], bytes]:
    """Gives what posts JSON on one connection."""
    connection = http.client.HTTPConnection(address)

    def post(method: str, body: bytes) -> bytes:
        connection.request("POST", PATH + method, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise SystemExit(data.decode())
        return data

    return post


def in_json(request: Message) -> bytes:
    return orjson.dumps(json_format.MessageToDict(request))


def stub(address: str) -> channel_router_pb2_grpc.ChannelRouterStub:
    options = [("grpc.max_receive_message_length", -1)]
    return channel_router_pb2_grpc.ChannelRouterStub(grpc.insecure_channel(address, options))


def lone(address: str) -> None:
    """Prints how long one caller waits, from a process of its own."""
    router = stub(address)
    request = channel_router_pb2.RecommendRequest(case=plain_case("c-1"))
    times, until = [], time.monotonic() + SECONDS
    while time.monotonic() < until:
        began = time.perf_counter()
        router.Recommend(request)
        times.append(1000 * (time.perf_counter() - began))
        time.sleep(0.002)
    low, high = np.percentile(times, (50, 99))
    print(f"{low:.1f} | {high:.1f}")


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.http", description=__doc__)
    parser.add_argument("--lone", metavar="ADDRESS", help="for its own use: the lone caller")
    asked = parser.parse_args()
    if asked.lone is not None:
        lone(asked.lone)
        return
    listen, door = (f"127.0.0.1:{free_port()}" for _ in range(2))
    with tempfile.TemporaryDirectory(dir=".") as folder:
        words = ["router", "serve", "--listen", listen, "--http", door, "--metrics", "127.0.0.1:0"]
        journal = f"sqlite:///{Path(folder, 'journal.db')}"
        with pinned(*words, "--journal", journal, ready='"serving"'):
            router, post = stub(listen), poster(door)
            print("| call | gRPC ms | JSON over HTTP ms | ratio |")
            print("|---|---|---|---|")
            for name, view in VIEWS.items():
                one = channel_router_pb2.RecommendRequest(case=plain_case("c-1"), view=view)
                body = in_json(one)
                ways: list[Callable[[], object]]
                ways = [lambda: router.Recommend(one), lambda: post("Recommend", body)]  # noqa: B023 - called within the turn
                row(f"Recommend {name}", *medians(ways, 150))
            for name, count in (("BASIC", 1000), ("FULL", 250)):
                many = a_batch(count, VIEWS[name])
                bodies = in_json(many)
                ways = [
                    lambda: router.RecommendBatch(many),  # noqa: B023 - as above
                    lambda: post("RecommendBatch", bodies),  # noqa: B023 - as above
                ]
                row(f"RecommendBatch {name}, {count}", *medians(ways, 2))

            many = a_batch(1000, VIEWS["BASIC"])
            bodies = in_json(many)
            print("\n| meanwhile | p50 ms | p99 ms |\n|---|---|---|")
            meanwhile(listen, "nothing", lambda: time.sleep(0.1))
            meanwhile(listen, "batches of 1,000 over gRPC", lambda: router.RecommendBatch(many))
            meanwhile(listen, "the same over HTTP", lambda: post("RecommendBatch", bodies))


def row(name: str, over_grpc: float, over_http: float) -> None:
    print(f"| {name} | {over_grpc:.2f} | {over_http:.2f} | {over_http / over_grpc:.2f} |")


def meanwhile(listen: str, name: str, work: Callable[[], object]) -> None:
    command = [sys.executable, "-m", "bench.http", "--lone", listen]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as caller:
        while caller.poll() is None:
            work()
        assert caller.stdout is not None
        print(f"| {name} | {caller.stdout.read().strip()} |")


if __name__ == "__main__":
    main()
