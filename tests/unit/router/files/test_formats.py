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
        ("cases.csv", "is a file that is read"),
        ("folder.csv/../cases.csv", "is a file that is read"),
        ("link.csv", "is a file that is read"),
        ("hard.csv", "is a file that is read"),
        ("version/tables.csv", "is among the files of a model version, which are never changed"),
        ("months/new.parquet", "or would be read with .*months the next time"),
        ("pipe.csv", "is no regular file"),
        ("loop.csv", "is no place for a file"),
        ("dangling.csv", "there is no folder .*absent"),
        ("n" * 300 + ".csv", "is no place for a file: .*too long"),
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
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    (tmp_path / "dangling.csv").symlink_to(tmp_path / "absent" / "x.csv")
    with pytest.raises(OutRefused, match=f"^out: .*{says}"):
        check_out(tmp_path / name, [cases, tmp_path / "months"])


@pytest.mark.parametrize("out", ["a/old.csv", "a/b/new.csv"])
@pytest.mark.parametrize(
    "pattern",
    ["**/*.csv", "a/**", "*/**/*.csv", "a*", "link/**/*.csv", "link/../a/**/*.csv", "?/**"],
)
@pytest.mark.parametrize("through", ["", "link"])
def test_what_a_pattern_would_take_for_cases_is_never_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str, pattern: str, through: str
) -> None:
    (tmp_path / "here" / "a" / "b").mkdir(parents=True)
    (tmp_path / "here" / "a" / "old.csv").touch()
    (tmp_path / "here" / "link").symlink_to(tmp_path / "here" / "a")
    monkeypatch.chdir(tmp_path / "here")
    place = Path(out.replace("a/", "link/", 1) if through else out)
    for one in (place, place.absolute()):
        for read in (Path(pattern), tmp_path / "here" / pattern):
            with pytest.raises(OutRefused, match="is a file that is read, or would be"):
                check_out(one, [read])
    assert check_out(tmp_path / "new.csv", [Path(pattern)]) is Format.CSV


@pytest.mark.parametrize("folder", ["/proc", "/proc/1"])
def test_a_folder_in_which_nothing_can_be_written_is_told_before_work(folder: str) -> None:
    with pytest.raises(OutRefused, match=f"out: {folder}/x.csv: nothing can be written in"):
        check_out(Path(folder) / "x.csv")


def test_any_other_place_is_good(tmp_path: Path) -> None:
    (tmp_path / "there.csv").touch()
    assert check_out(tmp_path / "there.csv", [tmp_path / "cases.csv"]) is Format.CSV
    assert check_out(tmp_path / "x.parquet") is Format.PARQUET
