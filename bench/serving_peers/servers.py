"""Every server that is measured: how it is started, and how it is called."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.load import SERVER_CORE, bound_to, free_port
from bench.serving_peers.http1 import Http1
from bench.wire import Call, Wire

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ENVIRONMENTS = ROOT / "build" / "peers"
_START_SECONDS = 300.0
# Nobody's numbers may take another's core, and no peer may call home.
_QUIET = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONUNBUFFERED": "1",
    "BENTOML_DO_NOT_TRACK": "True",
    "RAY_USAGE_STATS_ENABLED": "0",
    # What Ray Serve's own guide names for throughput; read when it is imported.
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server of a model.

    Attributes:
        name: in tables.
        model: that it serves; "tables" for ours, "nothing" for an echo.
        words: its command; PORT and OTHER stand for free ports, JOURNAL for a fresh file.
        method: what is called.
        calls: of one case.
        batch_method: what is called with several.
        batches: calls by how many cases each has.
        stream_method: what is called with a stream; empty where there is none.
        stream_calls: its messages; those of `calls` if there are none.
        http: whether it speaks HTTP/1.1 and no gRPC.
        floods: whether it is measured with more calls than it can answer.
        restless: whether it is busy when nobody calls, and must not run beside others.
    """

    name: str
    model: str
    words: Sequence[str]
    method: str
    calls: Sequence[Call]
    batch_method: str = ""
    batches: dict[int, Sequence[Call]] = field(default_factory=dict)
    stream_method: str = ""
    stream_calls: Sequence[Call] = ()
    http: bool = False
    floods: bool = False
    restless: bool = False

    @property
    def client(self) -> str:
        """The module that calls it."""
        return "bench.serving_peers.http1" if self.http else "bench.wire"


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers: its port, its processes, and after how many seconds it did."""

    port: int
    process: psutil.Process
    cold: float

    def all(self) -> list[psutil.Process]:
        """Gives its processes."""
        return [self.process, *self.process.children(recursive=True)]

    def memory(self) -> float:
        """Gives its resident memory in MB; what its processes share counts once."""
        own, shared = 0, [0]
        for one in self.all():
            try:
                told = one.memory_full_info()
            except psutil.Error:
                continue
            own += told.uss
            shared.append(told.rss - told.uss)
        return (own + max(shared)) / 1e6

    def cpu_seconds(self) -> float:
        """Gives the seconds of a processor that it has taken."""
        found = 0.0
        for one in self.all():
            try:
                times = one.cpu_times()
            except psutil.Error:
                continue
            found += times.user + times.system
        return found


@contextmanager
def running(server: Server, folder: Path, log: Path) -> Iterator[Running]:
    """Runs a server on its core until the block ends; begins when it gave a right answer.

    Raises:
        SystemExit: if it gives none.
    """
    port = free_port()
    stands_for = {
        "PORT": str(port),
        "OTHER": str(free_port()),
        "JOURNAL": f"sqlite:///{folder}/{port}.db",
        "METRICS": f"127.0.0.1:{free_port()}",
        "LISTEN": f"127.0.0.1:{port}",
    }
    words = [stands_for.get(word, word) for word in server.words]
    with log.open("ab") as out:
        began = time.perf_counter()
        process = subprocess.Popen(
            [*bound_to(SERVER_CORE), *words],
            stdout=out,
            stderr=out,
            env={**os.environ, **_QUIET},
            cwd=ROOT,
        )
    it = psutil.Process(process.pid)
    try:
        while not _answers(server, port):
            if process.poll() is not None or time.perf_counter() - began > _START_SECONDS:
                raise SystemExit(f"{server.name} does not answer: see {log.relative_to(ROOT)}")
            time.sleep(0.02)
        yield Running(port, it, time.perf_counter() - began)
    finally:
        _stop(process, it)


def _answers(server: Server, port: int) -> bool:
    try:
        if server.http:
            seen = Http1(port, server.method, server.calls, deadline=10.0).burst(1)
        else:
            seen = Wire(port, server.method, server.calls, connections=1, deadline=10.0).burst(1)
    except (OSError, SystemExit):
        return False
    return seen.codes["OK"] == 1


def _stop(process: subprocess.Popen[bytes], it: psutil.Process) -> None:
    """Ends a server, and what it started that stays behind."""
    children = it.children(recursive=True) if process.poll() is None else []
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child in children:
        if child.is_running():
            child.kill()
    psutil.wait_procs(children, timeout=5)


def install(name: str) -> None:
    """Makes the environment of a peer, unless it is as its lock says.

    Raises:
        CalledProcessError: if it cannot be made.
    """
    lock, place = HERE / f"{name}.lock", ENVIRONMENTS / name
    ready = place / "ready"
    if ready.exists() and ready.read_bytes() == lock.read_bytes():
        return
    print(f"making {place.relative_to(ROOT)}", file=sys.stderr, flush=True)
    subprocess.run(
        ["uv", "venv", "--quiet", "--clear", "--python", sys.executable, place], check=True
    )
    # Exactly what the lock lists.
    told: list[str | Path] = ["--quiet", "--no-deps", "--require-hashes", "-r", lock]
    python = place / "bin" / "python"
    subprocess.run(["uv", "pip", "install", "--python", python, *told], check=True)
    # Written last, so that an environment half made is made again.
    ready.write_bytes(lock.read_bytes())
