"""A long time under load: memory, threads and file descriptors stay as they were.

`python -m tests.faults.soak serve ...` is the server with a leak of its own, which must be found.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from router.__main__ import main
from router.journal.group_commit import GroupCommit
from tests.e2e.callers import Callers, answered
from tests.faults.fault import fault
from tests.faults.served import OPTIONS, Served, codes

CALLERS = 4
SAMPLES = 40
# No call may keep anything; what is measured is noisy.
BYTES_A_CALL = 512
LEAK_BYTES = 50_000
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
        bound = ONCE_MIB + self.calls * BYTES_A_CALL / 2**20
        return self.memory > bound or self.handles > HANDLES


def soaked(server: Served, calls: int) -> tuple[Grown, str]:
    """Calls a server so often; tells what grew and how calls ended."""
    process = psutil.Process(server.process.pid)
    memory, handles = [], []
    load = Callers(server.listen, CALLERS, OPTIONS, patient=True)
    try:
        load.wait(answered, calls // 2, seconds=24 * 3600)
        for _ in range(SAMPLES):
            load.wait(answered, max(1, calls // 2 // SAMPLES), seconds=24 * 3600)
            memory.append(server.memory())
            handles.append(process.num_threads() + process.num_fds())
    finally:
        answers = load.stop()
    quarter = SAMPLES // 4
    grown = Grown(
        calls=calls // 2,
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
        sound, seen = soaked(server, calls)
    assert not sound.leaks, f"grew by {sound.memory:.1f} MiB in {sound.calls:,} calls, {sound}"
    with running(folder, sys.executable, "-m", "tests.faults.soak") as server:
        leaking, _ = soaked(server, min(calls, 20_000))
    assert leaking.leaks, f"the sown leak was not found: {leaking}"
    return (
        f"{seen}; grew by {sound.memory:.1f} MiB in the last {sound.calls:,} calls; the sown leak "
        f"by {leaking.memory:.1f} MiB in {leaking.calls:,}: found"
    )


def sow_a_leak() -> None:
    """Has the journal's queue keep some bytes of every submission for ever."""
    kept, submit = [], GroupCommit.submit

    def leaky(self: GroupCommit[object], records: object, ticket: object) -> None:
        kept.append(bytearray(LEAK_BYTES))
        submit(self, records, ticket)  # type: ignore[arg-type]

    GroupCommit.submit = leaky  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    sow_a_leak()
    main()
