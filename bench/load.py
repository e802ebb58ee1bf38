"""Load from h2load on the other core, and servers pinned to the first."""

from __future__ import annotations

import os
import re
import shutil
import socket
import statistics
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# A core each, or load and server would take time from each other.
SERVER_CORE, LOAD_CORE = "0", "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one run of h2load saw: requests a second, and latencies in microseconds."""

    rate: float
    p50: float
    p99: float
    p999: float


def median(loads: list[Load], name: str) -> float:
    """Gives the median over runs of one of their figures."""
    figures: list[float] = [getattr(load, name) for load in loads]
    return statistics.median(figures)


def bound_to(core: str) -> list[str]:
    """Gives the words before a command that run it on one core, and end it if this process ends.

    However it ends: a bench that was killed would leave its server to slow the next one.
    """
    return ["setpriv", "--pdeathsig", "TERM", "taskset", "-c", core]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def pinned(*words: str, ready: str) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a Python process on the server's core, until the block ends.

    Raises:
        SystemExit: if it ends without saying that it is ready.
    """
    command = [*bound_to(SERVER_CORE), sys.executable, "-m", *words]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ}
    )
    try:
        for line in process.stdout or ():
            if ready in line.decode():
                break
        else:
            raise SystemExit(f"{words} did not start")
        yield process
    finally:
        process.terminate()
        process.wait(15)


def h2load(
    port: int, method: str, request: bytes, folder: Path, *, in_flight: int, calls: int
) -> Load:
    """Runs h2load; gRPC errors look like successes to it, so callers check counters afterwards.

    Raises:
        SystemExit: if it is not installed, or not every call was answered.
    """
    if shutil.which("h2load") is None:
        raise SystemExit("h2load is not installed (Debian: nghttp2-client)")
    body, log = folder / "request.bin", folder / "h2load.log"
    # A message as gRPC frames it: not compressed, its length, itself.
    body.write_bytes(b"\0" + struct.pack(">I", len(request)) + request)
    log.unlink(missing_ok=True)
    # Many calls share a connection, as clients do, but no single one becomes the bound.
    connections = min(16, in_flight)
    command = [*bound_to(LOAD_CORE), "h2load", "-n", str(calls), "-c", str(connections)]
    command += ["-m", str(in_flight // connections), "-d", str(body), "--log-file", str(log)]
    command += ["-H", "content-type: application/grpc", "-H", "te: trailers"]
    out = subprocess.run(
        [*command, f"http://127.0.0.1:{port}{method}"], capture_output=True, text=True, check=True
    )
    rate = re.search(r"finished in [\d.]+\w+, ([\d.]+) req/s", out.stdout)
    done = re.search(r"(\d+) succeeded", out.stdout)
    if rate is None or done is None or int(done[1]) != calls:
        raise SystemExit(out.stdout)

    times = sorted(int(line.split("\t")[2]) for line in log.read_text().splitlines())
    return Load(
        rate=float(rate[1]),
        p50=statistics.median(times),
        p99=times[int(len(times) * 0.99)],
        p999=times[int(len(times) * 0.999)],
    )
