"""How a server is told to read anew and to stop, and how it tells that it does."""

import http.client
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from router.v1 import channel_router_pb2
from tests.builders import ROOT, a_case
from tests.e2e.conftest import Server, router_command

REQUEST = channel_router_pb2.RecommendRequest(case=a_case())
StartServer = Callable[..., Server]


def status(server: Server, page: str) -> int:
    connection = http.client.HTTPConnection(server.metrics, timeout=5)
    connection.request("GET", page)
    found = connection.getresponse().status
    connection.close()
    return found


def next_message(server: Server) -> str:
    """Waits for the server's next line of log."""
    assert server.process.stderr is not None
    return server.process.stderr.readline().decode()


def test_after_sigterm_it_is_not_ready_and_answers_until_a_second_one(
    start_server: StartServer,
) -> None:
    server = start_server("--lame-duck-seconds", "60")
    assert [status(server, page) for page in ("/isready", "/isalive", "/")] == [200, 200, 404]
    server.process.send_signal(signal.SIGTERM)
    assert "still answering" in next_message(server)
    assert [status(server, page) for page in ("/isready", "/isalive")] == [503, 200]
    assert server.router.Recommend(REQUEST, timeout=5).recommendation.decision_id
    assert server.stop() == 0


def test_sighup_reads_anew_what_looks_unchanged(start_server: StartServer) -> None:
    # So seldom that only the signal can be what makes it look.
    server = start_server("--reload-seconds", "3600")
    server.process.send_signal(signal.SIGHUP)
    assert "looked at everything on disk, as asked" in next_message(server)
    assert server.router.Recommend(REQUEST, timeout=5).recommendation.decision_id
    assert status(server, "/isready") == 200


def refused(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """Runs a server that will not start, with its journal in this folder."""
    return subprocess.run(
        router_command("serve", *flags, "--journal", f"sqlite:///{folder}/journal.db"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("setting", ["listen", "metrics"])
def test_a_taken_port_is_one_line_that_names_it(setting: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ports = {"listen": "127.0.0.1:0", "metrics": "127.0.0.1:0", setting: address}
        flags = [word for name, value in ports.items() for word in (f"--{name}", value)]
        ended = refused(tmp_path, *flags)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"error: --{setting}: cannot listen on {address}: ")
    # Closed, and not as if a server had it open.
    assert {path.name for path in tmp_path.iterdir()} == {"journal.db", "journal.db.draw-key"}


@pytest.mark.parametrize(
    "flags",
    [
        ("--callers", "missing.toml"),
        ("--tls-certificate", "missing.pem", "--tls-key", "missing.pem"),
        ("--policies", "missing"),
        ("--models", "missing"),
    ],
)
def test_a_start_that_is_refused_leaves_no_empty_journal(
    flags: tuple[str, ...], tmp_path: Path
) -> None:
    ended = refused(tmp_path, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", *flags)
    assert ended.returncode == 2
    assert list(tmp_path.iterdir()) == []
