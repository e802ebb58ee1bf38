"""Logged cases that are refused: every problem with file, column, row and bound."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.policies_of_six import CATALOGUE
from tests.unit.training.data.cases_builder import (
    FRAME,
    NATIONAL_ID,
    ROWS,
    a_file,
    in_rows,
    refusal,
)
from training.data.dataset import read_cases, scored


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        (
            "weeks_registered",
            -1,
            "column weeks_registered: row {row}: -1; permitted is 0 to 520 weeks",
        ),
        ("age_band", "OLD", "column age_band: row {row}: 'OLD'; permitted is one of 18_24"),
        ("mix", "CHAT", "column mix: row {row}: 'CHAT'; permitted is one of SELF_SERVICE"),
        ("mix", None, "column mix: row {row}: empty"),
        ("outcome", 2, "column outcome: row {row}: 2; permitted is 0 to 1"),
        ("outcome", None, "column outcome: row {row}: empty"),
        (
            "propensity",
            0.0,
            "column propensity: row {row}: 0.0; permitted is 0.000001 to 1",
        ),
        ("propensity", 1.5, "column propensity: row {row}: 1.5"),
        ("propensity", None, "column propensity: rows {row}: are unknown while others are known"),
        (
            "adviser_minutes",
            -1,
            "column adviser_minutes: row {row}: -1; permitted is 0 to 10000 minutes",
        ),
        ("adviser_minutes", 10_001, "column adviser_minutes: row {row}: 10001"),
        (
            "decided_on",
            date(1999, 12, 31),
            "column decided_on: row {row}: datetime.date(1999, 12, 31); permitted is a date",
        ),
        ("decided_on", None, "column decided_on: rows {row}: are unknown while others are known"),
        (
            "case_ref",
            "x" * 65,
            "column case_ref: rows {row}: a reference that has more than 64 characters; use a",
        ),
        ("case_ref", None, "column case_ref: row {row}: empty"),
        ("office_ref", "x" * 65, "column office_ref: rows {row}: a reference that has more"),
        ("case_ref", "a\x07b", "column case_ref: rows {row}: a reference that has control"),
        ("case_ref", "=1+1", "column case_ref: rows {row}: a reference that has a character"),
    ],
)
def test_a_bad_cell_is_named_by_file_column_row_and_bound(
    tmp_path: Path, column: str, value: object, says: str
) -> None:
    row = ROWS[2999]
    assert f"cases.parquet: {says.format(row=row)}" in refusal(
        a_file(tmp_path, in_rows(column, {row: value}))
    )


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("weeks_registered", "3.5"),
        ("outcome", "yes"),
        ("decided_on", "24/12/2024"),
        ("decided_on", "31.02.2024"),
        ("propensity", "-"),
        ("mix", ""),
    ],
)
def test_a_cell_of_a_csv_that_cannot_be_read_is_named_too(
    tmp_path: Path, column: str, value: str
) -> None:
    frame = in_rows(column, {ROWS[0]: value}, FRAME.with_columns(pl.col(column).cast(pl.String)))
    assert f"column {column}: row {ROWS[0]}: {repr(value) if value else 'empty'}" in refusal(
        a_file(tmp_path, frame, "cases.csv")
    )


@pytest.mark.parametrize(
    ("column", "kind"),
    [("weeks_registered", "bool"), ("outcome", "large_list"), ("office_ref", "large_binary")],
)
def test_a_column_of_the_wrong_type_is_named_once(tmp_path: Path, column: str, kind: str) -> None:
    values = {
        "bool": pl.col(column) > 3,
        "large_list": pl.concat_list(column),
        "large_binary": pl.col(column).cast(pl.String).cast(pl.Binary),
    }
    message = refusal(a_file(tmp_path, FRAME.with_columns(values[kind].alias(column))))
    assert message.startswith(f"{tmp_path / 'cases.parquet'}: column {column}: has type {kind}")
    assert message.count("\n") == 0


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    one = in_rows("weeks_registered", {row: -row for row in range(1, 8)})
    message = refusal(
        a_file(tmp_path, one[:2000].rename({"unread_messages": "unread_mesages"}), "a.csv"),
        a_file(tmp_path, in_rows("age_band", {2001: "OLD"})[2000:].drop("outcome"), "b.parquet"),
    )
    told = "a.csv: column unread_mesages: is not a field of a case; did you mean unread_messages?"
    assert told in message
    assert "a.csv: column weeks_registered: row 1: '-1'" in message
    assert "and 2 more; permitted is 0 to 520 weeks" in message
    assert "b.parquet: column outcome: is missing" in message
    assert "b.parquet: column age_band: row 1: 'OLD'" in message


def test_the_same_case_twice_is_refused_with_both_files_and_rows(tmp_path: Path) -> None:
    frame = in_rows("case_ref", {ROWS[-1]: FRAME["case_ref"][ROWS[0] - 1]})
    message = refusal(
        a_file(tmp_path, frame[:2000], "a.parquet"), a_file(tmp_path, frame[2000:], "b.parquet")
    )
    assert f"a.parquet row {ROWS[0]}" in message
    assert f"b.parquet row {ROWS[-1] - 2000}" in message


@pytest.mark.parametrize("column", ["case_ref", "office_ref", "age_band"])
@pytest.mark.parametrize("text", [NATIONAL_ID, "010170 12345", "０１０１７０１２３４５"])
def test_a_national_identity_number_is_refused_and_not_repeated(
    tmp_path: Path, column: str, text: str
) -> None:
    message = refusal(a_file(tmp_path, in_rows(column, {ROWS[3]: text})))
    assert f"column {column}" in message
    assert "national identity number" in message
    assert str(ROWS[3]) in message
    assert text not in message


def test_cases_of_a_single_mix_are_refused(tmp_path: Path) -> None:
    frame = FRAME.filter((pl.col("mix") == "DIALOGUE_AND_PHONE").fill_null(True))
    assert "column mix: BLENDED_VIDEO has 0 cases; at least 200 are needed" in refusal(
        a_file(tmp_path, frame)
    )


def test_a_mix_with_few_cases_is_left_out_with_them_and_the_others_are_numbered_anew(
    tmp_path: Path,
) -> None:
    rare = (pl.col("mix") == "BLENDED_VIDEO").fill_null(False)
    frame = pl.concat([FRAME.filter(~rare), FRAME.filter(rare).head(20)])
    read = read_cases([a_file(tmp_path, frame)], CATALOGUE)
    cases, catalogue, few = scored(read, CATALOGUE)
    assert set(few) == {"BLENDED_VIDEO"} == set(CATALOGUE.ids) - set(catalogue.ids)
    assert len(read.mix) - len(cases.mix) == few["BLENDED_VIDEO"] <= 20
    before = {CATALOGUE.ids[number]: count for number, count in enumerate(np.bincount(read.mix))}
    after = {catalogue.ids[number]: count for number, count in enumerate(np.bincount(cases.mix))}
    assert after == {name: count for name, count in before.items() if name not in few}


def test_files_that_disagree_about_being_synthetic_are_refused(tmp_path: Path) -> None:
    one, other = (
        a_file(tmp_path, FRAME[:2000], "a.parquet", synthetic="true"),
        a_file(tmp_path, FRAME[2000:], "b.csv"),
    )
    assert "disagree about being synthetic (a.parquet: is, b.csv: does not say)" in refusal(
        one, other
    )


def test_files_that_cannot_be_read_or_told_apart_are_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no")
    (tmp_path / "broken.csv").write_bytes(b"case_ref,shielded\n\xff\xfe,NO\n")
    assert "broken.parquet: cannot be read" in refusal(tmp_path / "broken.parquet")
    assert "broken.csv" in refusal(tmp_path / "broken.csv")
    assert "missing.csv: cannot be read" in refusal(tmp_path / "missing.csv")
    for name in ("cases.xlsx", "cases.doc"):
        (tmp_path / name).write_bytes(b"PK")
    assert "save the sheet as CSV UTF-8 first" in refusal(tmp_path / "cases.xlsx")
    assert "must end with .parquet, .csv" in refusal(tmp_path / "cases.doc")
    assert "no file given" in refusal()
    path = a_file(tmp_path)
    assert "cases.parquet: is given twice" in refusal(path, path)


def test_an_empty_file_is_refused_and_does_not_crash(tmp_path: Path) -> None:
    assert "has no cases" in refusal(a_file(tmp_path, FRAME[:0], "a.csv"))
    assert "has no cases" in refusal(a_file(tmp_path, FRAME[:0], "b.parquet"))
    told = refusal(tmp_path / "a.csv", tmp_path / "b.parquet")
    assert "a.csv: has no cases" in told
    assert "b.parquet: has no cases" in told


@pytest.mark.parametrize("label", ["Totalt", "I alt", "Gjennomsnitt"])
def test_a_last_row_of_sums_is_refused_and_not_left_out_as_a_shielded_case(
    label: str, tmp_path: Path
) -> None:
    sums = pl.DataFrame({"case_ref": [label], "adviser_minutes": [12]})
    frame = pl.concat([FRAME, sums.cast({"adviser_minutes": FRAME["adviser_minutes"].dtype})],
                      how="diagonal")  # fmt: skip
    told = refusal(a_file(tmp_path, frame))
    assert f"column case_ref: rows {len(frame)}: are of several cases" in told
    assert "delete them" in told
