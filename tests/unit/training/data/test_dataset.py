"""Reading logged cases: what is taken, and what is left out."""

import hashlib
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from router.cases.assumed import Assumed
from router.cases.features import FEATURES
from tests.policies_of_six import CATALOGUE
from tests.unit.training.data.cases_builder import (
    CASES,
    FRAME,
    NATIONAL_ID,
    ROWS,
    a_file,
    in_rows,
    refusal,
)
from training.data.dataset import read_cases


def test_shielded_cases_are_left_out_and_counted(tmp_path: Path) -> None:
    cases = read_cases([a_file(tmp_path)], CATALOGUE)
    assert len(cases.rows) == len(ROWS) < CASES
    assert cases.shielded == CASES - len(ROWS)
    assert cases.case_refs.tolist() == FRAME["case_ref"].gather([row - 1 for row in ROWS]).to_list()


def test_all_that_is_logged_is_read(tmp_path: Path) -> None:
    path = a_file(tmp_path, synthetic="true", seed="3")
    cases = read_cases([path], CATALOGUE)
    first = FRAME.row(ROWS[0] - 1, named=True)
    assert CATALOGUE.ids[cases.mix[0]] == first["mix"]
    assert cases.minutes is not None
    assert cases.days is not None
    assert cases.offices is not None
    assert cases.propensity is not None
    assert (
        cases.outcome[0],
        cases.minutes[0],
        cases.propensity[0],
        cases.offices[0],
        cases.days[0].item(),
    ) == (
        first["outcome"],
        first["adviser_minutes"],
        first["propensity"],
        first["office_ref"],
        first["decided_on"],
    )
    assert (cases.synthetic, cases.simulation) == (True, {"seed": "3"})
    assert cases.sha256 == {"cases.parquet": hashlib.sha256(path.read_bytes()).hexdigest()}
    assert cases.dates == (cases.days.min().item(), cases.days.max().item())


def test_many_files_are_read_as_one_whatever_their_format(tmp_path: Path) -> None:
    whole = read_cases([a_file(tmp_path)], CATALOGUE)
    parts = [a_file(tmp_path, FRAME[:1500], "a.csv"), a_file(tmp_path, FRAME[1500:], "b.parquet")]
    cases = read_cases(parts, CATALOGUE)
    for name in ("rows", "mix", "outcome", "minutes", "propensity", "days", "offices", "case_refs"):
        assert np.array_equal(getattr(cases, name), getattr(whole, name)), name
    assert set(cases.sha256) == {"a.csv", "b.parquet"}


def test_columns_that_are_absent_or_empty_are_unknown(tmp_path: Path) -> None:
    optional = ["adviser_minutes", "propensity", "decided_on", "office_ref"]
    cases = read_cases([a_file(tmp_path, FRAME.drop(optional))], CATALOGUE)
    assert (cases.minutes, cases.propensity, cases.days, cases.offices, cases.dates) == (None,) * 5
    empty = FRAME.with_columns(
        pl.lit(None).alias(name) for name in ("propensity", "decided_on", "travel_minutes_band")
    )
    cases = read_cases([a_file(tmp_path, empty)], CATALOGUE)
    assert (cases.propensity, cases.days) == (None, None)


