"""Every block of commands on a page runs as it is printed, or says above it why no test runs it."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.builders import ROOT
from tests.e2e.conftest import closed, start
from tests.e2e.test_clients import needed

PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    *(ROOT / "clients").glob("*/README.md"),
]
BLOCK = re.compile(
    r"(?:<!-- not run by a test: (?P<why>[^>]+) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)```",
    re.DOTALL,
)
COMMAND = re.compile(
    r"^(\.venv/bin/|python |make |npm |npx |node |curl |pip |clients/|mkdir |docker |kubectl "
    r"|createuser |openssl )",
    re.MULTILINE,
)
SUITE = re.compile(r"^\.venv/bin/python -m pytest .*\n", re.MULTILINE)
RUN_BY = {"python": [".venv/bin/python", "-"], "js": ["node", "--input-type=module", "-"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What stands between two fences.

    Attributes:
        page: where, from the project's root.
        kind: the language named at the fence; "" for commands.
        text: as printed.
        why: why no test runs it, "" if one does.
    """

    page: str
    kind: str
    text: str
    why: str


def blocks() -> list[Block]:
    """Gives every block that a reader may type or paste."""
    found = []
    for page in PAGES:
        for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
            # The suite runs already.
            kind, text = block["kind"], SUITE.sub("", block["text"])
            if kind in RUN_BY or (not kind and COMMAND.search(text)):
                name = str(page.relative_to(ROOT))
                found.append(Block(page=name, kind=kind, text=text, why=block["why"] or ""))
    return found


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Gives where a server is, by the addresses that pages name."""
    server = start(tmp_path_factory.mktemp("printed"), "--http", "127.0.0.1:0")
    yield {"127.0.0.1:50051": server.listen, "127.0.0.1:8080": server.http}
    server.stop()
    closed(server)


RUN = [block for block in blocks() if not block.why]


@pytest.mark.parametrize("block", RUN, ids=lambda block: f"{block.page}-{block.text[:40]!r}")
def test_it_runs_as_printed(block: Block, addresses: dict[str, str]) -> None:
    if "typescript" in block.text + block.page:
        needed(ROOT / "clients/typescript/dist/index.js", "not built: make test")
    if "clients/java" in block.text:
        needed(Path("/usr/share/java/grpc-netty.jar"), "Debian's libgrpc-java is not installed")
    # The address of the server that a person would have started is the one change.
    text = block.text
    for printed, real in addresses.items():
        text = text.replace(printed, real)
    folder = ROOT / "clients" / "typescript" if block.kind == "js" else ROOT
    ended = subprocess.run(
        RUN_BY.get(block.kind, ["bash", "-e", "-o", "pipefail", "-s"]),
        input=text,
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr


def test_most_pages_that_name_commands_are_among_them() -> None:
    pages = {block.page for block in blocks()}
    assert {"README.md", "CONTRIBUTING.md", "docs/recommend.md", "docs/clients.md"} <= pages
    assert {"README.md", "docs/recommend.md", "docs/clients.md"} <= {one.page for one in RUN}
