"""As many files may be open as connections ask for, where the system permits it."""

import json
import re
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.builders import ROOT
from tests.e2e.conftest import Server, router_command

LIMIT = resource.RLIMIT_NOFILE
BEGINS_WITH = 1_024


@pytest.fixture
def hard() -> Iterator[int]:
    """What is begun here has few files at first, as on many a system; gives the most it may."""
    now, at_most = resource.getrlimit(LIMIT)
    resource.setrlimit(LIMIT, (BEGINS_WITH, at_most))
    yield at_most
    resource.setrlimit(LIMIT, (now, at_most))


def permitted(server: Server) -> int:
    told = Path(f"/proc/{server.process.pid}/limits").read_text()
    found = re.search(r"^Max open files +(\d+)", told, re.MULTILINE)
    assert found is not None
    return int(found.group(1))


def test_a_server_may_have_as_many_open_files_as_connections(
    hard: int, start_server: Callable[..., Server]
) -> None:
    server = start_server("--max-connections", "3000")
    assert 3_000 < permitted(server) <= hard


def test_where_the_system_does_not_permit_it_the_log_says_so(tmp_path: Path) -> None:
    command = router_command("serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0")
    command += ["--journal", f"sqlite:///{tmp_path}/journal.db", "--max-connections", "100000"]
    told = []
    with subprocess.Popen(
        ["prlimit", "--nofile=1024:2048", *command], cwd=ROOT, stderr=subprocess.PIPE
    ) as server:
        assert server.stderr is not None
        for line in server.stderr:
            told.append(json.loads(line))
            if told[-1]["message"] == "serving":
                break
        server.terminate()
        server.stderr.read()
    assert server.returncode == 0
    [warned] = [line for line in told if "raise the limit (nofile)" in line["message"]]
    assert (warned["level"], warned["permitted"]) == ("WARNING", 2_048)
    assert warned["wanted"] > 100_000
