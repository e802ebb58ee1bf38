"""A real server process, started as an operator starts it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from router.v1 import channel_router_pb2_grpc, feedback_pb2_grpc, models_pb2_grpc
from tests.builders import ROOT

STARTS_WITHIN = 20
WITHIN = 60


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    listen: str
    metrics: str
    journal: Path
    channel: grpc.Channel
    http: str = ""

    @property
    def router(self) -> channel_router_pb2_grpc.ChannelRouterStub:
        return channel_router_pb2_grpc.ChannelRouterStub(self.channel)

    @property
    def models(self) -> models_pb2_grpc.ModelsStub:
        return models_pb2_grpc.ModelsStub(self.channel)

    @property
    def feedback(self) -> feedback_pb2_grpc.FeedbackStub:
        return feedback_pb2_grpc.FeedbackStub(self.channel)

    def scrape(self) -> str:
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=5) as answer:
            text: str = answer.read().decode()
            return text

    def stop(self) -> int:
        self.channel.close()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)


def until(happens: Callable[[], bool]) -> None:
    """Waits for what a server does of itself."""
    end = time.monotonic() + WITHIN
    while not happens():
        assert time.monotonic() < end, "it did not happen"
        threading.Event().wait(0.05)


def of_bytes(channel: grpc.Channel, method: str) -> grpc.UnaryUnaryMultiCallable[bytes, bytes]:
    """Gives a method by its path, which takes and gives bytes."""
    return channel.unary_unary(method, request_serializer=None, response_deserializer=None)


def router_command(*words: str) -> list[str]:
    return [sys.executable, "-m", "router", *words]


def start(
    folder: Path,
    *flags: str,
    env: dict[str, str] | None = None,
    credentials: grpc.ChannelCredentials | None = None,
) -> Server:
    journal = folder / "journal.db"
    # Port 0: the system gives one that is free, and the log tells which.
    command = router_command("serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0")
    command += ["--journal", f"sqlite:///{journal}", *flags]
    process = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, env={**os.environ, **(env or {})}
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(b"error:"):
            break
        entry = json.loads(line)
        if entry["message"] == "serving":
            channel = (
                grpc.secure_channel(entry["listen"], credentials)
                if credentials
                else grpc.insecure_channel(entry["listen"])
            )
            grpc.channel_ready_future(channel).result(STARTS_WITHIN)
            http = entry.get("http", "")
            return Server(process, entry["listen"], entry["metrics"], journal, channel, http)
    process.stderr.close()
    raise AssertionError(f"the server stopped with {process.wait()}: {line.decode()}")


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers and ends them after the test."""
    running: list[Server] = []

    def begin(
        *flags: str,
        env: dict[str, str] | None = None,
        credentials: grpc.ChannelCredentials | None = None,
    ) -> Server:
        running.append(start(tmp_path, *flags, env=env, credentials=credentials))
        return running[-1]

    yield begin
    # Killed, not asked: what a test left behind must not hold up the next.
    for server in running:
        server.channel.close()
        server.process.kill()
        server.process.wait()
        closed(server)


def closed(server: Server) -> None:
    assert server.process.stderr is not None
    server.process.stderr.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Gives one server for the tests that leave it as it was."""
    running = start(tmp_path_factory.mktemp("server"))
    yield running
    running.channel.close()
    running.process.kill()
    running.process.wait()
    closed(running)


def tool(name: str) -> str:
    """Gives the path of an outside tool.

    Its test is skipped without it, unless ROUTER_REQUIRE_TOOLS is set.
    """
    # Beside this Python first, where the lock file's own tools are.
    found = shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if found is None:
        (pytest.fail if os.environ.get("ROUTER_REQUIRE_TOOLS") else pytest.skip)(
            f"{name} is not installed"
        )
    return found