def test_an_empty_cell_in_quotes_is_unknown_too(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    in_rows("weeks_registered", {ROWS[0]: None}).write_csv(path, quote_style="always")
    cases = read_cases([path], CATALOGUE)
    assert cases.rows[0, FEATURES.column("weeks_registered")] == 0
    assert np.array_equal(cases.rows[1:], read_cases([a_file(tmp_path)], CATALOGUE).rows[1:])


def test_minutes_and_offices_may_be_unknown_for_some(tmp_path: Path) -> None:
    frame = in_rows("adviser_minutes", {ROWS[0]: None}, in_rows("office_ref", {ROWS[0]: None}))
    parts = [
        a_file(tmp_path, frame[:2000], "a.csv"),
        a_file(tmp_path, frame[2000:].drop("adviser_minutes", "office_ref")),
    ]
    cases = read_cases(parts, CATALOGUE)
    assert cases.minutes is not None
    assert cases.offices is not None
    assert np.isnan(cases.minutes[[0, -1]]).all()
    assert not np.isnan(cases.minutes[1])
    assert cases.offices[[0, -1]].tolist() == ["unknown", "unknown"]


def test_some_of_the_cases_can_be_taken_by_mask_or_number(tmp_path: Path) -> None:
    audit = tmp_path / "audit.csv"
    FRAME.select("case_ref", origin=pl.lit("A")).write_csv(audit)
    cases = read_cases([a_file(tmp_path)], CATALOGUE, audit)
    few = cases.take(np.array([5, 2]))
    assert few.case_refs.tolist() == cases.case_refs[[5, 2]].tolist()
    assert few.audit["origin"].tolist() == ["A", "A"]
    assert len(cases.take(cases.mix == 0).rows) == (cases.mix == 0).sum()


def test_cases_without_a_whole_outcome_window_are_left_out_and_counted(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    every = read_cases([path], CATALOGUE)
    cases = read_cases([path], CATALOGUE, horizon_days=90)
    assert every.days is not None
    assert every.dates is not None
    recent = every.days > every.days.max() - np.timedelta64(90, "D")
    assert cases.too_recent == recent.sum() > 0
    assert len(cases.rows) == (~recent).sum()
    later = read_cases([path], CATALOGUE, horizon_days=90, end=date(2030, 1, 1))
    assert later.too_recent == 0
    assert "decided_on: is needed" in refusal(
        a_file(tmp_path, FRAME.drop("decided_on")), horizon_days=90
    )
    assert "horizon: 0 is outside 1 to 3650 days" in refusal(path, horizon_days=0)


def test_a_mistyped_year_does_not_keep_the_cases_without_a_whole_window(tmp_path: Path) -> None:
    newest = FRAME["decided_on"].drop_nulls().to_list()[-1]
    first = pl.int_range(pl.len()) == 0
    frame = FRAME.with_columns(
        pl.when(first).then(date(2062, 1, 1)).otherwise("decided_on").alias("decided_on")
    )
    path = a_file(tmp_path, frame)
    told = refusal(path, horizon_days=90)
    assert f"{path}: column decided_on: row 1: 2062-01-01; more than 31 days after all" in told
    assert f"which end on {newest}" in told
    assert "or give the last day of outcomes as --as-of" in told
    # Who says the last day has left the case out; without a horizon no day ends the window.
    assert read_cases([path], CATALOGUE, horizon_days=90, end=newest).too_recent > 1
    assert read_cases([path], CATALOGUE).too_recent == 0


def test_the_columns_of_an_audit_file_are_joined_and_never_part_of_rows(tmp_path: Path) -> None:
    audit = tmp_path / "audit.csv"
    refs = FRAME["case_ref"].gather([row - 1 for row in ROWS[:3]]).to_list()
    pl.DataFrame({"case_ref": [refs[2], refs[0], "nobody"], "origin": ["A", None, "B"]}).write_csv(
        audit
    )
    path = a_file(tmp_path)
    cases, without = read_cases([path], CATALOGUE, audit), read_cases([path], CATALOGUE)
    assert cases.audit["origin"][:4].tolist() == ["unknown", "unknown", "A", "unknown"]
    assert cases.audit_unknown == 1
    assert np.array_equal(cases.rows, without.rows)
    assert set(cases.sha256) == {"cases.parquet", "audit.csv"}


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"origin": ["A"] * 4}, "column case_ref: is missing"),
        (
            {"case_ref": ["a", "b", "a", "c"]},
            "column case_ref: rows 1, 3: are of a case that is there twice",
        ),
        (
            {"case_ref": list("abcd"), "age_band": ["A"] * 4},
            "column age_band: is of the logged cases already",
        ),
        (
            {"case_ref": list("abcd"), "note": ["A", "B", NATIONAL_ID, ""]},
            "column note: rows 3: a category that looks like a national",
        ),
        (
            {"case_ref": list("abcd"), "note": ["x" * 65, "B", "", ""]},
            "column note: rows 1: a category that has more than 64",
        ),
        (
            {"case_ref": list("abcd"), "note": ["a\x07b", "B", "", ""]},
            "column note: rows 1: a category that has control",
        ),
        (
            {"case_ref": list("abcd"), f"n {NATIONAL_ID}": list("ABBA")},
            "column 2: a name that looks like a national identity number",
        ),
        ({"case_ref": ["a", "", "c", "d"]}, "column case_ref: rows 2: have no case_ref"),
        (
            {"case_ref": [f"c{n}" for n in range(60)], "postcode": [f"p{n}" for n in range(60)]},
            "column postcode: has 60 different values; "
            "permitted are category texts of 1 to 64 characters, at most 50",
        ),
    ],
)
def test_an_audit_file_that_is_not_of_short_categories_is_refused(
    tmp_path: Path, columns: dict[str, list[str]], says: str
) -> None:
    pl.DataFrame(columns).write_csv(tmp_path / "audit.csv")
    message = refusal(a_file(tmp_path), audit=tmp_path / "audit.csv")
    assert f"audit.csv: {says}" in message
    assert NATIONAL_ID not in message


def test_measures_in_an_audit_file_are_refused(tmp_path: Path) -> None:
    pl.DataFrame({"case_ref": ["a"], "income": [1.5]}).write_parquet(tmp_path / "audit.parquet")
    message = refusal(a_file(tmp_path), audit=tmp_path / "audit.parquet")
    assert "column income: has type double; permitted is a text of 1 to 64" in message


