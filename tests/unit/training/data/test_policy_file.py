"""Files of a policy of one's own, as pandas and polars write them, and what is said of bad ones."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from router.cases.problems import CasesRefused
from training.data.policy_file import read_policy

REFS = ["c-2", "c-1"]
MIXES = ("LIGHT", "HEAVY")


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
    assert read_policy(path, REFS, MIXES).tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_chances_are_read_and_a_mix_without_a_column_has_none(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path, suffix, case_ref=REFS, HEAVY=[0.25, 1], LIGHT=[0.75, None])
    given = read_policy(path, REFS, MIXES)
    assert np.allclose(given, np.array([[0.75, 0.25], [0.0, 1.0]]))
    path = written(tmp_path, suffix, case_ref=REFS, HEAVY=[1, 1])
    assert read_policy(path, REFS, MIXES).tolist() == [[0, 1], [0, 1]]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"mix": ["LIGHT"]}, "column case_ref is missing"),
        ({"case_ref": REFS, "share": [1, 1]}, "needs a column mix, or columns of chances"),
        ({"case_ref": REFS, "mix": ["LIGHT", "PHONE"]}, "'PHONE' is none of LIGHT, HEAVY; 1 cases"),
        ({"case_ref": ["c-1"], "mix": ["LIGHT"]}, "lacks 1 of the 2 cases to evaluate on"),
        ({"case_ref": ["c-1", "c-1"], "mix": MIXES}, "'c-1' is there more than once"),
        ({"case_ref": REFS, "LIGHT": [0.5, 1]}, "the chances of 'c-2' sum to 0.5"),
        ({"case_ref": REFS, "LIGHT": [-1, 1], "HEAVY": [2, 0]}, "must be 0 or more and sum to 1"),
    ],
)
def test_what_is_no_policy_is_refused_by_its_column_and_case(
    tmp_path: Path, columns: dict[str, Any], says: str
) -> None:
    with pytest.raises(CasesRefused, match=says):
        read_policy(written(tmp_path, **columns), REFS, MIXES)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CasesRefused, match=r"must end with \.parquet or \.csv"):
        read_policy(tmp_path / "mine.xlsx", REFS, MIXES)
    with pytest.raises(CasesRefused, match="cannot be read"):
        read_policy(tmp_path / "absent.csv", REFS, MIXES)
