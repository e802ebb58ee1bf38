"""Scoring folders: one process beside Dask with two workers, in one run: `python -m bench.bulk`.

What it prints is Markdown. Speed by the clock falls when others use the machine; by processor time
it does not. Memory is the peak of each process, start to end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import psutil

from bench.cases import folder_of_cases

MILLIONS = (1, 5)
FILE, GROUP = 1_000_000, 131_072
WORKERS = 2
_DASK = [sys.executable, "-m"]
_SHUT = ["--host", "127.0.0.1", "--no-dashboard"]


class Spent(NamedTuple):
    """What a process took: seconds by the clock and of a processor, MiB at its peak."""

    clock: float
    processor: float
    peak: float


def a_folder(folder: Path, rows: int) -> Path:
    sizes = {
        f"month={number % 12 + 1}/cases-{number:04}.parquet": min(FILE, rows - first)
        for number, first in enumerate(range(0, rows, FILE))
    }
    folder_of_cases(folder, sizes, GROUP)
    return folder


def scored(cases: Path, out: Path, *engine: str) -> Spent:
    command = [sys.executable, "-m", "router", "score", "--cases", str(cases), "--out", str(out)]
    began = time.perf_counter()
    process = subprocess.Popen([*command, *engine], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    clock = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"bench.bulk: {' '.join(command)} failed")
    return Spent(clock, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def so_far(process: subprocess.Popen[bytes]) -> Spent:
    """Tells what a process that still runs has taken."""
    seen = psutil.Process(process.pid)
    used = seen.cpu_times()
    status = Path(f"/proc/{process.pid}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return Spent(time.time() - seen.create_time(), used.user + used.system, _mib(peak))


def _mib(line: str) -> float:
    return int(line.split()[1]) / 1024


def on_dask(cases: Path, out: Path, folder: Path) -> tuple[Spent, Spent, list[Spent]]:
    """Scores on a cluster of its own: what client, scheduler and workers took."""
    told = folder / "scheduler.json"
    with ExitStack() as running:

        def start(*words: str) -> subprocess.Popen[bytes]:
            words = (*words, *_SHUT, "--scheduler-file", str(told))
            process = subprocess.Popen([*_DASK, *words], stderr=subprocess.DEVNULL)
            running.callback(process.wait)
            running.callback(process.kill)
            return process

        scheduler = start("distributed.cli.dask_scheduler", "--port", "0")
        words = ("distributed.cli.dask_worker", "--no-nanny", "--nthreads", "1")
        workers = [start(*words) for _ in range(WORKERS)]
        # The command waits for workers by itself, but not for a scheduler.
        while not told.exists():
            time.sleep(0.1)
        address = json.loads(told.read_text())["address"]
        client = scored(cases, out, "--engine", "dask", "--scheduler", address)
        return client, so_far(scheduler), [so_far(worker) for worker in workers]


def one_size(rows: int, folder: Path) -> None:
    cases = a_folder(folder / "cases", rows)
    alone = scored(cases, folder / "one.parquet")
    (folder / "one.parquet").unlink()
    print(row("local", rows, alone.clock, alone.processor, [alone.peak]))

    client, scheduler, workers = on_dask(cases, folder / "out", folder)
    used = client.processor + scheduler.processor + sum(one.processor for one in workers)
    peaks = [client.peak, scheduler.peak, max(one.peak for one in workers)]
    print(row(f"dask, {WORKERS} workers", rows, client.clock, used, peaks))
    sys.stdout.flush()


def row(engine: str, rows: int, clock: float, processor: float, peaks: Sequence[float]) -> str:
    shown = [f"{peak:,.0f}" for peak in peaks] + [""] * (3 - len(peaks))
    speeds = f"{rows / clock:,.0f} | {rows / processor:,.0f}"
    return f"| {rows:,} | {engine} | {speeds} | {' | '.join(shown)} |"


def main() -> None:
    sizes = [int(one) for one in sys.argv[1:]] or MILLIONS
    print(
        "| rows | engine | rows/s | rows/s of a core's time "
        "| peak MiB: command | scheduler | largest worker |"
    )
    print("|---|---|---|---|---|---|---|")
    for millions in sizes:
        with tempfile.TemporaryDirectory() as name:
            one_size(millions * 1_000_000, Path(name))


if __name__ == "__main__":
    main()
