"""Scoring folders: one process beside Dask with two workers, in one run: `python -m bench.bulk`.

Before that, cases that are in memory already, by `score_batch`. `--beside FOLDER` measures another
checkout in turns, in memory and by its command; `--local` leaves Dask out.

What it prints is Markdown. Speed by the clock falls when others use the machine; by processor time
it does not. Memory is the peak of each process, start to end.
"""

from __future__ import annotations

import argparse
import json
import math
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
TURNS = 5
"""In memory; the least time counts, since what else the machine does only ever adds time."""
_IN_MEMORY = """
import time
from pathlib import Path
import numpy as np
import pyarrow as pa
from bench.cases import random_cases
from router.advice.score import score_batch
from router.cases.arrow import cells_of, read_rows
from router.commands.score import load_decider

pa.set_cpu_count(1)
promoted = Path("models/promoted").read_text().strip()
decider = load_decider(Path("models", promoted), Path("policies"))[0]
batches = random_cases(np.random.default_rng(0), 131072).combine_chunks().to_batches(32768)
tables = decider.tables
places = [tables.places(read_rows(cells_of(batch, 0)).rows) for batch in batches]

def least(what, some):
    spent = []
    for _ in range(4):
        began = time.process_time()
        for one in some:
            what(one)
        spent.append(time.process_time() - began)
    return min(spent)

print(least(lambda batch: score_batch(batch, decider), batches) / 131072)
print(least(tables.values_at, places) / 131072)
"""
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


def in_memory(checkout: Path) -> list[float]:
    """Gives seconds of a core's time a case, in memory: of scoring, and of its tables' sums."""
    told = subprocess.check_output([sys.executable, "-c", _IN_MEMORY], cwd=checkout, text=True)
    return [float(line) for line in told.split()]


def scored(cases: Path, out: Path, *engine: str, checkout: Path = Path()) -> Spent:
    command = [sys.executable, "-m", "router", "score", "--cases", str(cases), "--out", str(out)]
    began = time.perf_counter()
    process = subprocess.Popen([*command, *engine], stdout=subprocess.DEVNULL, cwd=checkout)
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


def one_size(rows: int, folder: Path, beside: Path | None, *, local: bool) -> None:
    cases = a_folder(folder / "cases", rows)
    checkouts = {"local": Path(), "local, the other checkout": beside}
    for engine, checkout in checkouts.items():
        if checkout is not None:
            alone = scored(cases, folder / "one.parquet", checkout=checkout)
            (folder / "one.parquet").unlink()
            print(row(engine, rows, alone.clock, alone.processor, [alone.peak]), flush=True)
    if local:
        return

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
    parser = argparse.ArgumentParser(prog="python -m bench.bulk", description=__doc__)
    parser.add_argument("millions", nargs="*", type=int, default=MILLIONS, help="Of rows.")
    parser.add_argument("--beside", type=Path, help="Another checkout, for the same Python.")
    parser.add_argument("--local", action="store_true", help="Without Dask.")
    asked = parser.parse_args()
    checkouts = {"this": Path()} | ({"the other": asked.beside} if asked.beside else {})
    least = {name: [math.inf, math.inf] for name in checkouts}
    for _ in range(TURNS):
        for name, checkout in checkouts.items():
            least[name] = [*map(min, least[name], in_memory(checkout))]
    print(
        "| in memory | rows/s of a core's time | of which sums of tables, µs a row |\n|---|---|---|"
    )
    for name, (scoring, sums) in least.items():
        print(f"| {name} | {1 / scoring:,.0f} | {sums * 1e6:.2f} of {scoring * 1e6:.2f} |")

    print(
        "\n| rows | engine | rows/s | rows/s of a core's time "
        "| peak MiB: command | scheduler | largest worker |"
    )
    print("|---|---|---|---|---|---|---|", flush=True)
    for millions in asked.millions:
        with tempfile.TemporaryDirectory() as name:
            one_size(millions * 1_000_000, Path(name), asked.beside, local=asked.local)


if __name__ == "__main__":
    main()
