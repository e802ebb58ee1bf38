"""How long a call of its own waits beside large ones, and what batches cost by offices.

`python -m bench.beside --offices 1,300` runs the server on one core and the calls on the other, and
prints for each number of offices: cases a second of the server's processor in batches, and the time
of a single call alone and beside batches, a plan, a reload of every office's policy and
ListModels. Batches hold cases of all offices, mixed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
import psutil

from bench.load import LOAD_CORE, free_port, pinned
from router.v1 import (
    case_pb2,
    caseload_pb2,
    channel_router_pb2,
    channel_router_pb2_grpc,
    models_pb2,
    models_pb2_grpc,
)
from tests.builders import a_case

POLICIES = Path("policies")
BATCHES, PLANS, RELOADS, LISTS = 60, 20, 5, 2_000
BASIC, FULL = channel_router_pb2.VIEW_BASIC, channel_router_pb2.VIEW_FULL
SIZES = {BASIC: 1_000, FULL: 250}
PLANNED = 10_000
PAUSE_SECONDS = 0.005


def offices_in(folder: Path, offices: int) -> Path:
    """Copies the shipped policies, with as many offices, each with a price of its own."""
    policies = folder / "policies"
    shutil.copytree(POLICIES, policies)
    office = (policies / "offices" / "office-01.toml").read_text()
    for number in range(offices):
        (policies / "offices" / f"o-{number:04}.toml").write_text(priced(office, number))
    return policies


def priced(office: str, number: int) -> str:
    """Gives an office's policy another price."""
    lines = [line for line in office.splitlines() if not line.startswith("price")]
    return "\n".join([f"price = {2e-5 + number * 1e-9:.9f}", *lines]) + "\n"


def reprice(policies: Path, turn: int) -> None:
    """Gives every office another price."""
    for number, path in enumerate(sorted((policies / "offices").glob("o-*.toml"))):
        path.write_text(priced(path.read_text(), 1_000 * turn + number))


def some_cases(number: int, offices: int, chance: random.Random) -> list[case_pb2.Case]:
    """Gives cases of all offices."""
    return [
        a_case(
            case_ref=f"c-{place:06}",
            office_ref=f"o-{chance.randrange(offices):04}",
            weeks_registered=chance.randrange(300),
            months_since_last_work=chance.randrange(60),
            messages_90d=chance.randrange(10),
        )
        for place in range(number)
    ]


class Beside:
    """Calls of their own, one after the other, while something else goes on."""

    def __init__(self, stub: channel_router_pb2_grpc.ChannelRouterAsyncStub) -> None:
        self._stub = stub

    async def of(self, work: Callable[[], Awaitable[object]]) -> list[float]:
        """Gives the calls' times in ms, until the work is done."""
        done, times = asyncio.ensure_future(_all_of(work)), list[float]()
        one = channel_router_pb2.RecommendRequest(case=a_case())
        while not done.done():
            began = time.perf_counter()
            await self._stub.Recommend(one)
            times.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(PAUSE_SECONDS)
        await done
        return times


async def _all_of(work: Callable[[], Awaitable[object]]) -> None:
    await work()


def told(times: list[float]) -> str:
    """Writes middle, 99th percentile and longest."""
    times = sorted(times)
    p99 = times[int(len(times) * 0.99)]
    return f"{times[len(times) // 2]:.1f} | {p99:.1f} | {times[-1]:.1f} | {len(times)}"