def test_categories_that_are_numbers_or_true_in_a_folder_of_audit_files_are_read(
    tmp_path: Path,
) -> None:
    refs = FRAME["case_ref"].gather([row - 1 for row in ROWS[:3]]).to_list()
    (tmp_path / "audit").mkdir()
    groups = pl.DataFrame({"case_ref": refs, "region": [3, None, 7], "moved": [True, False, None]})
    groups[:2].write_parquet(tmp_path / "audit" / "1.parquet")
    groups[2:].write_parquet(tmp_path / "audit" / "2.parquet")
    assumed = Assumed()
    cases = read_cases([a_file(tmp_path)], CATALOGUE, tmp_path / "audit", assumed=assumed)
    assert cases.audit["region"][:4].tolist() == ["3", "unknown", "7", "unknown"]
    assert cases.audit["moved"][:3].tolist() == ["true", "false", "unknown"]
    assert "true and false are read as texts: moved" in "\n".join(assumed.lines())


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_number_above_the_highest_told_apart_is_read_as_that(tmp_path: Path, suffix: str) -> None:
    rows = ROWS[:3]
    values: dict[int, object] = dict(zip(rows, (520, 521, 2**31 - 1), strict=True))
    far = a_file(tmp_path, in_rows("weeks_registered", values), f"far.{suffix}")
    top = a_file(tmp_path, in_rows("weeks_registered", dict.fromkeys(rows, 520)), f"top.{suffix}")
    assert (read_cases([far], CATALOGUE).rows == read_cases([top], CATALOGUE).rows).all()


def test_a_column_of_persons_clusters_and_who_is_not_named_stands_alone(tmp_path: Path) -> None:
    persons = [f"p-{row // 3}" if row % 10 else None for row in range(CASES)]
    path = a_file(tmp_path, FRAME.with_columns(pl.Series("person", persons)))
    cases = read_cases([path], CATALOGUE, clusters=("person", "office_ref"))
    assert list(cases.clusters) == ["person", "office_ref"]
    numbers = cases.cluster_numbers()
    assert numbers is not None
    assert numbers.shape == (len(ROWS), 2)
    alone = [name for name in cases.clusters["person"] if name.startswith("case ")]
    assert len(alone) == len(set(alone)) > 0
    together = cases.person_numbers()
    assert together is not None
    assert np.array_equal(together, numbers[:, 0])
    part = cases.take(np.arange(50))
    assert len(part.clusters["person"]) == 50


def test_without_a_column_offices_cluster(tmp_path: Path) -> None:
    cases = read_cases([a_file(tmp_path)], CATALOGUE)
    numbers = cases.cluster_numbers()
    assert numbers is not None
    assert numbers.shape == (len(ROWS), 1)
    assert cases.person_numbers() is None


def test_a_column_to_cluster_by_must_be_there_and_be_no_field(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    assert "column person: is missing" in refusal(path, clusters=("person",))
    assert "cluster: age_band is a column of its own" in refusal(path, clusters=("age_band",))


def test_outcomes_are_of_a_day_and_what_was_decided_later_is_left_out(tmp_path: Path) -> None:
    path, end = a_file(tmp_path), date(2026, 3, 1)
    whole = read_cases([path], CATALOGUE)
    until = read_cases([path], CATALOGUE, end=end)
    window = read_cases([path], CATALOGUE, horizon_days=30, end=end)
    assert until.dates is not None
    assert window.dates is not None
    assert until.dates[1] <= end
    assert (end - window.dates[1]).days >= 30
    assert 0 < until.too_recent < window.too_recent < len(whole.mix)


def test_what_some_files_lack_and_numbers_above_a_top_are_told(tmp_path: Path) -> None:
    half = len(FRAME) // 2
    first = a_file(tmp_path, in_rows("weeks_registered", {ROWS[0]: 999}, FRAME[:half]), "a.csv")
    second = a_file(tmp_path, FRAME[half:].drop("weeks_registered"), "b.csv")
    # Of audit files too, whose columns have names of their own.
    (tmp_path / "audit").mkdir()
    for name, column in (("a", "moved"), ("b", "born in")):
        one = FRAME.select("case_ref", pl.lit("x").alias(column))
        (one[:half] if name == "a" else one[half:]).write_csv(tmp_path / "audit" / f"{name}.csv")
    assumed = Assumed()
    read_cases([first, second], CATALOGUE, tmp_path / "audit", assumed=assumed)
    told = "\n".join(assumed.lines())
    lacking = "columns that other files have are lacking in {}, and unknown for all cases there: {}"
    assert lacking.format(second, "weeks_registered") in told
    assert lacking.format(tmp_path / "audit" / "a.csv", "'born in'") in told
    assert lacking.format(tmp_path / "audit" / "b.csv", "moved") in told
    assert "numbers above 520 are read as 520 or more" in told


def test_an_empty_part_among_others_is_noted(tmp_path: Path) -> None:
    # As Spark writes one where a filter left nothing of a part.
    whole = a_file(tmp_path)
    empty = tmp_path / "empty.parquet"
    pl.read_parquet(whole)[:0].write_parquet(empty)
    assumed = Assumed()
    cases = read_cases([whole, empty], CATALOGUE, assumed=assumed)
    assert len(cases.rows) == len(read_cases([whole], CATALOGUE).rows)
    assert f"files hold no case ({empty})" in assumed.lines()
