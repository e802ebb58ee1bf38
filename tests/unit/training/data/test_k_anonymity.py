"""Exported training files single nobody out by what others may know of a person."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from tests.unit.training.data.cases_builder import FRAME
from training.data.k_anonymity import (
    BANDS,
    QUASI_IDENTIFIERS,
    NotAnonymous,
    export_cases,
    groups_of,
)


def some_cases(ages: Sequence[str | None], **columns: pl.Series) -> pl.DataFrame:
    count = len(ages)
    frame = pl.DataFrame(
        {"case_ref": [f"c{n}" for n in range(count)], "age_band": pl.Series(ages, dtype=pl.String)}
    )
    return frame.with_columns(shielded=pl.lit("NO"), outcome=pl.lit(1)).with_columns(**columns)


def sizes(*cases: pl.DataFrame) -> list[int]:
    return sorted(groups_of(cases)["cases"])


def test_cases_that_share_their_quasi_identifiers_are_counted_over_all_parts() -> None:
    cases = some_cases(["18_24"] * 5 + ["OVER_66"] * 4)
    assert sizes(cases) == [4, 5]
    # More parts than are kept before they are summed.
    assert sizes(*[cases] * 100) == [400, 500]


def test_unknown_is_a_value_like_any_other() -> None:
    assert sizes(some_cases(["18_24"] * 5 + [None] * 3)) == [3, 5]


def test_without_quasi_identifiers_all_cases_are_alike() -> None:
    assert sizes(pl.DataFrame({"outcome": [1, 0]})) == [2]
    assert sum(sizes(FRAME[:0])) == 0


def test_k_is_two_at_least(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="k: 1 is below 2"):
        export_cases([FRAME], tmp_path / "out.parquet", k=1)


@pytest.mark.parametrize("k", [5, 20])
@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_what_is_exported_is_k_anonymous_and_what_is_not_is_counted(
    tmp_path: Path, k: int, suffix: str
) -> None:
    out = tmp_path / f"out.{suffix}"
    # In parts: who is rare is told of the whole file.
    exported = export_cases([FRAME[:1000], FRAME[1000:]], out, k)
    written = pl.read_parquet(out) if suffix == "parquet" else pl.read_csv(out)
    shared = written.group_by([name for name in QUASI_IDENTIFIERS if name in written.columns]).len()
    assert shared["len"].to_numpy().min() >= k
    assert exported.rows == len(written)
    assert exported.shielded == (FRAME["shielded"] == "YES").sum()
    assert exported.rows + exported.suppressed + exported.shielded == len(FRAME)
    assert f"{exported.suppressed} suppressed" in str(exported)
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_no_more_is_suppressed_than_must_be(tmp_path: Path) -> None:
    cases = some_cases(["18_24"] * 5 + ["OVER_66"] * 4 + ["30_39"] * 9)
    exported = export_cases([cases], tmp_path / "out.parquet")
    assert (exported.rows, exported.suppressed) == (14, 4)
    assert exported.hardest == ("age_band", "OVER_66", 1.0)
    assert str(exported).endswith("hit hardest: age_band OVER_66, 100% of its cases")


def of_offices(*offices: str | None) -> pl.DataFrame:
    return some_cases(["18_24"] * len(offices), office_ref=pl.Series(offices, dtype=pl.String))


def test_offices_become_bands_by_size(tmp_path: Path) -> None:
    offices = [f"office-{n}" for n in range(9) for _ in range(n + 1)]
    cases, out = of_offices(*offices, *[None] * 2), tmp_path / "out.parquet"
    export_cases([cases[:30], cases[30:]], out, 2)
    found = pl.read_parquet(out)["office_ref"].to_list()
    assert found == [BANDS[0]] * 6 + [BANDS[1]] * 15 + [BANDS[2]] * 24 + [None] * 2


def test_few_offices_become_one(tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    export_cases([of_offices("a", "b", "c", None, None)], out, 2)
    assert pl.read_parquet(out)["office_ref"].to_list() == ["office-any"] * 3 + [None] * 2


def test_days_become_mondays(tmp_path: Path) -> None:
    cases = some_cases(
        ["18_24"] * 5, decided_on=pl.Series([date(2026, 11, day) for day in (23, 24, 25, 29, 30)])
    )
    export_cases([cases], tmp_path / "out.parquet")
    days = pl.read_parquet(tmp_path / "out.parquet")["decided_on"].to_list()
    assert days == [date(2026, 11, 23)] * 4 + [date(2026, 11, 30)]


def test_a_file_that_would_be_empty_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(NotAnonymous, match="of 4 cases none is in a group of at least 5"):
        export_cases([some_cases(["18_24"] * 4)], tmp_path / "out.parquet")
    with pytest.raises(ValueError, match=r"must end with \.parquet or \.csv"):
        export_cases([FRAME], tmp_path / "out.xlsx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_many_cases_stay_in_order_whatever_parts_they_come_in(tmp_path: Path, suffix: str) -> None:
    count, part = 300_000, 70_001
    cases = some_cases(["18_24"] * count).with_row_index("age")
    parts = [cases[start : start + part] for start in range(0, count, part)]
    out = tmp_path / f"out.{suffix}"
    assert export_cases(parts, out).rows == count
    found = pl.read_parquet(out) if suffix == "parquet" else pl.read_csv(out)
    assert found["case_ref"].equals(cases["case_ref"])
    assert found["age"].to_list() == list(range(count))
    if suffix == "parquet":
        # Whoever reads it need not hold all of it at once either.
        assert pq.ParquetFile(out).num_row_groups == 3
