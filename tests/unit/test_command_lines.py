"""Whatever is run as `python -m` says what it can be told, and refuses what it cannot."""

import runpy
import sys
from pathlib import Path

import click
import pytest

from router.__main__ import main as router_main
from router.commands.run import run
from tests.builders import ROOT
from training.__main__ import main as training_main

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


ADDRESS = "https://kari:hunter2@127.0.0.1:9/x.parquet?sig=hunter3"
FILLING = {"datetime": "2026-07-01", "integer range": "5000"}


def asking(words: list[str], command: click.Command, taking: click.Parameter) -> list[str]:
    """Gives words that tell a command an address, and what else it must be told."""
    asked = list(words)
    # In front, so that it is looked at before what is wrong with the others.
    for one in sorted(command.params, key=lambda one: one is not taking):
        if one is taking or one.required:
            option = [one.opts[0]] if isinstance(one, click.Option) else []
            filling = ADDRESS if one is taking else FILLING.get(one.type.name, "v1")
            asked += option + [filling] * max(one.nargs, 1)
    return asked


def takers() -> dict[str, tuple[click.Group, list[str], bool]]:
    """Gives how to tell an address to whatever takes a text or a place, and whether it is that."""
    found = {}

    def look(root: click.Group, command: click.Command, words: list[str]) -> None:
        if isinstance(command, click.Group):
            for name in command.list_commands(click.Context(command)):
                below = command.get_command(click.Context(command), name)
                assert below is not None
                look(root, below, [*words, name])
            return
        for one in command.params:
            place = isinstance(one.type, click.Path)
            # With a text alone these two would start servers.
            if place or (one.type is click.STRING and words not in (["serve"], ["demo"])):
                found[" ".join([*words, str(one.name)])] = (
                    root,
                    asking(words, command, one),
                    place,
                )

    for root in (router_main, training_main):
        look(root, root, [])
    return found


TAKERS = takers()


@pytest.mark.parametrize("taker", TAKERS)
def test_no_command_repeats_the_secrets_of_an_address(
    taker: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    root, words, place = TAKERS[taker]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["a command", *words])
    with pytest.raises(SystemExit) as end:
        run(root, "a command")
    told = "".join(capfd.readouterr())
    assert end.value.code in {1, 2}
    assert "hunter" not in told
    if place:
        assert "https://... is an address; permitted is a path on this machine" in told
    assert not [one for one in tmp_path.rglob("*") if "hunter" in str(one)]