async def measure(target: str, server: psutil.Process, offices: int, policies: Path) -> None:
    """Measures one server, and prints its part of the table."""
    own = [("grpc.use_local_subchannel_pool", 1)]
    async with (
        grpc.aio.insecure_channel(target, options=own) as large,
        grpc.aio.insecure_channel(target, options=own) as small,
    ):
        # Of large calls bytes alone go and come: what this process did with their messages, its own
        # small call would wait for.
        batch_of_bytes: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = large.unary_unary(
            "/router.v1.ChannelRouter/RecommendBatch"
        )
        plan_of_bytes: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = large.stream_stream(
            "/router.v1.CaseloadPlanner/PlanCaseload"
        )
        beside = Beside(channel_router_pb2_grpc.ChannelRouterStub(small))
        chance = random.Random(1)  # no secret

        async def alone() -> None:
            await asyncio.sleep(3)

        print(f"| {offices} | alone | {told(await beside.of(alone))} | |", flush=True)
        for view, size in SIZES.items():
            batch = channel_router_pb2.RecommendBatchRequest(
                cases=some_cases(size, offices, chance),
                view=view,
            ).SerializeToString()

            async def batches(batch: bytes = batch) -> None:
                for _ in range(BATCHES):
                    await batch_of_bytes(batch)

            await batch_of_bytes(batch)  # warms up
            before = sum(server.cpu_times()[:2])
            await batches()
            rate = size * BATCHES / (sum(server.cpu_times()[:2]) - before)
            name = channel_router_pb2.View.Name(view).removeprefix("VIEW_")
            times = await beside.of(batches)
            row = f"batches of {size:,}, {name} | {told(times)} | {rate:,.0f}"
            print(f"| {offices} | {row} |", flush=True)

        cases = some_cases(PLANNED, 1, chance)
        parts = [
            caseload_pb2.PlanCaseloadRequest(
                header=caseload_pb2.PlanHeader(office_ref="o-0000", hours=PLANNED)
            ),
            *(
                caseload_pb2.PlanCaseloadRequest(
                    cases=caseload_pb2.CaseChunk(cases=cases[start : start + 2_500])
                )
                for start in range(0, PLANNED, 2_500)
            ),
        ]
        sent = [part.SerializeToString() for part in parts]

        async def plans() -> None:
            for _ in range(PLANS):
                async for _ in plan_of_bytes(iter(sent)):
                    pass

        row = f"plans of {PLANNED:,} | {told(await beside.of(plans))} |"
        print(f"| {offices} | {row} |", flush=True)

        async def reloads() -> None:
            for turn in range(1, RELOADS + 1):
                # On another core, and not by the process that measures.
                words = [sys.executable, "-m", "bench.beside", "--reprice", str(policies)]
                await (await asyncio.create_subprocess_exec(*words, str(turn))).wait()
                await asyncio.sleep(2)

        row = f"reloads of every office | {told(await beside.of(reloads))} |"
        print(f"| {offices} | {row} |", flush=True)
        models = models_pb2_grpc.ModelsStub(large)

        async def lists() -> None:
            for _ in range(LISTS):
                await models.ListModels(models_pb2.ListModelsRequest())

        print(f"| {offices} | ListModels | {told(await beside.of(lists))} | |", flush=True)


def main() -> None:
    """Measures a server for each number of offices."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.beside", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--offices", default="1,300", help="numbers of offices; default 1,300")
    parser.add_argument("--reprice", nargs=2, metavar=("FOLDER", "TURN"), help="for its own use")
    chosen = parser.parse_args()
    if chosen.reprice is not None:
        reprice(Path(chosen.reprice[0]), int(chosen.reprice[1]))
        return
    asked = [int(text) for text in chosen.offices.split(",")]
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    print("| offices | beside | p50 ms | p99 ms | longest ms | calls | cases a CPU-second |")
    print("|---:|---|---:|---:|---:|---:|---:|")
    for offices in asked:
        with tempfile.TemporaryDirectory() as name:
            folder, port = Path(name), free_port()
            policies = offices_in(folder, offices)
            words = ["router", "serve", "--listen", f"127.0.0.1:{port}"]
            words += ["--metrics", f"127.0.0.1:{free_port()}", "--policies", str(policies)]
            words += ["--journal", f"sqlite:///{folder}/journal.db", "--reload-seconds", "1"]
            with pinned(*words, ready='"serving"') as process:
                server = psutil.Process(process.pid)
                asyncio.run(measure(f"127.0.0.1:{port}", server, offices, policies))


if __name__ == "__main__":
    main()
