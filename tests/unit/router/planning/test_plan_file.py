"""A caseload from a file and its plan to a file: whole or not at all."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from router.cases.problems import CasesRefused
from router.decision.decision import Status
from router.files.formats import OutRefused
from router.planning.plan import Plan, plan_caseload
from router.planning.plan_file import read_open_cases, write_plan
from tests.builders import PLAIN, a_decider, a_policy

OFFICE = "office-01"


def write(path: Path, count: int = 30, /, **columns: Sequence[object]) -> Path:
    frame: dict[str, Sequence[object]] = {name: [value] * count for name, value in PLAIN.items()}
    frame |= {
        "case_ref": [f"c-{n}" for n in range(count)],
        "weeks_registered": list(range(count)),
    }
    frame |= columns
    if path.suffix == ".csv":
        pl.DataFrame(frame).write_csv(path)
    else:
        pq.write_table(pa.table(frame), path)
    return path


def planned(path: Path, a_case: float = 200.0) -> tuple[Plan, pa.ChunkedArray]:
    found = read_open_cases(path, OFFICE)
    plan = plan_caseload(a_decider(policy=a_policy(OFFICE)), found.rows, a_case * len(found.refs))
    return plan, found.refs


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_each_case_has_its_row_in_the_files_order(tmp_path: Path, suffix: str) -> None:
    shielded = ["NO"] * 29 + ["YES"]
    plan, refs = planned(write(tmp_path / f"cases.{suffix}", shielded=shielded))
    out = tmp_path / f"plan.{suffix}"
    write_plan(plan, refs, out)
    rows = (pl.read_csv(out) if suffix == "csv" else pl.read_parquet(out)).to_dicts()
    assert [row["case_ref"] for row in rows] == [f"c-{n}" for n in range(30)]
    assert sum(row["adviser_minutes"] or 0 for row in rows) == plan.allocation.minutes
    assert sum(row["at_floor"] for row in rows) == plan.at_floor.sum()
    assert {row["mix"] for row in rows[:-1]} <= set(plan.decider.catalogue.ids)
    assert rows[-1] == {
        "case_ref": "c-29",
        "status": "MANUAL_ONLY",
        "mix": None,
        "adviser_minutes": None,
        "at_floor": False,
    }
    assert list(tmp_path.glob(".*")) == []


def test_cases_of_another_office_are_left_out_and_counted_and_those_of_none_are_this_offices(
    tmp_path: Path,
) -> None:
    offices = [OFFICE] * 10 + ["office-02"] * 15 + [None] * 5
    found = read_open_cases(write(tmp_path / "cases.parquet", office_ref=offices), OFFICE)
    assert found.left_out == 15
    assert found.refs.to_pylist() == [f"c-{n}" for n in (*range(10), *range(25, 30))]
    assert len(found.rows) == 15


def test_a_caseload_of_many_batches_is_read_in_order(tmp_path: Path) -> None:
    found = read_open_cases(
        write(tmp_path / "cases.parquet", 40_000, weeks_registered=[3] * 40_000), OFFICE
    )
    assert found.rows.shape[0] == 40_000
    assert found.refs[39_999].as_py() == "c-39999"
    assert found.rows.dtype == np.uint16


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (
            {"weeks_registered": [3] * 29 + [-1]},
            "column weeks_registered: row 30: -1; permitted is 0 to 520",
        ),
        (
            {"case_ref": ["c-1"] * 2 + [f"d-{n}" for n in range(28)]},
            "column case_ref: 'c-1' is there 2 times",
        ),
        ({"office_ref": ["office-02"] * 30}, "has no cases of office-01"),
    ],
)
def test_a_file_that_is_no_caseload_is_refused_by_file_column_and_row(
    tmp_path: Path, columns: dict[str, Sequence[object]], said: str
) -> None:
    path = write(tmp_path / "cases.parquet", **columns)
    with pytest.raises(CasesRefused) as refusal:
        read_open_cases(path, OFFICE)
    assert str(refusal.value).startswith(f"{path}: {said}")


def test_a_plan_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    plan, refs = planned(write(tmp_path / "cases.parquet"))
    with pytest.raises(OutRefused, match=r"there is no folder .*missing"):
        write_plan(plan, refs, tmp_path / "missing" / "plan.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["cases.parquet"]


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_of_withheld_advice_the_file_has_neither_mix_nor_what_the_model_would_add(
    tmp_path: Path, suffix: str
) -> None:
    found = read_open_cases(write(tmp_path / "cases.parquet"), OFFICE)
    unshown = np.arange(30) % 2 == 0
    decider = a_decider(policy=a_policy(OFFICE))
    plan = plan_caseload(decider, found.rows, 6_000.0, unshown)
    plain = decider.decide(found.rows).status == Status.RECOMMENDED
    assert plain.any()
    assert (plan.withheld == (unshown & plain)).all()

    out = tmp_path / f"plan.{suffix}"
    write_plan(plan, found.refs, out)
    rows = (pl.read_csv(out) if suffix == "csv" else pl.read_parquet(out)).to_dicts()
    floors = decider.catalogue.minutes[plan.allocation.hulls.floor]
    for row, held, floor in zip(rows, plan.withheld, floors, strict=True):
        assert (row["status"] == "WITHHELD") == held == (row["mix"] is None)
        if held:
            assert row["adviser_minutes"] == floor
            assert row["at_floor"]
