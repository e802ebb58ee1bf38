"""Whatever is run as `python -m` says what it can be told, and refuses what it cannot."""

import runpy
import sys
from pathlib import Path

import pytest

from tests.builders import ROOT

FOLDERS = ("bench", "clients", "deploy", "docs", "router", "tests", "training")
# Run in environments of their own, by bench.serving_peers alone: the libraries are not here.
PEERS = "bench.serving_peers.of_"
OURS = f"{PEERS}grpc_aio"
# It would leak in the process of the tests.
LEAKING = "tests.faults.leaking"


def modules() -> dict[str, Path]:
    found = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__")
            runs = '\nif __name__ == "__main__":' in path.read_text(encoding="utf-8")
            # Tests start parts of themselves in processes of their own.
            if runs and not path.name.startswith("test_"):
                found[name] = path
    del found[LEAKING]
    return {
        name: path for name, path in found.items() if not name.startswith(PEERS) or name == OURS
    }


MODULES = modules()


def ended(module: str, words: list[str], monkeypatch: pytest.MonkeyPatch) -> object:
    """Runs a module as `python -m` does, and gives its exit code."""
    monkeypatch.setattr(sys, "argv", [str(MODULES[module]), *words])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(MODULES[module]), run_name="__main__")
    return end.value.code


@pytest.mark.parametrize("module", MODULES)
def test_help_says_what_a_command_can_be_told(
    module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(module, ["--help"], monkeypatch) in {0, None}
    assert capsys.readouterr().out.lower().startswith(f"usage: python -m {module} [")


@pytest.mark.parametrize("module", MODULES)
def test_an_option_that_is_not_there_is_refused(
    module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(module, ["--no-such-option"], monkeypatch) == 2
    assert "error: " in capsys.readouterr().err
