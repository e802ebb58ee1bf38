"""Promotion, rollback and comparison of versions."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from router.cases.features import FEATURES
from router.versions.pointers import Canary, read_canary, version_for
from router.versions.registry import ModelRefused, load_model, promoted_version, read_info
from tests.builders import ROOT, random_tables
from tests.policies_of_six import CATALOGUE, FOLDER
from tests.unit.training.evaluation.test_gate import some_figures as figures_that_pass
from tests.unit.training.version.versions_builder import (
    FAILED,
    PASSED,
    a_manifest,
    a_version,
    write_manifest,
)
from training.__main__ import main
from training.evaluation.figures_json import to_json
from training.version.compare import compare
from training.version.versions import (
    NotPromoted,
    end_canary,
    promote,
    read_promotions,
    rollback,
    start_canary,
    torn_record,
)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    for name in ("v1", "v2", "v3"):
        a_version(tmp_path, name)
    return tmp_path


def test_a_version_whose_gate_passed_is_promoted_and_recorded(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USER", "kari")
    promote(models, "v1", CATALOGUE)
    done = promote(models, "v2", CATALOGUE)
    assert promoted_version(models) == "v2"
    lines = [json.loads(line) for line in (models / "promotions.jsonl").read_text().splitlines()]
    assert [
        (line["kind"], line["before"], line["after"], line["override"], line["by"])
        for line in lines
    ] == [
        ("promote", None, "v1", None, "kari"),
        ("promote", "v1", "v2", None, "kari"),
    ]
    assert read_promotions(models)[-1] == done


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        (FAILED, "its gate failed: overlap"),
        (None, r"its gate is missing \(gate.json\)"),
        ({"passed": "yes", "conditions": PASSED["conditions"]}, "its gate failed"),
        ({"passed": True, "conditions": FAILED["conditions"]}, "its gate failed: overlap"),
        ({"passed": True, "conditions": []}, "its gate failed: it names no condition"),
        ({"passed": True}, "its gate cannot be read"),
        ([], "its gate cannot be read"),
    ],
)
def test_a_version_whose_gate_did_not_pass_is_promoted_only_with_a_reason(
    models: Path, gate: object, says: str
) -> None:
    a_version(models, "v4", gate=gate)
    promote(models, "v1", CATALOGUE)
    with pytest.raises(NotPromoted, match=f"v4: {says}.*only with --override"):
        promote(models, "v4", CATALOGUE)
    assert promoted_version(models) == "v1"
    assert len(read_promotions(models)) == 1
    done = promote(
        models,
        "v4",
        CATALOGUE,
        override="pilot at two offices, agreed with the data protection officer",
    )
    assert promoted_version(models) == "v4"
    assert done.override == "pilot at two offices, agreed with the data protection officer"
    assert done.gate != "passed"


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501, "two\nlines", "asked by 01017012351"])
def test_an_override_without_a_reason_to_keep_is_refused(models: Path, reason: str) -> None:
    a_version(models, "v4", gate=FAILED)
    with pytest.raises(NotPromoted, match="override: ") as refused:
        promote(models, "v4", CATALOGUE, override=reason)
    assert "01017012351" not in str(refused.value)
    assert not (models / "promoted").exists()


@pytest.mark.parametrize("name", ["tables.npz", "gate.json", "report.html"])
def test_no_override_promotes_a_version_that_was_changed(models: Path, name: str) -> None:
    data = (models / "v1" / name).read_bytes()
    (models / "v1" / name).write_bytes(data + b" ")
    with pytest.raises(ModelRefused, match=f"{name} has SHA-256"):
        promote(models, "v1", CATALOGUE, override="why not")
    assert not (models / "promoted").exists()


@pytest.mark.parametrize("name", ["../v1", "V1", "", "v1/"])
def test_a_name_that_is_not_of_a_version_is_refused(models: Path, name: str) -> None:
    with pytest.raises(ValueError, match="version"):
        promote(models, name, CATALOGUE)


def test_rollback_returns_to_the_version_promoted_before(models: Path) -> None:
    for name in ("v1", "v2", "v3", "v3"):
        promote(models, name, CATALOGUE)
    assert rollback(models, CATALOGUE).after == "v2"
    assert promoted_version(models) == "v2"
    assert rollback(models, CATALOGUE).after == "v1"
    with pytest.raises(NotPromoted, match="knows of no version before v1"):
        rollback(models, CATALOGUE)
    assert promoted_version(models) == "v1"
    promote(models, "v3", CATALOGUE)
    assert rollback(models, CATALOGUE).after == "v1"
    assert [one.kind for one in read_promotions(models)] == ["promote"] * 4 + ["rollback"] * 2 + [
        "promote",
        "rollback",
    ]


def test_rollback_knows_the_version_that_was_served_before_the_record_began(models: Path) -> None:
    (models / "promoted").write_text("v1\n")
    promote(models, "v2", CATALOGUE)
    assert rollback(models, CATALOGUE).after == "v1"


def test_rollback_does_not_guess(models: Path) -> None:
    with pytest.raises(ModelRefused, match="no promoted version"):
        rollback(models, CATALOGUE)
    promote(models, "v1", CATALOGUE)
    promote(models, "v2", CATALOGUE)
    (models / "promoted").write_text("v3\n")
    with pytest.raises(NotPromoted, match="ends with v2 and v3 is promoted"):
        rollback(models, CATALOGUE)
    (models / "promoted").write_text("v2\n")
    (models / "v1" / "tables.npz").write_bytes(b"")
    with pytest.raises(ModelRefused, match="v1: "):
        rollback(models, CATALOGUE)
    assert promoted_version(models) == "v2"


SPOILT = [
    "garbage",
    "{}",
    '{"time": "2026", "kind": "promote", "before": null, "after": "../v9", "gate": "passed", '
    '"override": null, "by": "kari"}',
    '{"time": "2026", "kind": "split", "before": null, "after": "v9", "gate": "passed", '
    '"override": null, "by": "kari"}',
    "[" * 100_000,
]


def command(*args: str, models: Path) -> Result:
    """Runs a command of `python -m training` on a folder of versions."""
    return CliRunner().invoke(main, [*args, "--models", str(models), "--policies", str(FOLDER)])


@pytest.mark.parametrize("line", SPOILT, ids=range(len(SPOILT)))
def test_a_spoilt_line_is_told_by_number_and_a_rollback_goes_by_the_lines_after_it(
    models: Path, line: str
) -> None:
    promote(models, "v3", CATALOGUE)
    record = models / "promotions.jsonl"
    with record.open("a") as file:
        file.write(f"{line}\n")
    for name in ("v1", "v2"):
        promote(models, name, CATALOGUE)
    kept = record.read_text()
    told = command("rollback", models=models)
    assert told.exit_code == 0, told.output
    assert f"{record} line 2: is not a promotion: " in told.stderr
    assert promoted_version(models) == "v1"
    assert record.read_text().startswith(kept)
    # Once more: v1 says itself what it was promoted after.
    assert command("rollback", models=models).exit_code == 0
    assert promoted_version(models) == "v3"


@pytest.mark.parametrize("line", SPOILT, ids=range(len(SPOILT)))
def test_where_a_spoilt_line_may_tell_the_version_before_none_is_guessed_and_one_can_be_named(
    models: Path, line: str
) -> None:
    for name in ("v1", "v2"):
        promote(models, name, CATALOGUE)
    record = models / "promotions.jsonl"
    with record.open("a") as file:
        file.write(f"{line}\n")
    kept = record.read_text()
    with pytest.raises(NotPromoted, match=r"promotions\.jsonl line 3: is not a promo") as refused:
        rollback(models, CATALOGUE)
    assert "python -m training promote VERSION" in str(refused.value)
    assert "(beside v2 the record names v1)" in str(refused.value)
    assert promoted_version(models) == "v2"
    assert record.read_text() == kept

    told = command("promote", "v1", models=models)
    assert f"{record} line 3: is not a promotion: " in told.stderr
    assert promoted_version(models) == "v1"
    assert record.read_text().startswith(kept)
    assert rollback(models, CATALOGUE).after == "v2"


def test_below_a_spoilt_line_no_rollback_reaches(models: Path) -> None:
    for name in ("v1", "v2", "v3"):
        promote(models, name, CATALOGUE)
    record = models / "promotions.jsonl"
    first, second, third = record.read_text().splitlines(keepends=True)
    record.write_text(f"{first}{second[:40]}\n{third}")
    assert rollback(models, CATALOGUE).after == "v2"
    with pytest.raises(NotPromoted, match=r"line 2.*what was promoted before v2; name the version"):
        rollback(models, CATALOGUE)


def test_what_a_later_release_writes_beside_is_no_matter_and_empty_lines_are_none(
    models: Path,
) -> None:
    for name in ("v1", "v2"):
        promote(models, name, CATALOGUE)
    record = models / "promotions.jsonl"
    record.write_text(
        "\n\n".join(
            json.dumps(json.loads(line) | {"ticket": "a\u2028b"}, ensure_ascii=False)
            for line in record.read_text().splitlines()
        )
    )
    told = command("rollback", models=models)
    assert told.stderr == "v1 is promoted again\n"


def test_an_empty_record_tells_of_no_version_and_how_to_name_one(models: Path) -> None:
    promote(models, "v1", CATALOGUE)
    (models / "promotions.jsonl").write_text("")
    with pytest.raises(NotPromoted, match="holds no promotion, and v1 is promoted; name the vers"):
        rollback(models, CATALOGUE)
    with pytest.raises(ModelRefused, match="no promoted version"):
        rollback(models / "v1", CATALOGUE)
    assert not (models / "v1" / "promotions.jsonl").exists()


def test_a_rollback_returns_to_what_was_served_although_it_was_promoted_by_hand(
    models: Path,
) -> None:
    promote(models, "v1", CATALOGUE)
    (models / "promoted").write_text("v3\n")
    promote(models, "v2", CATALOGUE)
    assert rollback(models, CATALOGUE).after == "v3"


def test_a_comparison_names_the_field_that_moved_most_and_the_measured_gain(models: Path) -> None:
    tables = random_tables(0, mixes=len(CATALOGUE.mixes))
    tables.values[3, 2] += 0.25
    a_version(models, "v4", tables=tables)
    told = compare(models, "v1", "v4", CATALOGUE)
    assert "value, candidate" in told
    assert "gain over logged" in told
    moves = told[told.index("largest move") :].splitlines()
    assert moves[1].split()[0] == "age_band"
    assert moves[1].endswith("30_39 for DIALOGUE_AND_PHONE")
    assert len(moves) == 2


def test_equal_versions_do_not_differ(models: Path) -> None:
    told = compare(models, "v1", "v2", CATALOGUE)
    assert "0.0% of " in told
    assert "largest move" not in told


def test_versions_without_figures_are_compared_by_their_tables(models: Path) -> None:
    (models / "v1" / "figures.json").unlink()
    assert compare(models, "v1", "v2", CATALOGUE).startswith("v1 has no figures.json")
    (models / "v2" / "figures.json").write_text("{}")
    a_version(models, "v5")
    with pytest.raises(ValueError, match=r"v2/figures\.json: Figures: .*`version`"):
        compare(models, "v5", "v2", CATALOGUE)


@pytest.mark.parametrize(
    ("told", "found"),
    [({"effects_vary": True}, True), ({"effects_vary": False}, False), ({}, False)],
)
def test_a_version_says_whether_effects_vary_and_an_older_one_claims_nothing(
    tmp_path: Path, told: dict[str, Any], found: bool
) -> None:
    folder = a_version(tmp_path, "v9", **told)
    assert load_model(folder, FEATURES, CATALOGUE).info.effects_vary is found
    assert read_info(folder).effects_vary is found


def test_what_is_neither_yes_nor_no_about_effects_is_refused(tmp_path: Path) -> None:
    folder = a_version(tmp_path, "v9", effects_vary="perhaps")
    with pytest.raises(ModelRefused, match="effects_vary is not true or false"):
        load_model(folder, FEATURES, CATALOGUE)


@pytest.mark.parametrize("torn", ['{"time": "20', '{"time": "2026", "kind"', "\x00\x00"])
def test_a_line_that_was_being_written_when_the_machine_stopped_is_told_and_taken_away(
    models: Path, torn: str
) -> None:
    promote(models, "v1", CATALOGUE)
    with (models / "promotions.jsonl").open("a") as file:
        file.write(torn)
    assert torn_record(models) == torn
    assert repr(torn) in command("canary", "--end", models=models).stderr
    assert [one.after for one in read_promotions(models)] == ["v1"]
    promote(models, "v2", CATALOGUE)
    assert [one.after for one in read_promotions(models)] == ["v1", "v2"]
    assert torn_record(models) == ""
    assert rollback(models, CATALOGUE).after == "v1"
    for line in (models / "promotions.jsonl").read_text().splitlines():
        json.loads(line)


def test_a_last_line_without_its_end_is_kept_and_ended(models: Path) -> None:
    promote(models, "v1", CATALOGUE)
    record = models / "promotions.jsonl"
    record.write_text(record.read_text().rstrip("\n"))
    promote(models, "v2", CATALOGUE)
    assert [one.after for one in read_promotions(models)] == ["v1", "v2"]


def test_who_promotes_without_a_name_on_the_machine_is_recorded_by_number(models: Path) -> None:
    # A process of its own, with a user id that no file of users has, as in many containers.
    script = (
        "import os, sys; from pathlib import Path; from tests.builders import ROOT, a_catalogue; "
        "from training.version.versions import promote; os.environ.pop('USER', None); "
        "[os.environ.pop(name, None) for name in ('LOGNAME', 'LNAME', 'USERNAME')]; "
        # Once before, so that all is imported: that user may not read where Python lies.
        "promote(Path(sys.argv[1]), 'v1', a_catalogue()); "
        "os.setuid(54321) if os.getuid() == 0 else sys.exit(0); "
        "print(promote(Path(sys.argv[1]), 'v2', a_catalogue()).by)"
    )
    for folder in (models, *models.parents[:-2]):
        folder.chmod(0o777)
    (models / "promotions.jsonl").touch(0o666)
    (models / "promotions.jsonl").chmod(0o666)
    told = subprocess.run(
        [sys.executable, "-c", script, str(models)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout.strip() in {"uid 54321", ""}


def test_a_canary_is_let_through_as_a_promoted_version_and_recorded(models: Path) -> None:
    a_version(models, "v4", gate=FAILED)
    promote(models, "v1", CATALOGUE)
    with pytest.raises(NotPromoted, match="its gate failed"):
        start_canary(models, "v4", ["a"], CATALOGUE)
    with pytest.raises(NotPromoted, match="number 2 looks like a national identity number"):
        start_canary(models, "v2", ["a", "15507600333"], CATALOGUE)
    assert read_canary(models) is None

    start_canary(models, "v4", ["a", "b", "a"], CATALOGUE, override="tried at two offices")
    assert read_canary(models) == Canary(version="v4", offices=("a", "b"))
    assert [version_for(models, office) for office in ("a", "c", "")] == ["v4", "v1", "v1"]
    told = read_promotions(models)[-1]
    assert (told.kind, told.after, told.offices) == ("canary", "v4", ("a", "b"))
    # A rollback is of what is promoted, and canaries do not count.
    promote(models, "v2", CATALOGUE)
    assert rollback(models, CATALOGUE).after == "v1"


def test_a_canary_ends_by_one_command_and_when_it_is_promoted(models: Path) -> None:
    promote(models, "v1", CATALOGUE)
    with pytest.raises(NotPromoted, match="there is no canary"):
        end_canary(models)
    start_canary(models, "v2", ["a"], CATALOGUE)
    assert end_canary(models).before == "v2"
    assert read_canary(models) is None

    start_canary(models, "v2", ["a"], CATALOGUE)
    promote(models, "v3", CATALOGUE)
    assert version_for(models, "a") == "v2"
    promote(models, "v2", CATALOGUE)
    assert read_canary(models) is None
    # What cannot be read can be ended all the same.
    (models / "canary").write_text("../../etc\n")
    end_canary(models)
    assert read_canary(models) is None


def test_promotions_without_canaries_are_written_as_releases_before_read_them(
    models: Path,
) -> None:
    promote(models, "v1", CATALOGUE)
    (line,) = (models / "promotions.jsonl").read_text().splitlines()
    assert "offices" not in json.loads(line)


@pytest.mark.parametrize("name", ["promotions.jsonl", "v1/gate.json", "v1/manifest.json"])
def test_a_pipe_in_the_place_of_a_file_holds_no_promotion_up(models: Path, name: str) -> None:
    (models / name).unlink(missing_ok=True)
    os.mkfifo(models / name)
    with pytest.raises((NotPromoted, ModelRefused), match="is not a plain file"):
        promote(models, "v1", CATALOGUE)
    assert not (models / "promoted").exists()


def test_behind_a_link_the_pointer_that_it_leads_to_is_written(models: Path) -> None:
    (models / "elsewhere").write_text("v1\n")
    (models / "promoted").symlink_to("elsewhere")
    promote(models, "v2", CATALOGUE)
    assert (models / "promoted").is_symlink()
    assert (models / "elsewhere").read_text() == "v2\n"


LEDGER = 'router_ledger_cases{office="ALL",basis="estimated"} 100'


def shown_by(value: float, low: float, high: float) -> str:
    """Gives a ledger's textfile with the effect of showing the advice."""
    ends = {"value": value, "low": low, "high": high}
    lines = [
        f'router_shown_outcome_ratio{{office="ALL",group="ALL",end="{end}"}} {one}'
        for end, one in ends.items()
    ]
    return "\n".join([LEDGER, *lines, ""])


