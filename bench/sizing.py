"""What a server needs for its calls: processor time, memory, and room for the journal.

`python -m bench.sizing` prints it. Processor time is the server's own, so that neighbours on the
machine change it little; a call that waits costs nothing.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil

from router.v1 import channel_router_pb2 as pb
from tests.builders import a_case
from tests.e2e.conftest import Server, closed, start

CALLS = 4_000
BATCHES = 20
CASES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What was used by calls: processor time in ms and journal bytes, both a case."""

    cpu_ms: float
    journal_bytes: float


def used(server: Server, calls: Callable[[], int]) -> Need:
    """Measures what a run of calls uses; it gives how many cases it had."""
    process = psutil.Process(server.process.pid)

    def now() -> tuple[float, int]:
        spent = process.cpu_times()
        folder = server.journal.parent
        kept = sum(path.stat().st_size for path in folder.glob("journal.db*"))
        return spent.user + spent.system, kept

    (cpu, kept), cases = now(), calls()
    after, kept_after = now()
    return Need(cpu_ms=1000 * (after - cpu) / cases, journal_bytes=(kept_after - kept) / cases)


def main() -> None:
    """Measures single calls, and batches."""
    with tempfile.TemporaryDirectory() as folder:
        server = start(Path(folder))
        process = psutil.Process(server.process.pid)
        router = server.router

        def single() -> int:
            def call(number: int) -> None:
                router.Recommend(pb.RecommendRequest(case=a_case(case_ref=f"c-{number}")))

            with ThreadPoolExecutor(8) as threads:
                list(threads.map(call, range(CALLS)))
            return CALLS

        def batches() -> int:
            for number in range(BATCHES):
                cases = [a_case(case_ref=f"b-{number}-{place}") for place in range(CASES)]
                router.RecommendBatch(pb.RecommendBatchRequest(cases=cases))
            return BATCHES * CASES

        single()  # warms up
        idle = process.memory_info().rss
        for name, calls in (("single calls", single), (f"batches of {CASES}", batches)):
            need = used(server, calls)
            print(
                f"{name}: {need.cpu_ms:.2f} ms of one CPU a case, "
                f"so {1000 / need.cpu_ms:.0f} cases a second and CPU; "
                f"{need.journal_bytes:.0f} bytes of journal a case"
            )
        now = process.memory_info().rss
        print(f"memory: {idle >> 20} MiB after {CALLS} calls, {now >> 20} MiB after all of them")
        server.stop()
        closed(server)


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m bench.sizing", description=__doc__).parse_args()
    main()
