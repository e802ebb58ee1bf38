"""What no linter checks: names that say nothing."""

import ast
from pathlib import Path

import pytest

from tests.builders import ROOT

BANNED = {
    "utils",
    "util",
    "helpers",
    "helper",
    "manager",
    "handler",
    "processor",
    "common",
    "base",
    "core",
    "misc",
}
NOT_OURS = {"timeout_keep_alive_handler"}
"""Methods of libraries that are overridden under the name that they have there."""
SOURCES = [
    path
    for folder in ("router", "training", "bench", "tests")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if not path.name.endswith(("_pb2.py", "_pb2_grpc.py"))
]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_no_name_says_nothing(path: Path) -> None:
    names = {path.stem, *path.relative_to(ROOT).parts[:-1]}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name not in NOT_OURS:
            names |= set(node.name.lower().split("_"))
    assert not names & BANNED
