"""`check`: what a data scientist is told of files before anything is learned."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from router.cases.features import FEATURES
from router.cases.mapping import read_mapping
from router.decision.schema import Role
from tests.plain_language import HARDEST_GRADE, faults, grade
from tests.training_command import command
from tests.unit.training.data.cases_builder import FRAME, ROWS, a_file
from tests.unit.training.report.test_style import Prose
from tests.unit.training.test_command_line import POLICIES

# Without propensities, which take long to check.
LOGGED = FRAME.drop("propensity")


def test_good_files_are_told_column_by_column_and_fit_would_start(tmp_path: Path) -> None:
    cases, page = a_file(tmp_path, LOGGED, synthetic="true"), tmp_path / "check.html"
    told = command("check", cases, "--page", page, *POLICIES)
    assert told.code == 0, told.err + told.out
    assert "yes: fit would start" in told.out
    assert f"cases are read. Left out: {len(FRAME) - len(ROWS)} shielded" in told.out
    for words in ("Unknown, for no column says them: propensity", "weeks_registered", "By month"):
        assert words in told.out
    text = page.read_text(encoding="utf-8")
    assert "Yes: fit would start" in text
    assert "<script" not in text
    told_in_prose = [one for texts in Prose(text).sections.values() for one in texts]
    assert [fault for one in told_in_prose for fault in faults("en", one)] == []
    assert grade(told_in_prose) <= HARDEST_GRADE


def test_files_that_fit_would_refuse_are_shown_all_the_same_with_exit_code_1(
    tmp_path: Path,
) -> None:
    video = pl.col("mix") == "BLENDED_VIDEO"
    early = pl.col("decided_on") < LOGGED["decided_on"].median()
    frame = LOGGED.filter(~(video & early.not_()).fill_null(False))
    told = command("check", a_file(tmp_path, frame), *POLICIES)
    assert told.code == 1
    assert "BLENDED_VIDEO has 0 cases to evaluate on (held out by time); at least 50" in told.out
    assert "By mix" in told.out
    assert "no: fit would not start" in told.out


def test_an_agencys_file_gets_a_draft_of_its_mapping_that_changes_nothing_as_it_is(
    tmp_path: Path,
) -> None:
    frame = LOGGED.rename({"weeks_registered": "weeks_regd", "mix": "tiltak"}).with_columns(
        has_eid=pl.col("has_eid").replace({"YES": "J", "NO": "N"})
    )
    draft = tmp_path / "mapping.toml"
    cases = a_file(tmp_path, frame, "cases.csv")
    told = command("check", cases, "--draft-mapping", draft, *POLICIES)
    assert told.code == 1
    text = draft.read_text(encoding="utf-8")
    guess = '# weeks_registered = "weeks_regd"  # a guess, by the name alone'
    for line in (guess, "[values.has_eid]", '# "J" = ""'):
        assert line in text
    assert '"tiltak"' in text
    assert not read_mapping(draft).columns

    filled = text.replace('# weeks_registered = "weeks_regd"', 'weeks_registered = "weeks_regd"')
    filled = filled.replace('# mix = ""', 'mix = "tiltak"').replace('# "J" = ""', '"J" = "YES"')
    draft.write_text(filled.replace('# "N" = ""', '"N" = "NO"'), encoding="utf-8")
    second = tmp_path / "second.toml"
    told = command("check", cases, "--map", draft, "--draft-mapping", second, *POLICIES)
    assert told.code == 0, told.out
    assert "weeks_regd" in told.out
    # What the first said, the second says too.
    assert replace(read_mapping(second), path=draft) == read_mapping(draft)
    assert second.read_text(encoding="utf-8").count("[values.has_eid]") == 1


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_draft_names_columns_as_spreadsheets_pandas_and_r_write_them(
    tmp_path: Path, separator: str
) -> None:
    names = ("", "Saks nr", "Uker (2-ukers)", "Fått jobb?", "Alder.år", "6 av 12")
    cases, draft = tmp_path / "cases.csv", tmp_path / "mapping.toml"
    lines = (names, ("0", "a", "12", "1", "41", "J"))
    cases.write_text("\n".join(map(separator.join, lines)) + "\n", encoding="utf-8")
    told = command("check", cases, "--draft-mapping", draft, *POLICIES)
    assert "column case_ref: is missing" in told.out
    text = draft.read_text(encoding="utf-8")
    assert all(f'"{name}"' in text for name in names[1:])


def test_fields_that_are_never_known_are_something_to_look_at(tmp_path: Path) -> None:
    cases, page = a_file(tmp_path, LOGGED.drop("has_eid", "age_band")), tmp_path / "check.html"
    told = command("check", cases, "--page", page, *POLICIES)
    says = "fields are unknown in all cases: age_band, has_eid"
    assert f"look at: 2 of {len(FEATURES.features)} {says}" in told.out
    assert says in page.read_text(encoding="utf-8")


def test_without_days_nothing_is_said_to_be_earlier_or_later(tmp_path: Path) -> None:
    cases, page = a_file(tmp_path, LOGGED.drop("decided_on")), tmp_path / "check.html"
    told = command("check", cases, "--page", page, *POLICIES)
    assert "Held out for evaluation: three tenths of the cases, drawn at random." in told.out
    text = page.read_text(encoding="utf-8")
    assert "unknown, to evaluate on" in text
    assert "earlier" not in text
    assert "earlier" not in told.out


def test_where_no_version_could_pass_the_gate_that_is_said_with_why_and_what_to_do(
    tmp_path: Path,
) -> None:
    model = [FEATURES.features[column].name for column in FEATURES.columns(Role.MODEL)]
    kept = ("need_group", "digital_skill", "self_assessed_need", "channel_preference")
    frame = LOGGED.drop(name for name in model if name not in kept)
    page = tmp_path / "check.html"
    told = command("check", a_file(tmp_path, frame), "--page", page, *POLICIES)
    assert told.code == 0, told.out
    assert "yes: fit would start" in told.out
    assert "no: the gate cannot pass what is fitted on these files" in told.out
    text = page.read_text(encoding="utf-8")
    assert "No: the gate cannot pass with these files" in text
    for words in ("abstention", "too much is unknown in 100.0%", "never known: age_band", "40%"):
        assert words in " ".join(told.out.split()) or words in text
        assert words in text
    told_in_prose = [one for texts in Prose(text).sections.values() for one in texts]
    assert [fault for one in told_in_prose for fault in faults("en", one)] == []


def test_too_few_held_out_cases_for_the_gate_are_said_before_a_fit(tmp_path: Path) -> None:
    told = command("check", a_file(tmp_path, LOGGED), *POLICIES)
    assert told.code == 0, told.out
    assert "no: the gate cannot pass" in told.out
    assert "held_out_cases" in told.out.partition("The gate cannot pass")[2]


def test_codes_of_mixes_are_drafted_too(tmp_path: Path) -> None:
    frame = LOGGED.with_columns(mix=pl.col("mix").replace({"SELF_SERVICE": "S1"}))
    draft = tmp_path / "mapping.toml"
    command("check", a_file(tmp_path, frame), "--draft-mapping", draft, *POLICIES)
    text = draft.read_text(encoding="utf-8")
    assert "[values.mix]\n# one of " in text
    assert '# "S1" = ""' in text


@pytest.mark.parametrize(
    ("kept", "says"),
    [
        (0, "BLENDED_VIDEO: no case to learn its value; it is not scored\n"),
        (7, "BLENDED_VIDEO: 7 cases, too few to learn its value; it is not scored, and these"),
    ],
)
def test_a_mix_with_few_cases_or_none_is_told(tmp_path: Path, kept: int, says: str) -> None:
    few = pl.col("mix") == "BLENDED_VIDEO"
    frame = pl.concat([LOGGED.filter(~few), LOGGED.filter(few).head(kept)])
    told = command("check", a_file(tmp_path, frame), *POLICIES)
    assert says in told.out + told.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("absent.csv",), "there is no such file or folder"),
        (("absent.csv", "--page", "check.txt"), "page: check.txt must end with .html"),
        (("absent.csv", "--map", "absent.toml"), "absent.toml"),
        (("absent.csv", "--draft-mapping", "absent/m.toml"), "there is no folder absent"),
    ],
)
def test_what_cannot_be_checked_is_one_clear_line(words: tuple[str, ...], says: str) -> None:
    assert command("check", *words, *POLICIES).refused(says)
