"""What a command says when it fails: a line for what a person can mend, a traceback for a fault."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pyarrow as pa
import pytest

from router.cases.problems import CasesRefused
from router.commands.run import run
from router.journal.record import JournalBroken
from router.policies.toml_file import PolicyError
from router.versions.registry import ModelRefused
from tests.builders import ROOT


def failing(
    fail: Callable[[], object], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[int, str]:
    @click.command()
    def command() -> None:
        fail()

    monkeypatch.setattr(sys, "argv", ["a command"])
    with pytest.raises(SystemExit) as ended:
        run(command, "a command")
    return int(str(ended.value.code)), capsys.readouterr().err


def raising(problem: BaseException) -> Callable[[], object]:
    def fail() -> None:
        raise problem

    return fail


@pytest.mark.parametrize(
    "fail",
    [
        raising(CasesRefused("cases.csv: column mix: is missing")),
        raising(PolicyError("mixes.toml: no")),
        raising(ModelRefused("v1: no")),
        raising(JournalBroken("journal: no")),
        lambda: Path("/absent/file").read_text(),
        lambda: Path("/").read_text(),
    ],
)
def test_what_a_person_can_mend_is_one_line_and_exit_code_2(
    fail: Callable[[], object],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, told = failing(fail, capsys, monkeypatch)
    assert code == 2
    assert told.startswith("error: ")
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    "fail",
    [
        lambda: np.zeros(3) + np.zeros(4),
        lambda: np.linalg.cholesky(np.zeros((2, 2))),
        lambda: pa.array(["a"]).cast(pa.int64()),
        lambda: dict[str, int]()["a"],
        raising(ValueError("window shape cannot be larger than input array shape")),
        raising(OSError("of a library, without a number")),
    ],
)
def test_a_librarys_error_is_a_fault_with_its_traceback_and_where_to_report_it(
    fail: Callable[[], object],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, told = failing(fail, capsys, monkeypatch)
    assert code == 70
    assert told.startswith("Traceback")
    assert "This is a fault of the program" in told
    assert "report it in the project's issues" in told
    assert "\nerror: " not in told


@pytest.mark.parametrize(
    ("module", "library", "extra"),
    [("pyarrow.parquet", "pyarrow", "parquet"), ("distributed", "distributed", "dask")],
)
def test_a_library_of_an_extra_that_is_not_there_is_said_with_the_extra_that_brings_it(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    library: str,
    extra: str,
) -> None:
    missing = ModuleNotFoundError(f"No module named '{library}'", name=module)
    code, told = failing(raising(missing), capsys, monkeypatch)
    assert code == 2
    assert told.startswith(f"error: {library} is missing; install the extra: ")
    assert f"channel-router[{extra}]" in told


@pytest.mark.parametrize(
    ("module", "code", "begins", "says"),
    [
        (
            "google.protobuf",
            2,
            f"error: google.protobuf is missing from {sys.executable}",
            "run .venv/bin/python",
        ),
        ("router.no", 70, "Traceback", "This is a fault of the program"),
    ],
)
def test_libraries_that_are_missing_are_told_where_they_are_and_our_own_modules_are_a_fault(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    code: int,
    begins: str,
    says: str,
) -> None:
    missing = ModuleNotFoundError(f"No module named '{module}'", name=module)
    ended, told = failing(raising(missing), capsys, monkeypatch)
    assert ended == code
    assert told.startswith(begins)
    assert says in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--xyz"], "error: No such option '--xyz'."),
        (["--count"], "error: Option '--count' requires an argument."),
        (["--count", "many"], "error: Invalid value for '--count': 'many' is not a valid integer."),
        (["more"], "error: Got unexpected extra argument (more)"),
    ],
)
def test_what_is_asked_wrongly_is_told_in_the_same_form(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    told: str,
) -> None:
    @click.command()
    @click.option("--count", type=int)
    def command(count: int) -> None: ...

    monkeypatch.setattr(sys, "argv", ["a command", *words])
    with pytest.raises(SystemExit) as ended:
        run(command, "a command")
    lines = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert lines[-1] == told


def test_an_answer_of_no_is_told_in_the_same_form_with_exit_code_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    no = raising(click.ClickException("no recommendation of this case\nholds content"))
    assert failing(no, capsys, monkeypatch) == (
        1,
        "error: no recommendation of this case\nholds content\n",
    )


def test_a_command_that_is_stopped_says_so_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, told = failing(raising(KeyboardInterrupt()), capsys, monkeypatch)
    assert (code, told.strip()) == (1, "Aborted!")


def test_whoever_stops_reading_is_told_nothing_more() -> None:
    words = [sys.executable, "-m", "router", "policy", "show", "office-01"]
    read, write = os.pipe()
    os.close(read)
    with open(write, "wb") as out:
        ended = subprocess.run(words, cwd=ROOT, stdout=out, stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (1, b"")
