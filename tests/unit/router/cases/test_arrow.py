"""Cases as Arrow batches: slots of each row, or a refusal that names column, row and bound."""

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from router.cases.arrow import cells_of, read_batches, read_rows, write_batches
from router.cases.assumed import Assumed
from router.cases.features import FEATURES
from router.cases.problems import CasesRefused
from tests.builders import PLAIN, a_row

NATIONAL_ID = "01017012345"
COUNT = 4


def a_batch(**columns: pa.Array) -> pa.RecordBatch:
    """Gives plain cases with some columns changed."""
    plain = {name: pa.array([value] * COUNT) for name, value in PLAIN.items()}
    refs = {"case_ref": pa.array([f"c-{number}" for number in range(COUNT)])}
    return pa.RecordBatch.from_pydict(refs | plain | columns)


def refusal(**columns: pa.Array) -> str:
    with pytest.raises(CasesRefused) as refused:
        read_rows(cells_of(a_batch(**columns), 100))
    return str(refused.value)


def test_rows_are_those_of_the_values_and_an_absent_column_or_a_null_is_unknown() -> None:
    batch = a_batch(
        weeks_registered=pa.array([1, None, 3, 4], pa.int8()),
        age_band=pa.array(["18_24", None, "30_39", "30_39"]).dictionary_encode(),
        has_eid=pa.nulls(COUNT),
    ).drop_columns(["main_goal"])
    rows = read_rows(cells_of(batch, 0)).rows
    assert rows.dtype == np.uint16
    unknown: dict[str, str | int | None] = {"has_eid": None, "main_goal": None}
    assert rows.tolist() == [
        a_row(**unknown, weeks_registered=1, age_band="18_24").tolist(),
        a_row(**unknown, weeks_registered=None, age_band=None).tolist(),
        a_row(**unknown, weeks_registered=3).tolist(),
        a_row(**unknown, weeks_registered=4).tolist(),
    ]


def test_of_a_dictionary_the_entries_that_cases_have_are_read_and_told_with_their_rows() -> None:
    entries = pa.array(["18_24", "of another file", None])
    fine = pa.DictionaryArray.from_arrays(pa.array([0, None, 2, 0]), entries)
    rows = read_rows(cells_of(a_batch(age_band=fine), 0)).rows
    slot = FEATURES["age_band"].slot("18_24")
    assert rows[:, FEATURES.column("age_band")].tolist() == [slot, 0, 0, slot]

    bad = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0, 1]), entries)
    told = refusal(age_band=bad)
    assert told == refusal(age_band=bad.dictionary_decode())
    assert "of another file" in told


def test_nothing_of_a_shielded_case_is_kept_but_the_fact() -> None:
    rows = read_rows(cells_of(a_batch(shielded=pa.array(["NO", "YES", None, "NO"])), 0)).rows
    shielded = FEATURES["shielded"]
    assert rows[1].sum() == shielded.slot("YES")
    assert rows[2].sum() == 0
    assert rows[3].tolist() == a_row().tolist()


@pytest.mark.parametrize(
    ("column", "values", "says"),
    [
        ("weeks_registered", [1, -3, 2, -1], "row 102: -3, row 104: -1; permitted is 0 to 520"),
        ("plan_user_created_percent", [1, 101, 2, 3], "row 102: 101; permitted is 0 to 100"),
        ("weeks_registered", [1.5, 2.0, None, 3.0], "row 101: 1.5; permitted is 0 to 520 weeks"),
        ("weeks_registered", [1.5, -2.0, 2.5, 3.0], "row 101: 1.5, row 103: 2.5; permitted is 0"),
        ("weeks_registered", [1.5, -2.0, 2.5, 3.0], "or more; whole numbers alone"),
        ("weeks_registered", [1.5, -2.0, 2.5, 3.0], "row 102: -2.0; permitted is 0 to 520"),
        ("weeks_registered", [math.inf, 2.0, None, 3.0], "row 101: inf; permitted is 0 to 520"),
        ("weeks_registered", [True] * COUNT, "has type bool; permitted is whole numbers, 0 to"),
        ("age_band", ["OLD"] * COUNT, "row 101: 'OLD', row 102: 'OLD'"),
        ("age_band", [1] * COUNT, "has type int64; permitted is one of 18_24"),
        (
            "case_ref",
            ["a", "b", None, "d"],
            "rows 103: no reference; needed is one of 1 to 64 char",
        ),
        (
            "case_ref",
            ["a", "x" * 65, "c", "d"],
            "rows 102: a reference that has more than 64 characters",
        ),
        ("case_ref", ["a", "b\x07", "c", "d"], "rows 102: a reference that has control"),
        ("case_ref", ["a", "b", "=1+1", "d "], "rows 103, 104: a reference that has a character"),
        ("shoe_size", [42] * COUNT, "columns shoe_size: are not fields of a case"),
    ],
)
def test_a_column_that_is_not_as_it_must_be_is_named_with_rows_and_bound(
    column: str, values: list[object], says: str
) -> None:
    assert says in refusal(**{column: pa.array(values)})


def test_of_many_bad_rows_few_are_shown() -> None:
    numbers = pa.array([-600 - number for number in range(9)])
    batch = pa.RecordBatch.from_pydict(
        {"case_ref": pa.array([f"c-{number}" for number in range(9)]), "weeks_registered": numbers}
    )
    with pytest.raises(CasesRefused, match="row 5: -604 and 4 more; permitted is 0 to 520 weeks"):
        read_rows(cells_of(batch, 0))


@pytest.mark.parametrize(
    "kind", [pa.int16(), pa.int32(), pa.int64(), pa.uint16(), pa.uint32(), pa.uint64()], ids=str
)
def test_a_number_above_the_highest_told_apart_is_read_as_that(kind: pa.DataType) -> None:
    most = 2 ** (kind.bit_width - str(kind).startswith("int")) - 1
    rows = read_rows(
        cells_of(a_batch(weeks_registered=pa.array([520, 521, most, None], kind)), 0)
    ).rows
    top, unknown = a_row(weeks_registered=520).tolist(), a_row(weeks_registered=None).tolist()
    assert rows.tolist() == [top, top, top, unknown]


@pytest.mark.parametrize("column", ["case_ref", "office_ref", "age_band"])
@pytest.mark.parametrize(
    "text", [NATIONAL_ID, "010170\x0b12345", "０１０１７０１２３４５"], ids=ascii
)
def test_a_national_identity_number_is_refused_however_disguised_and_not_repeated(
    column: str, text: str
) -> None:
    message = refusal(**{column: pa.array(["a", "b", text, "d"])})
    assert f"column {column}: row" in message
    assert "103" in message
    assert "national identity number" in message
    assert text not in message


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_what_is_written_is_read_again(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cases.{suffix}"
    assert write_batches([a_batch(), a_batch()], path) == 2 * COUNT
    rows = np.concatenate([read_rows(cells).rows for cells in read_batches(path, Assumed())])
    assert rows.tolist() == [a_row().tolist()] * (2 * COUNT)
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_nothing_is_written_of_no_batches(tmp_path: Path) -> None:
    with pytest.raises(CasesRefused, match="has no cases"):
        write_batches([], tmp_path / "cases.csv")
    assert not list(tmp_path.iterdir())
