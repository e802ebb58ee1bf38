"""The commands of a data scientist, and what is said when something is wrong."""

import html
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest

from router.cases.features import FEATURES
from router.decision.severity import prove
from router.versions.registry import load_model, promoted_version
from router.versions.trust import read_trusted_keys
from tests.builders import ROOT
from tests.in_process import Ended
from tests.policies_of_six import CATALOGUE, FOLDER
from tests.training_command import command
from tests.unit.training.data.cases_builder import FRAME, a_file, in_rows
from tests.unit.training.version.versions_builder import FAILED, a_version
from training.version.versions import read_promotions

POLICIES = ("--policies", str(FOLDER))


def in_a_process(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


class Fit(NamedTuple):
    folder: Path
    told: Ended
    seen: Sequence[str]


@pytest.fixture(scope="session")
def fit(tmp_path_factory: pytest.TempPathFactory) -> Fit:
    """Runs one whole fit of signed tables, from simulated cases too few to pass the gate."""
    place = tmp_path_factory.mktemp("fit")
    assert command("key", place / "key").code == 0
    cases = place / "cases.parquet"
    assert command("simulate", "--cases", 3_000, "--seed", 3, "--out", cases, *POLICIES).code == 0
    folder = place / "models" / "v1"
    # One quick teacher, and errors as they come: what each does is tried beside them.
    quick = (
        "--teacher",
        "residual_s_learner",
        "--folds",
        3,
        "--jobs",
        2,
        "--no-calibrate",
        "--horizon",
        20,
    )
    options = ("--models", place / "models", "--sign", place / "key", *quick, *POLICIES)
    told = command("fit", "--cases", cases, "--out", folder, *options)
    return Fit(folder, told, sorted(path.name for path in (place / "models").iterdir()))


def in_models(fit: Fit) -> tuple[str, ...]:
    return ("--models", str(fit.folder.parent), *POLICIES)


def test_a_fit_whose_gate_failed_writes_the_version_and_its_report(fit: Fit) -> None:
    assert fit.told.code == 0, fit.told.err
    assert fit.seen == ["v1"]
    assert {path.name for path in fit.folder.iterdir()} == {
        "CARD.md",
        "estimators.joblib",
        "figures.json",
        "gate.json",
        "golden.json",
        "manifest.json",
        "manifest.sig",
        "register.json",
        "report.html",
        "tables.npz",
    }
    assert "no: the gate is not passed" in fit.told.out
    assert "FAIL  held_out_cases" in fit.told.out
    assert f"report: {fit.folder / 'report.html'}" in fit.told.out
    assert json.loads((fit.folder / "gate.json").read_text())["passed"] is False
    assert "seconds: nuisances" in fit.told.err


def test_a_signed_version_verifies_and_a_changed_or_foreign_one_does_not(
    fit: Fit, tmp_path: Path
) -> None:
    trusted = read_trusted_keys([fit.folder.parent.parent / "key.pub"])
    assert load_model(fit.folder, FEATURES, CATALOGUE, trusted).info.synthetic
    command("key", tmp_path / "other")
    with pytest.raises(Exception, match=r"manifest\.sig is of no trusted key"):
        load_model(fit.folder, FEATURES, CATALOGUE, read_trusted_keys([tmp_path / "other.pub"]))


def test_the_command_in_the_report_makes_the_same_version_again(fit: Fit) -> None:
    manifest = json.loads((fit.folder / "manifest.json").read_text())
    assert manifest["version"] == "v1"
    assert manifest["parity"]["max_abs_difference"] < 1e-9
    assert set(manifest["policies"]) == {"mixes.toml", "national.toml", "gate.toml"}
    again = manifest["training"]["command"]
    assert html.escape(again) in (fit.folder / "report.html").read_text()
    # Whatever was left out of the fit, the cases are those that were simulated.
    simulated = "simulate --cases 3000 --seed 3 --world differing --out "
    assert simulated in (fit.folder / "report.html").read_text()
    # A key or a server may be secret, and neither bears on what is learned.
    assert "--sign" not in json.dumps(manifest)

    before = fit.folder.rename(fit.folder.with_name("before"))
    # Other tests promote versions, and it is compared with what is promoted.
    promoted, aside = fit.folder.with_name("promoted"), fit.folder.with_name("aside")
    if promoted.exists():
        promoted.rename(aside)
    try:
        assert command(*shlex.split(again)[3:]).code == 0
        assert (fit.folder / "tables.npz").read_bytes() == (before / "tables.npz").read_bytes()
        first, second = (
            json.loads((folder / "figures.json").read_text()) for folder in (before, fit.folder)
        )
        for timed in ("trained_at", "seconds", "peak_memory_mib"):
            assert (first.pop(timed) is None) == (second.pop(timed) is None)
        assert first == second
        new = json.loads((fit.folder / "manifest.json").read_text())
        assert new["code_sha256"] == manifest["code_sha256"]
        assert new["training"] == manifest["training"]
    finally:
        shutil.rmtree(fit.folder, ignore_errors=True)
        before.rename(fit.folder)
        if aside.exists():
            aside.rename(promoted)


def test_a_worse_value_never_makes_a_fitted_version_want_less_human_contact(fit: Fit) -> None:
    proof = prove(load_model(fit.folder, FEATURES, CATALOGUE).tables, CATALOGUE.ids)
    assert (proof.falls, proof.unordered) == ((), ())
    manifest = json.loads((fit.folder / "manifest.json").read_text())
    assert tuple(manifest["monotone"]) == proof.features
    figures = json.loads((fit.folder / "figures.json").read_text())
    assert (figures["severity"]["falls"], figures["severity"]["steps"]) == ([], proof.steps)
    assert f"proven for all {proof.steps:,} steps" in (fit.folder / "CARD.md").read_text()


def test_the_manifest_says_what_the_report_says_of_effects(fit: Fit) -> None:
    figures = json.loads((fit.folder / "figures.json").read_text())
    info = load_model(fit.folder, FEATURES, CATALOGUE).info
    assert info.effects_vary is figures["heterogeneity"]["found"]


def test_gate_prints_every_condition_and_exits_1_on_failure(fit: Fit) -> None:
    told = in_a_process("training", "gate", "v1", *in_models(fit))
    assert told.returncode == 1, told.stderr
    conditions = json.loads((fit.folder / "gate.json").read_text())["conditions"]
    # What passed though it was not measured, or need not hold, is not told as a success.
    assert [line.split()[:2] for line in told.stdout.splitlines()[:-1]] == [
        [
            "FAIL"
            if not one["passed"]
            else "n/a"
            if one["value"] is None or one["name"] == "sensitivity_gamma"
            else "pass",
            one["name"],
        ]
        for one in conditions
    ]


def test_report_and_card_are_of_the_version(fit: Fit, tmp_path: Path) -> None:
    told = command("report", "v1", "--to", tmp_path / "copy.html", "--models", fit.folder.parent)
    assert told.code == 0
    assert "candidate" in told.out
    assert (tmp_path / "copy.html").read_bytes() == (fit.folder / "report.html").read_bytes()
    assert "ynthetic" in command("card", "v1", "--models", fit.folder.parent).out


def test_a_failed_gate_is_not_promoted_without_a_reason_which_is_kept_and_rollback_returns(
    fit: Fit,
) -> None:
    models = fit.folder.parent
    a_version(models, "v0")
    assert command("promote", "v0", *in_models(fit)).code == 0
    assert command("promote", "v1", *in_models(fit)).refused(
        "v1: its gate failed", "held_out_cases", "--override"
    )
    assert promoted_version(models) == "v0"
    assert command("promote", "v1", "--override", "pilot at one office", *in_models(fit)).code == 0
    assert promoted_version(models) == "v1"
    last = read_promotions(models)[-1]
    assert (last.before, last.after, last.override) == ("v0", "v1", "pilot at one office")
    assert last.gate.startswith("failed: ")
    told = command("rollback", *in_models(fit))
    assert told.code == 0
    assert "v0 is promoted again" in told.err
    assert promoted_version(models) == "v0"
    assert command("rollback", *in_models(fit)).refused("knows of no version before v0")


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_the_version_scores_a_file_of_cases(fit: Fit, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"scored.{suffix}"
    cases = fit.folder.parent.parent / "cases.parquet"
    files = ("--cases", str(cases), "--out", str(out))
    told = in_a_process("router", "score", *files, "--model", str(fit.folder), *POLICIES)
    assert told.returncode == 0, told.stderr
    frame = pl.read_parquet(out) if suffix == "parquet" else pl.read_csv(out)
    assert frame.columns[:4] == ["case_ref", "status", "mix", "adviser_minutes"]
    kinds = {
        f"{kind}_{mix}" for kind in ("expected", "error", "permitted") for mix in CATALOGUE.ids
    }
    assert set(frame.columns[4:]) == kinds
    assert len(frame) == 3_000


def test_a_file_that_does_not_say_whether_it_is_synthetic_is_not_guessed(tmp_path: Path) -> None:
    cases = a_file(tmp_path, FRAME, "cases.csv")
    told = command("fit", "--cases", cases, "--out", tmp_path / "v", *POLICIES)
    assert told.refused(
        "cases.csv", "does not say whether it is synthetic", "--synthetic or --real"
    )
    assert not (tmp_path / "v").exists()


def test_a_file_that_says_it_is_synthetic_is_never_fitted_as_real(tmp_path: Path) -> None:
    cases = a_file(tmp_path, FRAME, synthetic="true")
    told = command("fit", "--cases", cases, "--out", tmp_path / "v", "--real", *POLICIES)
    assert told.refused("cases.parquet", "says that it is synthetic")
    assert not (tmp_path / "v").exists()


def test_the_truth_of_other_cases_is_refused_before_anything_is_fitted(tmp_path: Path) -> None:
    cases = a_file(tmp_path, FRAME, synthetic="true")
    values = {f"value_{mix}": [0.5] for mix in CATALOGUE.ids}
    truth = a_file(
        tmp_path, pl.DataFrame({"case_ref": ["x"], **values}), "t.parquet", synthetic="true"
    )
    told = command("fit", "--cases", cases, "--truth", truth, "--out", tmp_path / "v", *POLICIES)
    assert "it must be the file that was written beside these cases" in told.err
    assert told.code == 2


def test_a_learning_curve_of_too_few_cases_is_refused_before_anything_is_fitted(
    fit: Fit, tmp_path: Path
) -> None:
    cases = fit.folder.parent.parent / "cases.parquet"
    told = command("fit", "--cases", cases, "--out", tmp_path / "v", "--curve", *POLICIES)
    assert told.code == 2
    last = told.err.strip().splitlines()[-1]
    assert last.startswith("error: curve: 50% of the cases to learn from hold")
    assert "at least 100 of each mix" in last
    assert not (tmp_path / "v").exists()


def test_too_few_cases_to_hold_out_are_refused_before_anything_is_fitted(tmp_path: Path) -> None:
    cases = a_file(
        tmp_path, FRAME.with_columns(decided_on=FRAME["decided_on"].min()), synthetic="true"
    )
    told = command("fit", "--cases", cases, "--out", tmp_path / "v", *POLICIES)
    assert "cases: 0 to learn from (held out by time); at least 500 are needed" in told.err
    assert told.code == 2
    assert not (tmp_path / "v").exists()


def test_a_bad_cell_is_told_with_file_column_row_and_bound(tmp_path: Path) -> None:
    cases = a_file(tmp_path, in_rows("weeks_registered", {7: -1}), synthetic="true")
    told = command("fit", "--cases", cases, "--out", tmp_path / "v", *POLICIES)
    assert told.code == 2
    assert "Traceback" not in told.err
    for word in ("cases.parquet", "weeks_registered", "row 7", "-1", "0 to 520 weeks"):
        assert word in told.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("fit", "--cases", "absent.parquet", "--out", "{tmp}/v"), "absent.parquet"),
        (("fit", "--cases", "a.parquet", "--out", "{tmp}/V 1"), "must be 1 to 64 of a-z"),
        (
            ("fit", "--cases", "a.parquet", "--out", "{tmp}/taken"),
            "taken: exists; a version is never overwritten",
        ),
        (("simulate", "--cases", "5", "--out", "{tmp}/cases.csv"), "must end with .parquet"),
        (("simulate", "--cases", "5", "--out", "{tmp}/absent/cases.parquet"), "absent"),
        (("simulate", "--cases", "5", "--out", "/proc/x.parquet"), "nothing can be written in /p"),
        (("simulate", "--cases", "5", "--out", "{tmp}/taken.parquet"), "is a folder"),
        (("fit", "--cases", "a.parquet", "--out", "/proc/x/v"), "nothing can be written in /proc"),
        (("fit", "--cases", "{tmp}/pipe.csv", "--out", "{tmp}/v"), "is no regular file"),
        (("evidence", "--out", "/proc/v"), "nothing can be written in /proc"),
        (("evaluate", "--cases", "a.csv", "--policy", "p.csv"), "p.csv: cannot be read"),
        (("evaluate", "--cases", "**", "--page", "{tmp}/absent/p.html"), "there is no folder"),
        (("synergy", "--cases", "absent.csv"), "absent.csv"),
        (("collect", "--journal", "sqlite:///a.csv", "--out", "a.csv"), "is a file that is read"),
        (("gate", "v7", "--models", "{tmp}"), "v7"),
        (("gate", "../v7", "--models", "{tmp}"), "must be 1 to 64 of a-z"),
        (("report", "v7", "--models", "{tmp}"), "v7: there is no such version"),
        (("report", "v7", "--to", "{tmp}/r.txt"), "r.txt must end with .html"),
        (("card", "v7", "--models", "{tmp}"), "v7: there is no such version; known are none"),
        (("compare", "v7", "v8", "--models", "{tmp}"), "v7"),
        (("promote", "v7", "--models", "{tmp}"), "v7: "),
        (("rollback", "--models", "{tmp}"), "no promoted version"),
        (("key", "{tmp}/taken"), "exists; a key is never overwritten"),
        (
            ("collect", "--journal", "sqlite:///{tmp}/absent.db", "--out", "{tmp}/cases.parquet"),
            "absent.db",
        ),
    ],
)
def test_what_can_be_mended_is_one_clear_line_and_exit_code_2(
    tmp_path: Path, words: tuple[str], says: str
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken.truth.parquet").mkdir()
    (tmp_path / "taken.parquet").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    told = command(*(word.format(tmp=tmp_path) for word in words))
    assert told.refused(says), told.err


def test_a_gate_that_failed_is_told_by_its_conditions(tmp_path: Path) -> None:
    a_version(tmp_path, "v2", gate=FAILED)
    assert command("promote", "v2", "--models", tmp_path, *POLICIES).refused(
        "its gate failed: overlap"
    )
