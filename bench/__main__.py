"""`make bench`: the service against a bare echo of its own messages, in one run.

Then batches, files and memory.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import AbstractContextManager
from pathlib import Path

import grpc
import numpy as np
import psutil
import pyarrow.parquet as pq

from bench.cases import random_cases
from bench.echo_cpp import kinds as echoes
from bench.load import Load, free_port, h2load, median, pinned
from router.cases.features import FEATURES
from router.commands.demo import plain_case
from router.decision.schema import Role
from router.v1 import channel_router_pb2

RECOMMEND = "/router.v1.ChannelRouter/Recommend"
BATCH = "/router.v1.ChannelRouter/RecommendBatch"
VIEWS = {"FULL": channel_router_pb2.VIEW_FULL, "BASIC": channel_router_pb2.VIEW_BASIC}
REPEATS = 3
CALLS = 20_000
SCORED = 1_000_000


def call(port: int, method: str, data: bytes) -> bytes:
    with grpc.insecure_channel(
        f"127.0.0.1:{port}", options=[("grpc.max_receive_message_length", -1)]
    ) as channel:
        answer: bytes = untyped(channel, method)(data, timeout=20)
        return answer


def untyped(channel: grpc.Channel, method: str) -> grpc.UnaryUnaryMultiCallable[bytes, bytes]:
    """Gives a method of bytes to bytes."""
    return channel.unary_unary(method, request_serializer=None, response_deserializer=None)


def served(
    folder: Path, port: int, metrics: int
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    words = [
        "router",
        "serve",
        "--listen",
        f"127.0.0.1:{port}",
        "--metrics",
        f"127.0.0.1:{metrics}",
    ]
    return pinned(*words, "--journal", f"sqlite:///{folder}/{port}.db", ready='"serving"')


def handled(metrics: int, method: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = re.search(
        rf'handled_total{{grpc_code="OK",grpc_method="{method}"[^}}]*}} ([\d.e+]+)', text
    )
    return float(found[1]) if found else 0.0


def one_view(view: str, folder: Path, calls: int) -> None:
    request = channel_router_pb2.RecommendRequest(
        case=plain_case("c-7f3a91be"), view=VIEWS[view]
    ).SerializeToString()
    kinds = echoes("asyncio", "uvloop", "sync")
    ours: dict[int, list[Load]] = {1: [], 64: []}
    echo: dict[tuple[str, int], list[Load]] = {(kind, n): [] for kind in kinds for n in ours}
    answer = folder / "answer.bin"

    for _ in range(REPEATS):
        port, metrics = free_port(), free_port()
        with served(folder, port, metrics):
            answer.write_bytes(call(port, RECOMMEND, request))
            # Once more: the first answer may have waited for what is loaded on first use.
            call(port, RECOMMEND, request)
            before = handled(metrics, "Recommend")

            for n, loads in ours.items():
                loads.append(
                    h2load(
                        port,
                        RECOMMEND,
                        request,
                        folder,
                        in_flight=n,
                        # A lone caller waits for each answer: an eighth of the calls takes about as
                        # long.
                        calls=calls // (1 if n > 1 else 8),
                    )
                )
            done = handled(metrics, "Recommend") - before
            # h2load takes gRPC errors for successes; the service's own counter does not.
            if done < calls:
                raise SystemExit(f"only {done} calls were answered OK")
        for kind in kinds:
            port = free_port()
            with pinned("bench.echo", kind, str(port), str(answer), ready="ready"):
                for n in ours:
                    its_calls = calls // (1 if n > 1 else 8)
                    echo[kind, n].append(
                        h2load(port, RECOMMEND, request, folder, in_flight=n, calls=its_calls)
                    )
    for n, loads in ours.items():
        for name, found in [
            ("ours, uvloop", loads),
            *((f"echo, {kind}", echo[kind, n]) for kind in kinds),
        ]:
            figures = [median(found, figure) for figure in ("rate", "p50", "p99", "p999")]
            # Against the echo of the same run, so that a busy machine slows both.
            ratio = figures[0] / median(echo["uvloop", n], "rate")
            cells = " | ".join(f"{figure:,.0f}" for figure in figures)
            print(f"| {view} | {n} | {name} | {cells} | {ratio:.2f} |")
    sys.stdout.flush()


def batches(folder: Path, calls: int) -> None:
    rng = np.random.default_rng(0)
    cases = []
    for number in range(1000):
        case = plain_case(f"c-{number:08x}")
        for feature in FEATURES.features:
            # Half of the fields known: reasons and doubts then vary as they do in life.
            if Role.MODEL in feature.roles and rng.random() < 0.5:
                setattr(case, feature.name, int(rng.integers(feature.lower, feature.upper + 1)))
        cases.append(case)

    request = channel_router_pb2.RecommendBatchRequest(cases=cases).SerializeToString()
    port, metrics = free_port(), free_port()
    with served(folder, port, metrics) as process:
        call(port, BATCH, request)
        times = []
        for _ in range(20):
            began = time.perf_counter()
            call(port, BATCH, request)
            times.append(time.perf_counter() - began)
        # Memory is read before and after many calls: it may not grow with them.
        before = psutil.Process(process.pid).memory_info().rss / 2**20
        single = channel_router_pb2.RecommendRequest(case=cases[0]).SerializeToString()
        h2load(port, RECOMMEND, single, folder, in_flight=64, calls=calls * 5)
        after = psutil.Process(process.pid).memory_info().rss / 2**20

    rate = 1000 / statistics.median(times)
    print(f"\nRecommendBatch of 1,000, BASIC, journal on: {rate:,.0f} cases/s")
    print(f"resident memory: {before:.0f} MiB, after {calls * 5:,} more calls {after:.0f} MiB")


def files(folder: Path) -> None:
    cases = random_cases(np.random.default_rng(0), SCORED)
    pq.write_table(cases, folder / "cases.parquet")

    # A process of its own, as an operator starts it: start-up and imports are part of the time.
    command = [sys.executable, "-m", "router", "score", "--cases", str(folder / "cases.parquet")]
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        subprocess.run(
            [*command, "--out", str(folder / "scored.parquet")], check=True, capture_output=True
        )
        times.append(time.perf_counter() - began)

    rate = SCORED / statistics.median(times)
    print(f"score: {rate:,.0f} cases/s from Parquet to Parquet, start-up included")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "calls", nargs="?", type=int, default=CALLS, help="of a run; default: %(default)s"
    )
    calls: int = parser.parse_args().calls
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(
            "| view | in flight | server | requests/s "
            "| p50 µs | p99 µs | p99.9 µs | of uvloop echo |"
        )
        print("|---|---|---|---|---|---|---|---|")
        for view in VIEWS:
            one_view(view, folder, calls)
        batches(folder, calls)
        files(folder)


if __name__ == "__main__":
    main()
