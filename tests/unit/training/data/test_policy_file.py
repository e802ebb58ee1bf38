"""Files of a policy of one's own, as pandas and polars write them, and what is said of bad ones."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from router.cases.assumed import Assumed
from router.cases.mapping import AS_IS, FileMapping
from router.cases.problems import CasesRefused
from training.data.policy_file import read_policy

REFS = ["c-2", "c-1"]
MIXES = ("LIGHT", "HEAVY")


def given(path: Path, mapping: FileMapping = AS_IS) -> Any:
    return read_policy(path, MIXES, mapping).of(REFS, MIXES)


def written(folder: Path, suffix: str = "csv", **columns: Any) -> Path:
    path = folder / f"mine.{suffix}"
    frame = pl.DataFrame(columns)
    if suffix == "csv":
        frame.write_csv(path)
    else:
        frame.to_pandas().to_parquet(path)
    return path


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_mixes_are_read_in_the_order_of_the_cases(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path, suffix, case_ref=["c-1", "c-2", "x"], mix=["HEAVY", "LIGHT", "HEAVY"])
    assert given(path).tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_chances_are_read_and_a_mix_without_a_column_has_none(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path, suffix, case_ref=REFS, HEAVY=[0.25, 1], LIGHT=[0.75, None])
    assert np.allclose(given(path), np.array([[0.75, 0.25], [0.0, 1.0]]))
    path = written(tmp_path, suffix, case_ref=REFS, HEAVY=[1, 1])
    assert given(path).tolist() == [[0, 1], [0, 1]]


@pytest.mark.parametrize(
    "text",
    [
        "Case_Ref;mix\nc-1;heavy\nc-2;LIGHT \n",
        "case_ref;LIGHT;HEAVY\nc-1;0,0;1,0\nc-2;1;0\n",
        "case_ref,LIGHT,HEAVY,my note\nc-1,NA,1,x\nc-2,1,,\n",
    ],
)
def test_it_is_read_as_files_of_cases_are(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.CSV").write_text(text, encoding="utf-16")
    assert given(tmp_path / "mine.CSV").tolist() == [[1, 0], [0, 1]]


def test_parts_that_say_nothing_are_noted(tmp_path: Path) -> None:
    written(tmp_path, case_ref=REFS, mix=["LIGHT", "HEAVY"])
    (tmp_path / "names.csv").write_text("case_ref,mix")
    (tmp_path / "nothing.csv").touch()
    policy = read_policy(tmp_path, MIXES, AS_IS, assumed := Assumed())
    assert policy.of(REFS, MIXES).tolist() == [[1, 0], [0, 1]]
    assert "files hold no case (2 files)" in assumed.lines()


def test_codes_that_a_mapping_explains_are_mixes(tmp_path: Path) -> None:
    mapping = FileMapping(
        columns={"tiltak": "mix", "saksnr": "case_ref", "uker": "weeks_registered"},
        values={"mix": {"L": "LIGHT", "H": "HEAVY"}},
    )
    # By the agency's names, or the contract's, or of each one.
    for ref, mix in (("saksnr", "tiltak"), ("case_ref", "mix"), ("case_ref", "tiltak")):
        columns: dict[str, Any] = {ref: REFS, mix: ["L", "HEAVY"]}
        path = written(tmp_path, **columns)
        assert given(path, mapping).tolist() == [[1, 0], [0, 1]]
    path = written(tmp_path, saksnr=REFS, HEAVY=[False, True], LIGHT=[True, False])
    assert given(path, mapping).tolist() == [[1, 0], [0, 1]]


def test_one_hot_columns_of_true_and_false_are_chances(tmp_path: Path) -> None:
    path = written(tmp_path, "parquet", case_ref=REFS, HEAVY=[False, True], LIGHT=[True, False])
    assert given(path).tolist() == [[1, 0], [0, 1]]


def test_a_mix_that_cannot_be_measured_is_refused_where_it_is_given(tmp_path: Path) -> None:
    path = written(tmp_path, case_ref=[*REFS, "other"], mix=["LIGHT", "LIGHT", "HEAVY"])
    assert read_policy(path, MIXES).of(REFS, ("LIGHT",)).tolist() == [[1], [1]]
    path = written(tmp_path, case_ref=REFS, mix=MIXES)
    with pytest.raises(CasesRefused, match=r"gives HEAVY to 1 cases, and too few cases were log"):
        read_policy(path, MIXES).of(REFS, ("LIGHT",))


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"mix": ["LIGHT"]}, "column case_ref: is missing"),
        ({"case_ref": REFS, "share": [1, 1]}, "needs a column mix, or columns of chances"),
        ({"case_ref": REFS, "mix": ["LIGHT", "PHONE"]}, "row 2: 'PHONE'; permitted is one of"),
        ({"case_ref": REFS, "mix": ["LIGHT", None]}, "says nothing of 1 of the 2 cases"),
        ({"case_ref": ["c-1"], "mix": ["LIGHT"]}, "says nothing of 1 of the 2 cases"),
        ({"case_ref": ["c-1", None], "mix": MIXES}, "rows 2: have no case_ref"),
        ({"case_ref": ["c-1", "c-1"], "mix": MIXES}, "rows 2: are of a case that was there before"),
        ({"case_ref": REFS, "LIGHT": [0.5, 1]}, "rows 1: have chances that do not sum to 1"),
        (
            {"case_ref": REFS, "LIGHT": [0.333, 1], "HEAVY": [0.666, 0]},
            "(within 0.000001), but to 0.999 in the first of these; write more digits",
        ),
        ({"case_ref": REFS, "LIGHT": ["oops", "1"]}, "column LIGHT: row 1: 'oops'; permitted is 0"),
        ({"case_ref": REFS, "LIGHT": [-1, 1], "HEAVY": [2, 0]}, "column LIGHT: row 1: "),
        ({"case_ref": REFS, "mix": MIXES, "LIGHT": [1, 0]}, "and so are chances"),
        ({"case_ref": REFS, "LIGHT": [1, 0], "HEAVYY": [0, 1]}, "did you mean HEAVY"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_what_is_no_policy_is_refused_by_its_column_and_rows(
    tmp_path: Path, columns: dict[str, Any], says: str, suffix: str
) -> None:
    with pytest.raises(CasesRefused, match=re.escape(says)):
        given(written(tmp_path, suffix, **columns))


def test_a_column_of_lists_and_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CasesRefused, match="has type list"):
        given(written(tmp_path, "parquet", case_ref=[["c"], ["d"]], mix=MIXES))
    (tmp_path / "mine.xlsx").write_bytes(b"PK")
    with pytest.raises(CasesRefused, match=r"must end with .*save the sheet as CSV"):
        given(tmp_path / "mine.xlsx")
    with pytest.raises(CasesRefused, match="there is no such file"):
        given(tmp_path / "absent.csv")
