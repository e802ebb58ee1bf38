"""A disk that is full, read-only, or fails to keep what it was given."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.callers import Callers, answered, refused
from tests.faults.fault import NotAllowed, fault
from tests.faults.served import OPTIONS, Served, accounted
from tests.faults.shim import Below

CALLERS = 4
KINDS = {
    "disk full": {"write": errno.ENOSPC},
    "read-only": {"write": errno.EROFS},
    "write error": {"write": errno.EIO},
    "flush error": {"flush": errno.EIO},
}
PASSES = (
    "calls are refused as UNAVAILABLE, readiness says so; it goes on by itself when the disk does, "
    "nothing acknowledged is lost, the chain verifies"
)


@fault(
    row="8",
    done="every write of the journal's disk fails: full (ENOSPC), read-only (EROFS), write error "
    "(EIO), and failing fsync (EIO), {} times each under load",
    passes=PASSES,
    full=25,
    short=1,
)
def disk_fails(times: int, folder: Path) -> str:
    below = Below(folder)
    server = Served(folder, env=below.env)
    load = Callers(server.listen, CALLERS, OPTIONS, patient=True)
    try:
        load.wait(answered, 20)
        for _ in range(times):
            for kind in KINDS.values():
                below.fail(**kind)
                load.wait(refused, 8)
                assert server.health() == "NOT_SERVING"
                below.fail()
                load.wait(answered, 20)
        assert server.health() == "SERVING"
    finally:
        below.fail()
        answers = load.stop()
        server.end()
    return accounted(answers, server.journal, "UNAVAILABLE")


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Mounts a file system of its own in memory."""
    if os.getuid() != 0:
        raise NotAllowed("only root may mount a disk")
    place = folder / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if subprocess.run(words, check=False, capture_output=True).returncode:
        raise NotAllowed("no disk may be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@fault(
    row="8",
    done="a real disk (tmpfs) filled to its last byte by somebody else, and emptied, {} times "
    "under load",
    passes=PASSES,
    full=25,
    short=1,
)
def disk_full(times: int, folder: Path) -> str:
    with small_disk(folder, "64m") as disk:
        server = Served(disk)
        load = Callers(server.listen, CALLERS, OPTIONS, patient=True)
        try:
            load.wait(answered, 20)
            for _ in range(times):
                fill(disk / "filled")
                load.wait(refused, 8)
                assert server.health() == "NOT_SERVING"
                (disk / "filled").unlink()
                load.wait(answered, 20)
        finally:
            answers = load.stop()
            server.end()
        return accounted(answers, server.journal, "UNAVAILABLE")


def fill(path: Path) -> None:
    """Writes until not a byte more is taken."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError as problem:
                assert problem.errno == errno.ENOSPC