HARM = shown_by(-0.1, -0.15, -0.05)


@pytest.mark.parametrize("command", [["promote", "good"], ["canary", "good", "--office", "a"]])
def test_with_shown_the_gate_is_asked_anew_and_advice_that_did_harm_is_not_built_on(
    tmp_path: Path, command: list[str]
) -> None:
    folder = a_version(tmp_path, "good", parity={"max_abs_difference": 0.0})
    (folder / "figures.json").write_text(to_json(figures_that_pass()))
    write_manifest(folder, a_manifest("good", parity={"max_abs_difference": 0.0}))
    shown = tmp_path / "ledger.prom"
    asked = [*command, "--models", str(tmp_path), "--policies", str(FOLDER)]

    shown.write_text(HARM)
    refused = CliRunner().invoke(main, [*asked, "--shown", str(shown)])
    assert isinstance(refused.exception, NotPromoted)
    assert "its gate failed: advice_not_harmful (judged anew)" in str(refused.exception)
    assert read_promotions(tmp_path) == ()

    # Above the bound it passes, and where nobody knows it passes with a warning.
    shown.write_text(shown_by(0.1, 0.05, 0.15))
    assert CliRunner().invoke(main, [*asked, "--shown", str(shown)]).exit_code == 0
    shown.write_text(f"{LEDGER}\n")
    unknown = CliRunner().invoke(main, [*asked, "--shown", str(shown)])
    assert "Nobody knows whether showing the advice helps" in unknown.output
    assert read_promotions(tmp_path)[-1].gate == "passed"

    # Whoever takes it on says why, which is kept with what the gate said.
    shown.write_text(HARM)
    why = ["--override", "the harm was an outage"]
    assert CliRunner().invoke(main, [*asked, *why, "--shown", str(shown)]).exit_code == 0
    last = read_promotions(tmp_path)[-1]
    assert (last.override, last.gate) == (
        "the harm was an outage",
        "failed: advice_not_harmful (judged anew)",
    )
