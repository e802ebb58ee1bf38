"""A server process that is killed, stopped and started again where it was, and what it kept."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import urllib.request
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bench.load import free_port
from router.journal.opening import open_to_read
from router.journal.verification import verify
from tests.builders import ROOT
from tests.e2e.callers import Answer
from tests.e2e.conftest import router_command

STARTS_WITHIN = 300
LINES_KEPT = 2000
# Whoever lost a connection asks again at once: a server that was killed is soon back.
OPTIONS: Sequence[tuple[str, int]] = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 200),
    ("grpc.use_local_subchannel_pool", 1),
)


class Served:
    """A server on a port of its own, which it keeps when it is started again."""

    def __init__(
        self,
        folder: Path,
        *flags: str,
        journal: str = "",
        env: Mapping[str, str] | None = None,
        command: Sequence[str] = (),
        wait: bool = True,
    ) -> None:
        """Starts it.

        Args:
            folder: of its journal, unless one is given.
            flags: more of `serve`.
            journal: its URL.
            env: more of its environment.
            command: what is run in the place of `python -m router`.
            wait: whether it is waited for until it serves.
        """
        self.port = free_port()
        self.listen = f"127.0.0.1:{self.port}"
        self.journal = journal or f"sqlite:///{folder}/{self.port}.db"
        self.log: deque[dict[str, Any]] = deque(maxlen=LINES_KEPT)
        self.lines = 0
        words = ["serve", "--listen", self.listen, "--metrics", "127.0.0.1:0"]
        words += ["--journal", self.journal, *flags]
        self._command = [*command, *words] if command else router_command(*words)
        self._env = {**os.environ, **(env or {})}
        self.begin()
        if wait:
            self.wait()

    def begin(self) -> None:
        """Starts it, without waiting until it serves."""
        self._told = threading.Event()
        self.metrics = ""
        self.process = subprocess.Popen(
            self._command, cwd=ROOT, env=self._env, stderr=subprocess.PIPE
        )
        # Read all the while: a full pipe would hold the server up.
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()

    def wait(self) -> None:
        """Waits until it serves."""
        assert self._told.wait(STARTS_WITHIN), "it did not start"
        assert self.metrics, [*self.log][-3:]

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None
        with process.stderr as lines:
            for line in lines:
                self.lines += 1
                try:
                    entry = json.loads(line)
                except ValueError:
                    entry = {"message": line.decode(errors="replace")}
                self.log.append(entry)
                if entry["message"] == "serving":
                    self.metrics = entry["metrics"]
                    self._told.set()
        self._told.set()

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ends it, and gives with what."""
        self.process.send_signal(how)
        code = self.process.wait(30)
        self._reader.join(10)
        return code

    def again(self, how: signal.Signals) -> None:
        """Ends it, and starts it where it was."""
        self.end(how)
        self.begin()
        self.wait()

    def channel(self, *more: tuple[str, object]) -> grpc.Channel:
        """Gives a connection of its own."""
        return grpc.insecure_channel(self.listen, (*OPTIONS, *more))

    def health(self) -> str:
        """Asks whether it serves advice."""
        request = health_pb2.HealthCheckRequest(service="router.v1.ChannelRouter")
        with self.channel() as channel:
            status = health_pb2_grpc.HealthStub(channel).Check(request, timeout=20).status
        name: str = health_pb2.HealthCheckResponse.ServingStatus.Name(status)
        return name

    def wait_for_health(self, wanted: str) -> None:
        """Waits until a watcher is told so."""
        request = health_pb2.HealthCheckRequest(service="router.v1.ChannelRouter")
        number = health_pb2.HealthCheckResponse.ServingStatus.Value(wanted)
        with self.channel() as channel:
            for told in health_pb2_grpc.HealthStub(channel).Watch(request, timeout=60):
                if told.status == number:
                    return

    def figure(self, name: str) -> float:
        """Reads a metric, its labels in the name; 0 where it was never counted."""
        found = re.search(rf"^{re.escape(name)} (\S+)", self._scrape(), re.MULTILINE)
        return float(found[1]) if found else 0.0

    def handled(self) -> dict[str, int]:
        """Counts the calls that it has ended, by the code that it says they ended with."""
        counts: dict[str, int] = {}
        line = re.compile(
            r'^grpc_server_handled_total\{.*grpc_code="(\w+)".*\} (\S+)', re.MULTILINE
        )
        for code, count in line.findall(self._scrape()):
            if float(count):
                counts[code] = counts.get(code, 0) + int(float(count))
        return counts

    def _scrape(self) -> str:
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=20) as answer:
            text: str = answer.read().decode()
            return text

    def memory(self) -> float:
        """Gives its resident memory, in MiB."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20

    def errors(self) -> list[dict[str, Any]]:
        """Gives what it logged as an error, among the last lines."""
        return [entry for entry in self.log if entry.get("level") == "ERROR"]


def kept_in(url: str, acknowledged: Iterable[str]) -> int:
    """Checks that a journal holds every decision that was acknowledged, once, in an intact chain.

    Returns:
        How many it holds.
    """
    with closing(open_to_read(url)) as store:
        kept = [one.id.hex() for one in store.read(kinds=("recommendation",))]
        verdict = verify(store)
    lost = {one.replace("-", "") for one in acknowledged} - set(kept)
    assert not lost, f"{len(lost)} acknowledged decisions are lost"
    assert len(kept) == len(set(kept)), "a decision is kept twice"
    assert verdict.intact, verdict
    return len(kept)


def accounted(answers: Sequence[Answer], url: str, *allowed: str) -> str:
    """Checks that calls ended OK or by these codes, and that what was acknowledged is kept."""
    seen, acknowledged = codes(answers, *allowed), ids(answers)
    kept = kept_in(url, acknowledged)
    return f"{seen}; acknowledged {len(acknowledged):,}, kept {kept:,}"


def ids(answers: Iterable[Answer]) -> list[str]:
    """Gives the decisions that were acknowledged."""
    return [one.decision_id for one in answers if one.decision_id]


def codes(answers: Sequence[Answer], *allowed: str) -> str:
    """Counts calls by code, and checks that no other code than these is among them."""
    counts: dict[str, int] = {}
    for one in answers:
        counts[one.code.name] = counts.get(one.code.name, 0) + 1
    strange = {one.told for one in answers if one.code.name not in {"OK", *allowed}}
    assert not strange, f"{counts}: {sorted(strange)[:3]}"
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))
