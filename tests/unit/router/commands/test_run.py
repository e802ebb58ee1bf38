"""What a command says when it fails: a line for what a person can mend, a traceback for a fault."""

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


def raising(problem: Exception) -> Callable[[], object]:
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
