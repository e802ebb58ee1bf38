"""A long time under load: memory, threads and file descriptors stay as they were.

`python -m tests.faults.soak` does it for minutes (`make soak`), the fault of the matrix for so many
calls. Either also soaks a server with a leak of its own, which must be found.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.e2e.callers import Callers, answered
from tests.faults.fault import fault
from tests.faults.served import OPTIONS, Served, codes

CALLERS = 4
SAMPLES = 40
# No call may keep anything; what is measured is noisy.
BYTES_A_CALL = 512
LEAKING = (sys.executable, "-m", "tests.faults.leaking")
LEAKING_CALLS = 2_000
LEAST_MINUTES, MOST_MINUTES = 1.0, 24 * 60.0
# What a server takes once, however long it runs: a floor for short runs.
ONCE_MIB = 4.0
HANDLES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """What grew over a run, after its first half.

    Attributes:
        calls: in the second half.
        memory: MiB.
        handles: threads and file descriptors.
    """

    calls: int
    memory: float
    handles: int

    @property
    def leaks(self) -> bool:
        """Whether it is more than noise."""
        return self.memory > self.bound or self.handles > HANDLES

    @property
    def bound(self) -> float:
        """MiB of memory that are let pass."""
        return ONCE_MIB + self.calls * BYTES_A_CALL / 2**20

    def told(self) -> str:
        """Says it, beside what is let pass."""
        bound = f"{self.memory:.1f} MiB of {self.bound:.1f}"
        return f"grew by {bound} and {self.handles} handles of {HANDLES} in {self.calls:,} calls"


Passing = Callable[[Callers, float], None]
"""Lets such a share of a soak pass, 0 to 1, while a server is called."""


def for_calls(calls: int) -> Passing:
    """Gives a soak of so many answered calls."""

    def passing(load: Callers, share: float) -> None:
        load.wait(answered, max(1, int(calls * share)), seconds=24 * 3600)

    return passing


def for_minutes(minutes: float) -> Passing:
    """Gives a soak of so many minutes."""
    return lambda _, share: time.sleep(60 * minutes * share)


def soaked(server: Served, passing: Passing) -> tuple[Grown, str]:
    """Calls a server; tells what grew and how calls ended."""
    process = psutil.Process(server.process.pid)
    memory, handles = [], []
    load = Callers(server.listen, CALLERS, OPTIONS, patient=True)
    try:
        passing(load, 0.5)
        before = len(load.answers)
        for _ in range(SAMPLES):
            passing(load, 0.5 / SAMPLES)
            memory.append(server.memory())
            handles.append(process.num_threads() + process.num_fds())
    finally:
        answers = load.stop()
    quarter = SAMPLES // 4
    grown = Grown(
        calls=len(answers) - before,
        memory=statistics.median(memory[-quarter:]) - statistics.median(memory[:quarter]),
        handles=handles[-1] - handles[0],
    )
    return grown, codes(answers)


@contextmanager
def running(folder: Path, *command: str) -> Iterator[Served]:
    server = Served(folder, command=command)
    try:
        yield server
    finally:
        server.end()


@fault(
    row="18",
    done="{} calls to a server, and as many to one that leaks 50 KB a call",
    passes=f"after the first half memory grows by no more than {BYTES_A_CALL} bytes a call, "
    "threads and file descriptors stay; the leak is found by the same measure",
    full=2_000_000,
    short=500,
)
def soak(calls: int, folder: Path) -> str:
    with running(folder) as server:
        sound, seen = soaked(server, for_calls(calls))
    assert not sound.leaks, sound.told()
    with running(folder, *LEAKING) as server:
        leaking, _ = soaked(server, for_calls(min(calls, 20_000)))
    assert leaking.leaks, f"the sown leak was not found: {leaking}"
    return (
        f"{seen}; grew by {sound.memory:.1f} MiB in the last {sound.calls:,} calls; the sown leak "
        f"by {leaking.memory:.1f} MiB in {leaking.calls:,}: found"
    )


def main() -> int:
    """Soaks for so many minutes; 1 if something grew, or the sown leak was not found."""
    options = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    options.add_argument(
        "--minutes", type=float, default=10.0, help="of calls; default: %(default)g"
    )
    minutes: float = options.parse_args().minutes
    if not LEAST_MINUTES <= minutes <= MOST_MINUTES:
        options.error(f"--minutes: {minutes:g} is outside {LEAST_MINUTES:g} to {MOST_MINUTES:g}")
    # By calls: however slow the machine is, the leak is plain after so many.
    parts: tuple[tuple[str, tuple[str, ...], str, Passing, bool], ...] = (
        ("sound", (), f"{minutes:g} min", for_minutes(minutes), False),
        ("leaking", LEAKING, f"{LEAKING_CALLS:,} calls", for_calls(LEAKING_CALLS), True),
    )
    passed = True
    for name, command, some, passing, wanted in parts:
        with tempfile.TemporaryDirectory() as folder, running(Path(folder), *command) as server:
            grown, seen = soaked(server, passing)
        good = grown.leaks is wanted
        passed = passed and good
        told = f"{seen}; after its first half, {grown.told()}"
        verdict = "passed" if good else "FAILED: it grew" if grown.leaks else "FAILED: not found"
        print(f"{name} server, {some}: {told}: {verdict}", flush=True)
    return int(not passed)


if __name__ == "__main__":
    sys.exit(main())
