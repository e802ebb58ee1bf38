"""Where tables may be written."""

import os
from pathlib import Path

import pytest

from router.files.formats import Format, OutRefused, check_out


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("x.CSV", "must end with .parquet or .csv, in small letters"),
        ("x.xlsx", "must end with .parquet or .csv"),
        ("x.csv.gz", "must end with .parquet or .csv"),
        ("x", "must end with .parquet or .csv"),
        ("folder.csv", "is a folder; give the name of a file"),
        ("absent/x.csv", "there is no folder"),
        ("cases.csv", "is one of the files that are read"),
        ("folder.csv/../cases.csv", "is one of the files that are read"),
        ("link.csv", "is one of the files that are read"),
        ("hard.csv", "is the same file as"),
        ("version/tables.csv", "is among the files of a model version, which are never changed"),
        ("months/new.parquet", "is one of the files that are read, or among them"),
    ],
)
def test_what_cannot_be_written_or_would_overwrite_an_input_is_refused(
    tmp_path: Path, name: str, says: str
) -> None:
    cases = tmp_path / "cases.csv"
    cases.touch()
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "months").mkdir()
    (tmp_path / "version").mkdir()
    (tmp_path / "version" / "manifest.json").touch()
    (tmp_path / "link.csv").symlink_to(cases)
    os.link(cases, tmp_path / "hard.csv")
    with pytest.raises(OutRefused, match=f"^out: .*{says}"):
        check_out(tmp_path / name, [cases, tmp_path / "months"])


def test_a_pattern_does_not_take_its_own_results_for_cases(tmp_path: Path) -> None:
    with pytest.raises(OutRefused, match="among them"):
        check_out(tmp_path / "b.csv", [tmp_path / "*.csv"])


def test_any_other_place_is_good(tmp_path: Path) -> None:
    (tmp_path / "there.csv").touch()
    assert check_out(tmp_path / "there.csv", [tmp_path / "cases.csv"]) is Format.CSV
    assert check_out(tmp_path / "x.parquet") is Format.PARQUET
