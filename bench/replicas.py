"""One, two and three servers on one PostgreSQL: `python -m bench.replicas`.

A fixed number of calls is in flight, balanced by the client (round_robin) or by Envoy, in turns,
so that a busy moment meets all; figures are medians, ratios are to one server of the same turn.
Client, servers and database share this machine's cores: what is seen is what a shared journal
costs, not what more machines would give. Afterwards request ids are sent to two servers at once,
and the journal of all is verified against what was answered.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import tempfile
import time
import uuid
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import NamedTuple

import grpc
import psutil

from bench.spent import of_server
from router.journal.opening import open_to_read
from router.v1 import channel_router_pb2, channel_router_pb2_grpc
from tests.builders import a_case
from tests.e2e.conftest import router_command
from tests.faults.fault import NotHere
from tests.faults.replicas import behind_envoy, replicas, round_robin
from tests.faults.served import Served

CALLS, IN_FLIGHT, TURNS = 1_500, 32, 5
SAME = 200
"""Request ids that are sent to two servers at once."""
_PATIENCE = 60.0
Options = Sequence[tuple[str, object]]


class Run(NamedTuple):
    """What one run saw.

    Attributes:
        rate: calls a second.
        p50: milliseconds.
        p99: milliseconds.
        ids: decisions that were answered, those before the clock started among them.
        together: calls whose records shared a commit, on average.
        servers: processor time of the servers for a call, ms.
        database: the same of the database.
    """

    rate: float
    p50: float
    p99: float
    ids: list[str]
    together: float = 0.0
    servers: float = 0.0
    database: float = 0.0


@asynccontextmanager
async def _router(
    target: str, options: Options
) -> AsyncIterator[channel_router_pb2_grpc.ChannelRouterAsyncStub]:
    async with grpc.aio.insecure_channel(target, options=options) as channel:
        yield channel_router_pb2_grpc.ChannelRouterStub(channel)


async def run(target: str, options: Options, calls: int, in_flight: int) -> Run:
    """Asks so often, so many at once."""
    ids, taken = list[str](), list[float]()

    async with _router(target, options) as router:

        async def ask(left: Iterator[int]) -> None:
            for _ in left:
                began = time.perf_counter()
                request = channel_router_pb2.RecommendRequest(case=a_case())
                answer = await router.Recommend(request, timeout=_PATIENCE, wait_for_ready=True)
                taken.append(time.perf_counter() - began)
                ids.append(answer.recommendation.decision_id)

        async def ask_all(count: int) -> None:
            left = iter(range(count))
            await asyncio.gather(*(ask(left) for _ in range(in_flight)))

        # Connects to all, before the clock starts.
        await ask_all(4 * in_flight)
        taken.clear()
        began = time.perf_counter()
        await ask_all(calls)
        seconds = time.perf_counter() - began
    taken.sort()
    p99 = taken[int(len(taken) * 0.99)]
    return Run(calls / seconds, 1000 * statistics.median(taken), 1000 * p99, ids)


def counted(
    servers: Sequence[Served], database: int, target: str, options: Options, asked: Namespace
) -> Run:
    """Runs, and looks what these servers and the database (its process) did meanwhile."""

    def now() -> tuple[float, float, float]:
        return (
            sum(one.figure("router_journal_commit_seconds_count") for one in servers),
            sum(of_server(one.process.pid) for one in servers),
            of_server(database),
        )

    before = now()
    one = asyncio.run(run(target, options, asked.calls, asked.in_flight))
    commits, spent, of_database = (more - less for more, less in zip(now(), before, strict=True))
    calls = len(one.ids)
    return one._replace(
        together=calls / commits, servers=1000 * spent / calls, database=1000 * of_database / calls
    )


async def same_ids(first: Served, second: Served, count: int) -> list[str]:
    """Sends each request id to two servers at once; gives the decisions.

    Raises:
        SystemExit: if the two answered one id by different decisions.
    """
    decided: list[str] = []
    # A caller's own retries: where the disk is slow, two writers may wait for each other too long.
    async with (
        _router(*round_robin([first])) as one,
        _router(*round_robin([second])) as other,
    ):
        for _ in range(count):
            request = channel_router_pb2.RecommendRequest(
                case=a_case(), request_id=str(uuid.uuid4())
            )
            answers = await asyncio.gather(
                *(router.Recommend(request, timeout=_PATIENCE) for router in (one, other))
            )
            ids = {answer.recommendation.decision_id for answer in answers}
            if len(ids) != 1:
                raise SystemExit(f"request {request.request_id} was decided {len(ids)} times")
            decided += ids
    return decided


def _first_process(url: str) -> int:
    """Gives the first process of the database server."""
    # Here, so that the rest of the benchmarks needs no driver.
    import psycopg

    with psycopg.connect(url) as connection:
        first = psutil.Process(connection.info.backend_pid).parent()
    assert first is not None
    return first.pid


def _measure(
    servers: Sequence[Served], database: int, folder: Path, asked: Namespace
) -> dict[tuple[str, int], list[Run]]:
    found: dict[tuple[str, int], list[Run]] = {}
    for _ in range(asked.turns):
        for many in range(1, len(servers) + 1):
            some = servers[:many]
            one = counted(some, database, *round_robin(some), asked)
            found.setdefault(("round_robin", many), []).append(one)
            with suppress(NotHere), behind_envoy(some, folder) as address:
                one = counted(some, database, address, (), asked)
                found.setdefault(("Envoy", many), []).append(one)
    return found


def _tell(found: dict[tuple[str, int], list[Run]]) -> None:
    print("| balanced by | servers | calls/s | p50 ms | p99 ms | calls a commit ", end="")
    print("| CPU ms a call: servers | database | of one: calls/s | p50 | p99 |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for (name, many), runs in sorted(found.items()):
        figures, ratios = [], []
        for figure in ("rate", "p50", "p99", "together", "servers", "database"):
            seen = [float(getattr(one, figure)) for one in runs]
            alone = [float(getattr(one, figure)) for one in found[name, 1]]
            figures.append(f"{statistics.median(seen):,.{0 if max(seen) > 5 else 2}f}")
            of_one = (more / less for more, less in zip(seen, alone, strict=True))
            ratios.append(f"{statistics.median(of_one):.2f}")
        print(f"| {name} | {many} | {' | '.join([*figures, *ratios[:3]])} |", flush=True)


def _check(url: str, answered: list[str]) -> None:
    """Verifies the journal, and that it holds each answered decision once.

    Raises:
        SystemExit: if not.
    """
    done = subprocess.run(
        router_command("journal", "verify", "--journal", url),
        capture_output=True,
        text=True,
        check=False,
    )
    print(f"\n`journal verify`: exit {done.returncode}, {done.stdout.strip()}{done.stderr.strip()}")
    with closing(open_to_read(url)) as store:
        kept = [one.id.hex() for one in store.read(kinds=("recommendation",))]
    wanted = {one.replace("-", "") for one in answered}
    if done.returncode or len(kept) != len(set(kept)) or set(kept) != wanted:
        raise SystemExit(f"{len(wanted)} decisions were answered, {len(kept)} are kept")
    print(f"{len(wanted):,} decisions were answered; each is kept once, and no other one.")


def main() -> None:
    """Prints a table, and what was found in the journal."""
    parser = ArgumentParser(prog="python -m bench.replicas", description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=CALLS, help="of each run")
    parser.add_argument("--in-flight", type=int, default=IN_FLIGHT)
    parser.add_argument("--turns", type=int, default=TURNS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, replicas(Path(name)) as (url, servers):
        found = _measure(servers, _first_process(url), Path(name), asked)
        _tell(found)
        twice = asyncio.run(same_ids(servers[0], servers[1], SAME))
        print(f"\n{SAME} request ids sent to two servers at once: {len(set(twice))} decisions.")
        _check(url, twice + [id_ for runs in found.values() for one in runs for id_ in one.ids])
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{asked.in_flight} in flight, {os.cpu_count()} cores, load {load} at the end")


if __name__ == "__main__":
    main()
