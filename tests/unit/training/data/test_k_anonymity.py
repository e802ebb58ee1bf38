"""Exported training files single nobody out by what others may know of a person."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from tests.unit.training.data.cases_builder import FRAME
from training.data.k_anonymity import (
    BANDS,
    QUASI_IDENTIFIERS,
    NotAnonymous,
    check,
    coarsen_offices,
    export_cases,
)


def some_cases(ages: Sequence[str | None], **columns: pl.Series) -> pl.DataFrame:
    count = len(ages)
    frame = pl.DataFrame(
        {"case_ref": [f"c{n}" for n in range(count)], "age_band": pl.Series(ages, dtype=pl.String)}
    )
    return frame.with_columns(shielded=pl.lit("NO"), outcome=pl.lit(1)).with_columns(**columns)


def test_groups_under_k_are_found() -> None:
    found = check(some_cases(["18_24"] * 5 + ["OVER_66"] * 4))
    assert (found.smallest, found.groups) == (4, 2)
    assert found.under.to_list() == [False] * 5 + [True] * 4


def test_unknown_is_a_value_like_any_other() -> None:
    found = check(some_cases(["18_24"] * 5 + [None] * 3))
    assert (found.smallest, found.groups, found.under.sum()) == (3, 2, 3)


def test_too_few_cases_are_under_k_whatever_their_columns() -> None:
    assert check(pl.DataFrame({"outcome": [1, 0]})).under.all()
    assert check(FRAME[:0]).smallest == 0
    with pytest.raises(ValueError, match="k: 1 is below 2"):
        check(FRAME, k=1)


@pytest.mark.parametrize("k", [5, 20])
@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_what_is_exported_is_k_anonymous_and_what_is_not_is_counted(
    tmp_path: Path, k: int, suffix: str
) -> None:
    out = tmp_path / f"out.{suffix}"
    exported = export_cases(FRAME, out, k)
    written = pl.read_parquet(out) if suffix == "parquet" else pl.read_csv(out)
    sizes = written.group_by([name for name in QUASI_IDENTIFIERS if name in written.columns]).len()[
        "len"
    ]
    assert sizes.to_numpy().min() >= k
    assert check(written, k=k).smallest == sizes.min()
    assert exported.rows == len(written)
    assert exported.shielded == (FRAME["shielded"] == "YES").sum()
    assert exported.rows + exported.suppressed + exported.shielded == len(FRAME)
    assert f"{exported.suppressed} suppressed" in str(exported)
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_no_more_is_suppressed_than_must_be(tmp_path: Path) -> None:
    cases = some_cases(["18_24"] * 5 + ["OVER_66"] * 4 + ["30_39"] * 9)
    exported = export_cases(cases, tmp_path / "out.parquet")
    assert (exported.rows, exported.suppressed) == (14, 4)
    assert exported.hardest == ("age_band", "OVER_66", 1.0)
    assert str(exported).endswith("hit hardest: age_band OVER_66, 100% of its cases")


def test_offices_become_bands_by_size() -> None:
    offices = [f"office-{n}" for n in range(9) for _ in range(n + 1)]
    found = coarsen_offices(pl.DataFrame({"office_ref": [*offices, None]}))["office_ref"]
    assert found.to_list() == [BANDS[0]] * 6 + [BANDS[1]] * 15 + [BANDS[2]] * 24 + [None]


def test_few_offices_become_one() -> None:
    found = coarsen_offices(pl.DataFrame({"office_ref": ["a", "b", "c", None]}))["office_ref"]
    assert found.to_list() == ["office-any"] * 3 + [None]


def test_days_become_mondays(tmp_path: Path) -> None:
    cases = some_cases(
        ["18_24"] * 5, decided_on=pl.Series([date(2026, 11, day) for day in (23, 24, 25, 29, 30)])
    )
    export_cases(cases, tmp_path / "out.parquet")
    days = pl.read_parquet(tmp_path / "out.parquet")["decided_on"].to_list()
    assert days == [date(2026, 11, 23)] * 4 + [date(2026, 11, 30)]


def test_a_file_that_would_be_empty_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(NotAnonymous, match="of 4 cases none is in a group of at least 5"):
        export_cases(some_cases(["18_24"] * 4), tmp_path / "out.parquet")
    with pytest.raises(ValueError, match=r"must end with \.parquet or \.csv"):
        export_cases(FRAME, tmp_path / "out.xlsx")
    assert not list(tmp_path.iterdir())
