"""Files as pandas, polars, spreadsheets and R write them: read where clear, else refused."""

import gzip
import os
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from router.cases.arrow import read_batches, read_rows, write_batches
from router.cases.assumed import Assumed
from router.cases.cells import Cells
from router.cases.features import FEATURES
from router.cases.mapping import AS_IS, FileMapping, read_mapping
from router.cases.problems import CasesRefused, Problems
from router.decision.schema import Rows
from tests.builders import PLAIN, a_row

COUNT = 6
CASES: dict[str, list[Any]] = {"case_ref": [f"c-{n}" for n in range(COUNT)]} | {
    name: [value] * COUNT for name, value in PLAIN.items()
}
# One that is not known, as most real files have it.
CASES["weeks_registered"] = [12, None, 3, 4, 5, 6]
CASES["age_band"] = ["30_39", None, *["30_39"] * (COUNT - 2)]
EXPECTED = [
    a_row(weeks_registered=weeks, age_band=age).tolist()
    for weeks, age in zip(CASES["weeks_registered"], CASES["age_band"], strict=True)
]


# Of files that hold no shielded cases, and do not say so case by case.
NOT_SHIELDED = FileMapping(constants={"shielded": "NO"})


def frame() -> pd.DataFrame:
    return pd.DataFrame(CASES)


def read(path: Path, mapping: FileMapping = AS_IS) -> tuple[Rows, str]:
    """Gives the rows of a file, and what was assumed of it."""
    assumed = Assumed()
    rows = [read_rows(cells).rows for cells in read_batches(path, assumed, mapping)]
    return np.concatenate(rows), "\n".join(assumed.lines())


def refusal(path: Path, mapping: FileMapping = AS_IS) -> str:
    with pytest.raises(CasesRefused) as refused:
        read(path, mapping)
    return str(refused.value)


def as_booleans(cases: pd.DataFrame) -> pd.DataFrame:
    fields = [name for name in cases if set(cases[name].dropna()) <= {"YES", "NO"}]
    return cases.assign(**{name: cases[name] == "YES" for name in fields})


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (lambda f, p: f.to_parquet(p), "written as 12.0 are read as 12: weeks_registered"),
        (lambda f, p: f.set_index(f.index.map(str)).to_parquet(p), "row numbers and left out"),
        (lambda f, p: f.set_index("case_ref").to_parquet(p), ""),
        (lambda f, p: f.convert_dtypes().to_parquet(p), ""),
        (lambda f, p: f.convert_dtypes(dtype_backend="pyarrow").to_parquet(p), ""),
        (lambda f, p: f.astype({"age_band": "category"}).to_parquet(p), ""),
        (lambda f, p: f.astype(str).to_parquet(p), "written as 12.0 are read as 12"),
        (lambda f, p: as_booleans(f).to_parquet(p), "true and false are read as YES and NO"),
        (lambda f, p: f.assign(case_ref=range(COUNT)).to_parquet(p), "numbers in the place of"),
        (lambda f, p: pl.DataFrame(CASES).write_parquet(p), ""),
        (lambda f, p: f.assign(meta=[{"a": 1}] * COUNT).to_parquet(p), "no fields of a case"),
    ],
)
def test_parquet_of_pandas_and_polars_is_read(
    tmp_path: Path, write: Callable[[pd.DataFrame, Path], object], says: str
) -> None:
    write(frame(), tmp_path / "cases.parquet")
    rows, assumed = read(tmp_path / "cases.parquet")
    assert rows.tolist() == EXPECTED
    assert says in assumed
    assert bool(says) or "unknown" not in assumed


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("cases.csv", {"index": False}, ""),
        ("cases.csv", {}, "(no name)"),
        ("cases.CSV", {"index": False}, ""),
        ("cases.csv.gz", {"index": False}, ""),
        ("cases.tsv", {"index": False, "sep": "\t"}, "separated by tab"),
        ("cases.csv", {"index": False, "sep": ";", "decimal": ","}, "the decimal sign: weeks_reg"),
        ("cases.csv", {"index": False, "sep": "|", "na_rep": "NULL"}, "NULL is read as unknown"),
        ("cases.csv", {"index": False, "na_rep": "NA"}, "NA is read as unknown: age_band, weeks"),
        ("cases.csv", {"index": False, "na_rep": "NaN"}, "NaN is read as unknown"),
        ("cases.csv", {"index": False, "encoding": "utf-8-sig"}, ""),
        ("cases.csv", {"index": False, "encoding": "utf-16", "sep": "\t"}, "texts are utf-16"),
        ("cases.csv", {"index": False, "quoting": 1}, ""),
        ("cases.csv", {"index": False, "lineterminator": "\r\n"}, ""),
    ],
)
def test_csv_of_pandas_however_it_is_written_is_read(
    tmp_path: Path, name: str, options: dict[str, Any], says: str
) -> None:
    frame().to_csv(tmp_path / name, **options)
    rows, assumed = read(tmp_path / name)
    assert rows.tolist() == EXPECTED
    assert says in assumed


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        ("TRUE", "FALSE"),
        ("SANN", "USANN"),
        ("WAHR", "FALSCH"),
        ("SAND", "FALSK"),
        ("SANT", "FALSKT"),
    ],
)
def test_truth_as_spreadsheets_write_it_in_english_norwegian_and_beside_is_read(
    tmp_path: Path, yes: str, no: str
) -> None:
    fields = [name for name in PLAIN if set(CASES[name]) <= {"YES", "NO"}]
    words = frame().replace({name: {"YES": yes, "NO": no} for name in fields})
    words.to_csv(tmp_path / "cases.csv", index=False, sep=";")
    rows, assumed = read(tmp_path / "cases.csv")
    assert rows.tolist() == EXPECTED
    assert "true and false are read as YES and NO" in assumed


def a_csv(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    (folder / "cases.csv").write_bytes(text.encode(encoding))
    return folder / "cases.csv"


@pytest.mark.parametrize(
    "text",
    [
        # R's write.csv and write.csv2, and Excel in Norwegian.
        '"","case_ref","weeks_registered"\n"1","a",12\n"2","b",NA\n',
        '"","case_ref";"weeks_registered"\n"1","a";12\n'.replace(",", ";") + '"2";"b";NA\n',
        "sep=;\ncase_ref;weeks_registered\na;12,0\nb;\n",
        'CASE_REF,Weeks registered,Noter\na,12,"to,\n""linjer"""\nb,#N/A,x\n',
        "case_ref,weeks_registered\n\na,1.2e1\n\nb,.\n",
        "case_ref,weeks_registered\na, 12 \nb,<NA>\n",
        # Cells that were used once, below the last case.
        "case_ref;weeks_registered;Noter\na;12;x\nb;;\n;;\n;;\n",
    ],
)
def test_what_r_and_spreadsheets_write_is_read(tmp_path: Path, text: str) -> None:
    rows, _ = read(a_csv(tmp_path, text), NOT_SHIELDED)
    known = FEATURES.row(shielded="NO", weeks_registered=12)
    assert rows.tolist() == [known.tolist(), FEATURES.row(shielded="NO").tolist()]


def test_percents_may_bear_their_sign(tmp_path: Path) -> None:
    text = "case_ref;plan_user_created_percent\na;45 %\nb;60%\nc;70,0 %\nd;\n"
    rows, assumed = read(a_csv(tmp_path, text), NOT_SHIELDED)
    column = FEATURES.column("plan_user_created_percent")
    # Slots: 0 is unknown, and a number's is one more.
    assert rows[:, column].tolist() == [46, 61, 71, 0]
    assert "percents are read without their sign: plan_user_created_percent" in assumed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("case_ref,mix,mix\na,b,c\n", "column mix: is there twice, as columns 2 and 3"),
        ("case_ref,weeks_registred\na,1\n", "did you mean weeks_registered? name it in --map"),
        ("case_ref,has_eid\na,1\n", "column has_eid: row 1: '1'; permitted is one of YES, NO"),
        ("case_ref,education_level\na,None\n", "may mean NONE or unknown: say which in --map"),
        ('case_ref,weeks_registered\na,"1,234"\n', "row 1: '1,234'; permitted is 0 to 520"),
        ("case_ref,plan_user_created_percent\na,45 kr\n", "row 1: '45 kr'"),
        ("case_ref,weeks_registered\na,45 %\n", "row 1: '45 %'"),
        ("case_ref;weeks_registered\na;1.250\n", "row 1: '1.250'"),
        ("case_ref;weeks_registered\na;1,250\n", "say in --map, as csv.decimal, how decimals"),
        ("case_ref;weeks_registered\na;1.250\nb;12,0\n", "row 1: '1.250'"),
        ("case_ref,weeks_registered\na,12.5\n", "row 1: '12.5'"),
        ("case_ref,weeks_registered\na,12.5\n", "means this or more; whole numbers alone"),
        ("case_ref;weeks_registered\na;12,5\n", "means this or more; whole numbers alone"),
        ("case_ref,weeks_registered\na,1 234\n", "row 1: '1 234'"),
        ("case_ref,weeks_registered\na,-\n", "row 1: '-'"),
        ("case_ref,weeks_registered\na,inf\n", "row 1: 'inf'"),
        ("case_ref,weeks_registered\na,1,2\n", "lines 2: have 3 cells; permitted are 2"),
        ("case_ref,mix\na,1\nb\n", "lines 3: have 1 cells; permitted are 2"),
        ("a,12,NO\nb,13,NO\n", "its first line names no field of a case"),
        ("Uttrekk 2026;;\ncase_ref;mix;outcome\n", "its first line names no field of a case"),
        ("case ref,2026,2027\na,b,c\n", "its first line names no field of a case"),
        ('"case_ref" "mix"\n"a" "b"\n', "its first line names no field of a case"),
        ("", "has no cases; its first line is empty"),
        ("PK\3\4", "is an Excel workbook or a ZIP file"),
        ("BZh91AY&SY", "is packed by bzip2; unpack it first"),
        ("ARROW1\0\0", "is an Arrow file (Feather), not a CSV; write it as Parquet"),
        ("mix,outcome\na,1\n", "column case_ref: is missing"),
        ("case_ref,mix\nNA,b\n", "column case_ref: rows 1: no reference"),
    ],
)
def test_what_can_mean_two_things_is_refused_with_the_way_out(
    tmp_path: Path, text: str, says: str
) -> None:
    assert says in refusal(a_csv(tmp_path, text))


THOUSANDS = "write numbers without a sign between thousands"
UNKNOWN_TEXTS = 'under values.weeks_registered, which texts mean unknown, as "#NV" = ""'


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("1 047", THOUSANDS),
        ("1\N{NO-BREAK SPACE}047", THOUSANDS),
        ("1\N{NARROW NO-BREAK SPACE}047,5", THOUSANDS),
        ("1'047", THOUSANDS),
        ("1\N{RIGHT SINGLE QUOTATION MARK}047\N{RIGHT SINGLE QUOTATION MARK}000", THOUSANDS),
        ("1.047.000", THOUSANDS),
        ("1.047", "as csv.decimal, how decimals are written, and write thousands without a sign"),
        ("45 kr", "write the number alone"),
        *((text, UNKNOWN_TEXTS) for text in ("#DIV/0!", "#I/T", "#NV", "#VERDI!", ".A", "-")),
    ],
)
def test_what_is_no_number_is_refused_with_its_own_way_out(
    tmp_path: Path, cell: str, says: str
) -> None:
    path = a_csv(tmp_path, f"case_ref;weeks_registered\na;{cell}\nb;12\n")
    told = refusal(path, NOT_SHIELDED)
    assert told.endswith(says) or f"{says} between them" in told
    if says != UNKNOWN_TEXTS:
        return
    text = f'[constants]\nshielded = "NO"\n[values.weeks_registered]\n"{cell}" = ""\n'
    rows, _ = read(path, read_mapping(a_mapping(tmp_path, text)))
    column = FEATURES.column("weeks_registered")
    assert rows[:, column].tolist() == [0, a_row(weeks_registered=12)[column]]


@pytest.mark.parametrize(
    ("column", "cell", "needed", "says"),
    [
        ("adviser_minutes", "1 047", False, f"; {THOUSANDS}"),
        (
            "adviser_minutes",
            "#I/T",
            False,
            "under values.adviser_minutes, which texts mean unknown",
        ),
        ("adviser_minutes", "20000", False, "permitted is the bound"),
        ("adviser_minutes", "12,5", False, "; say in --map, as csv.decimal, how decimals are"),
        ("outcome", "#I/T", True, "under values.outcome, what its texts mean, or leave them out"),
        ("outcome", "ja", True, "under values.outcome, what its texts mean, or leave them out"),
    ],
)
def test_what_is_logged_is_refused_with_its_way_out_too(
    column: str, cell: str, needed: bool, says: str
) -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([cell, "1"])], [column])
    problems = Problems()
    cells = Cells(batch=batch, first_row=0, problems=problems, assumed=Assumed())
    cells.numbers(column, 0, 10_000, "the bound", np.ones(2, np.bool_), needed=needed)
    with pytest.raises(CasesRefused, match=re.escape(says)):
        problems.refuse()
    # What it says works.
    if "values" in says:
        codes = FileMapping(values={column: {cell: "0" if needed else ""}})
        found = Cells(
            batch=batch, first_row=0, problems=Problems(), assumed=Assumed(), mapping=codes
        )
        numbers = found.numbers(column, 0, 1, "", np.ones(2, np.bool_), needed=needed)
        found.problems.refuse()
        assert numbers is not None
        assert numbers[1] == 1
        assert (numbers[0] == 0) if needed else np.isnan(numbers[0])


def test_each_way_out_is_told_with_its_own_rows(tmp_path: Path) -> None:
    told = refusal(a_csv(tmp_path, "case_ref;weeks_registered\na;#NV\nb;-1\nc;1 000\nd;#NV\n"))
    first, second, third = told.splitlines()
    assert "row 1: '#NV', row 4: '#NV'; permitted" in first
    assert first.endswith(UNKNOWN_TEXTS)
    assert second.endswith("row 2: '-1'; permitted is 0 to 520 weeks; 520 means this or more")
    assert "row 3: '1 000'; permitted" in third
    assert third.endswith(THOUSANDS)


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint64(), pa.float64(), pa.string()], ids=str)
def test_numbers_above_a_top_are_read_as_the_top_and_that_is_told(
    tmp_path: Path, kind: pa.DataType
) -> None:
    columns = {"case_ref": ["a", "b", "c"], "weeks_registered": pa.array([999, 520, 3]).cast(kind)}
    # Percents have no top: 101 of them is an error.
    columns["plan_user_created_percent"] = pa.array([100, 0, None]).cast(kind)
    pq.write_table(pa.table(columns), tmp_path / "cases.parquet")
    rows, assumed = read(tmp_path / "cases.parquet", NOT_SHIELDED)
    column = FEATURES.column("weeks_registered")
    assert rows[:, column].tolist() == [521, 521, 4]
    (line,) = (line for line in assumed.splitlines() if "numbers above" in line)
    assert line.startswith("numbers above 520 are read as 520 or more; if they are codes for")
    assert line.endswith(f": weeks_registered ({tmp_path / 'cases.parquet'})")
    codes = FileMapping(
        constants={"shielded": "NO"}, values={"weeks_registered": {"999": "", "520": ""}}
    )
    rows, assumed = read(tmp_path / "cases.parquet", codes)
    assert rows[:, column].tolist() == [0, 0, 4]
    assert "numbers above" not in assumed


def test_columns_that_some_files_lack_are_told_by_file(tmp_path: Path) -> None:
    for name, lacking in (("a", []), ("b", ["weeks_registered", "age_band"]), ("c", ["age_band"])):
        pl.DataFrame(CASES).drop(lacking).write_parquet(tmp_path / f"{name}.parquet")
    assumed = read(tmp_path)[1].splitlines()
    told = "columns that other files have are lacking in {}, and unknown for all cases there: {}"
    assert assumed[-2:] == [
        told.format(tmp_path / "b.parquet", "age_band, weeks_registered"),
        told.format(tmp_path / "c.parquet", "age_band"),
    ]
    # What no file has, no file lacks; what a folder says, its files have.
    assert "lacking" not in read(tmp_path / "b.parquet")[1]
    offices = _offices(tmp_path)
    assert "lacking" not in read(offices)[1]
    pl.DataFrame(CASES)[2:].write_parquet(offices / "all.parquet")
    assert f"lacking in {offices / 'all.parquet'}, and" in read(offices)[1]


def test_texts_of_windows_are_read_and_a_decimal_comma_too(tmp_path: Path) -> None:
    path = a_csv(tmp_path, "case_ref;office_ref;weeks_registered\na;Tromsø;12,0\n", "latin-1")
    (cells,) = read_batches(path, assumed := Assumed())
    assert read_rows(cells).references["office_ref"].to_pylist() == ["Tromsø"]
    assert any("Windows-1252" in line for line in assumed.lines())


@pytest.mark.parametrize(
    ("value", "day"),
    [
        (datetime(2026, 7, 6), date(2026, 7, 6)),
        (datetime(2026, 7, 6, 13, 30), date(2026, 7, 6)),
        (pd.Timestamp("2026-07-06", tz="Europe/Oslo"), date(2026, 7, 6)),
        (pd.Timestamp("2026-07-06 01:15", tz="Europe/Oslo"), date(2026, 7, 6)),
        (datetime(2026, 7, 6, tzinfo=UTC), date(2026, 7, 6)),
        (datetime(2026, 7, 5, 22, tzinfo=UTC), "are moments by UTC"),
        *(
            (pd.Timestamp("2026-07-05 22:00", tz=zone), "are moments by UTC")
            for zone in ("Zulu", "Etc/GMT", "Etc/UTC", "GMT", "Etc/Greenwich", "Universal")
        ),
        (datetime(2026, 7, 5, 22), "are all at 22:00, 23:00 or 0:00, midnight in another zone"),
        # Winter time all the year round.
        (pd.Timestamp("2026-07-05 23:00", tz="Etc/GMT-1"), "midnight in another zone"),
        ("2026-07-05 23:00:00+01", "midnight in another zone"),
        ("2026-07-06", date(2026, 7, 6)),
        ("2026-07-06 00:00:00", date(2026, 7, 6)),
        ("2026-07-06T13:30:00.123", date(2026, 7, 6)),
        ("2026-07-06T01:15:00+02:00", date(2026, 7, 6)),
        ("2026-07-05T23:15:00Z", "are moments by UTC"),
        ("2026-07-05 22:00:00+00", "are moments by UTC"),
        ("2026-07-05 22:00 GMT", "are moments by UTC"),
        ("2026-07-05 22:00:00", "are all at 22:00, 23:00 or 0:00"),
        ("6.7.2026", date(2026, 7, 6)),
        ("06.07.2026", date(2026, 7, 6)),
        ("20260706", date(2026, 7, 6)),
        (20260706, date(2026, 7, 6)),
        ("2026/07/06", date(2026, 7, 6)),
        ("2026/7/6", date(2026, 7, 6)),
        ("2026/13/06", "row 1: '2026/13/06'"),
        ("06/07/2026", "row 1: '06/07/2026', row 2: '06/07/2026'; permitted is a date"),
        ("2026-02-30", "row 1: '2026-02-30'"),
        ("46209", "permitted is a date as YYYY-MM-DD, 2000-01-01 to 2099-12-31; say another"),
        (46209, "say another form in --map, as date_format"),
        (date(1999, 1, 1), "permitted is a date"),
    ],
)
def test_a_day_is_the_local_one_or_refused(value: object, day: date | str) -> None:
    problems = Problems()
    # Two of them, and one that is not known.
    values = pd.Series([value, value, None])
    if isinstance(value, int):
        values = values.astype("Int64")
    batch = pa.RecordBatch.from_arrays([pa.array(values)], ["decided_on"])
    cells = Cells(batch=batch, first_row=0, problems=problems, assumed=Assumed())
    days = cells.days("decided_on", np.ones(3, np.bool_))
    if isinstance(day, str):
        with pytest.raises(CasesRefused, match=re.escape(day)):
            problems.refuse()
        return
    problems.refuse()
    assert days is not None
    assert days[:2].tolist() == [day, day]
    assert np.isnat(days[2])


@pytest.mark.parametrize(
    ("column", "values", "says"),
    [
        ("case_ref", pa.array([{"a": 1}]), "column case_ref: has type struct"),
        ("case_ref", pa.array([["a"]]), "column case_ref: has type list"),
        ("case_ref", pa.array([b"a"]), "column case_ref: has type binary"),
        # An UUID of DuckDB.
        ("case_ref", pa.array([b"\0" * 16], pa.uuid()), "1 to 64 characters; write it as text"),
        ("weeks_registered", pa.array([b"1"]), "has type binary; permitted is whole numbers"),
        ("has_eid", pa.array([b"YES"], pa.large_binary()), "; write it as text"),
        ("weeks_registered", pa.array([1], pa.duration("s")), "has type duration"),
        ("weeks_registered", pa.array([{"a": 1}]), "has type struct"),
        ("age_band", pa.array([1]), "say in --map, under values.age_band, what its values mean"),
    ],
)
def test_types_that_hold_no_value_of_a_field_are_refused(
    tmp_path: Path, column: str, values: pa.Array, says: str
) -> None:
    table = pa.table({"case_ref": ["a"]} | {column: values})
    pq.write_table(table, tmp_path / "cases.parquet")
    assert says in refusal(tmp_path / "cases.parquet")


@pytest.mark.parametrize(
    "values",
    [
        pa.array([12, None]).cast(pa.decimal256(40, 0)),
        pa.array([12, None]).cast(pa.decimal128(30, 3)),
        pa.array([12, None], pa.uint64()),
        pa.array([12, None], pa.float32()),
        pa.array(["12", "NaN"]).cast(pa.string_view()),
        pa.array(["12", None]).dictionary_encode(),
    ],
    ids=lambda values: str(values.type),
)
def test_types_that_hold_whole_numbers_are_read(values: pa.Array) -> None:
    refs, shielded = pa.array(["a", "b"]).cast(pa.string_view()), pa.array([False, False])
    columns = {"case_ref": refs, "shielded": shielded, "weeks_registered": values}
    batch = pa.RecordBatch.from_pydict(columns)
    cells = Cells(batch=batch, first_row=0, problems=Problems(), assumed=Assumed())
    column = FEATURES.column("weeks_registered")
    rows = read_rows(cells).rows[:, column].tolist()
    assert rows == [a_row(weeks_registered=12)[column], 0]


def test_columns_that_are_there_twice_in_parquet_are_refused(tmp_path: Path) -> None:
    table = pa.table({"case_ref": ["a"], "mix": ["b"]}).append_column("mix", pa.array(["c"]))
    pq.write_table(table, tmp_path / "cases.parquet")
    assert "column mix: is there twice, as columns 2 and 3" in refusal(tmp_path / "cases.parquet")


def in_months(folder: Path, key: str) -> list[Path]:
    """Writes the cases over three folders of a month each."""
    files = []
    for number in range(3):
        part = folder / f"{key}={number + 1}"
        part.mkdir(parents=True)
        files.append(part / "part-0.parquet")
        pl.DataFrame(CASES)[2 * number : 2 * number + 2].write_parquet(files[-1])
    (folder / "_SUCCESS").touch()
    return files


def test_months_of_files_are_read_as_folder_pattern_and_partitions(tmp_path: Path) -> None:
    in_months(tmp_path / "months", "month")
    for path in (tmp_path / "months", tmp_path / "months" / "*" / "*.parquet"):
        assert read(path)[0].tolist() == EXPECTED
    (cells, *_) = read_batches(_offices(tmp_path), Assumed())
    assert read_rows(cells).references["office_ref"].to_pylist() == ["o-1", "o-1"]


def _offices(folder: Path) -> Path:
    for number in (1, 2):
        part = folder / "offices" / f"office_ref=o-{number}"
        part.mkdir(parents=True)
        pl.DataFrame(CASES)[:2].write_parquet(part / "0.parquet")
    return folder / "offices"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("absent.csv", "there is no such file or folder"),
        ("*.csv", "no file matches it"),
        ("empty", "holds no file that ends with .parquet, .csv"),
        ("sheet.xlsx", "save the sheet as CSV UTF-8 first"),
        ("cases.json", "write it as Parquet or CSV first"),
        ("cases.csv.zst", "unpack it first"),
        ("cases.csv.bz2", "unpack it first"),
        ("cases.orc", "write it as Parquet first"),
        ("cases.xpt", "write it as CSV first"),
        ("cases.txt", "if tabs separate its cells, let its name end with .tsv, else with .csv"),
        ("cases.dat", "must end with .parquet, .csv, .tsv, .csv.gz or .tsv.gz"),
        ("mixed", "sheet.xlsx: must end with"),
    ],
)
def test_what_is_no_file_of_cases_is_refused_with_what_to_do(
    tmp_path: Path, name: str, says: str
) -> None:
    for folder in ("empty", "mixed"):
        (tmp_path / folder).mkdir()
    (tmp_path / "mixed" / "sheet.xlsx").touch()
    if "cases" in name or "sheet" in name:
        (tmp_path / name).touch()
    assert says in refusal(tmp_path / name)


def test_a_broken_gzip_is_refused_in_a_line(tmp_path: Path) -> None:
    packed = gzip.compress(b"case_ref\na\n" * 5000)
    (tmp_path / "cases.csv.gz").write_bytes(packed[: len(packed) // 2])
    assert "cases.csv.gz: cannot be read" in refusal(tmp_path / "cases.csv.gz")


MAPPING = """
ignore = ["age_bandd"]
date_format = "%d/%m/%Y"
[columns]
case_ref = "saksnummer"
weeks_registered = "uker"
[constants]
shielded = "NO"
[values.digital_skill]
1 = "WEAK"
9 = ""
[values.has_eid]
J = "YES"
"""


def a_mapping(folder: Path, text: str = MAPPING) -> Path:
    (folder / "mapping.toml").write_text(text)
    return folder / "mapping.toml"


def test_an_agencys_columns_and_codes_are_read_by_a_mapping(tmp_path: Path) -> None:
    mapping = read_mapping(a_mapping(tmp_path))
    text = "saksnummer,uker,digital_skill,has_eid,age_bandd\na,12,1,J,x\nb,,9,YES,x\nc,1,OK,,x\n"
    rows, assumed = read(a_csv(tmp_path, text), mapping)
    names = ("shielded", "weeks_registered", "digital_skill", "has_eid")
    columns = [FEATURES.column(name) for name in names]
    expected = [
        a_row(shielded="NO", weeks_registered=12, digital_skill="WEAK", has_eid="YES"),
        a_row(shielded="NO", weeks_registered=None, digital_skill=None, has_eid="YES"),
        a_row(shielded="NO", weeks_registered=1, digital_skill="OK", has_eid=None),
    ]
    assert rows[:, columns].tolist() == [row[columns].tolist() for row in expected]
    assert assumed == ""
    frame = pl.DataFrame({"saksnummer": ["a"], "digital_skill": [1], "uker": [2.0]})
    frame.write_parquet(tmp_path / "cases.parquet")
    assert read(tmp_path / "cases.parquet", mapping)[0][0, columns[2]] == expected[0][columns[2]]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[column]\na = 'b'", "column: is unknown; permitted are columns, values"),
        ("[columns]\nshoe_size = 'b'", "columns.shoe_size: is not a field of a case"),
        ("[columns]\nmix = 'b'\noutcome = 'b'", "'b' is the column of mix already"),
        ("[columns]\nmix = 3", "columns.mix: is 3; permitted is a text in quotes"),
        ("[values.has_eid]\nJ = 'JA'", "values.has_eid.J: is 'JA'; permitted is one of YES, NO"),
        ("[csv]\nseparator = 'x'", "csv.separator: must be one of , ; | or a tab"),
        ("[values.has_eid]\n'' = 'NO'", "is an empty cell, which is always unknown"),
        ("[csv]\nencoding = 'x'", "csv.encoding: 'x' is not known"),
        ('[csv]\nencoding = "utf\\u0000"', "is not known; an example is utf-8"),
        ("date_format = 'dd.mm'", "date_format: must be as"),
        ("columns = [", "is not a mapping"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused_by_its_key(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(CasesRefused) as refused:
        read_mapping(a_mapping(tmp_path, text))
    assert says in str(refused.value)


def test_a_column_of_a_mapping_that_no_file_has_is_refused(tmp_path: Path) -> None:
    mapping = read_mapping(a_mapping(tmp_path))
    told = refusal(a_csv(tmp_path, "saksnummer\na\n"), mapping)
    assert "mapping.toml: columns.weeks_registered: no file has a column uker" in told


def test_references_that_were_numbers_are_the_same_in_every_format(tmp_path: Path) -> None:
    cases = frame().assign(case_ref=[1000000.0 + n for n in range(COUNT)])
    cases.to_csv(tmp_path / "cases.csv", index=False)
    cases.to_parquet(tmp_path / "cases.parquet")
    refs = []
    for name in ("cases.csv", "cases.parquet"):
        (cells,) = read_batches(tmp_path / name, Assumed())
        refs.append(read_rows(cells).references["case_ref"].to_pylist())
    assert refs == [[str(1000000 + n) for n in range(COUNT)]] * 2


def test_references_that_a_spreadsheet_rounded_are_refused(tmp_path: Path) -> None:
    told = refusal(a_csv(tmp_path, "case_ref,shielded\n1.00001E+10,NO\n"))
    assert "column case_ref: rows 1: are numbers that a spreadsheet has rounded" in told


@pytest.mark.parametrize("one", ["1", "1.0", "1,0"])
def test_a_whole_code_means_the_same_however_a_column_with_holes_is_written(
    tmp_path: Path, one: str
) -> None:
    path = a_csv(tmp_path, f"case_ref;shielded;has_eid\na;NO;{one}\nb;NO;\n")
    rows, _ = read(path, FileMapping(values={"has_eid": {"1": "YES", "0": "NO"}}))
    column = FEATURES.column("has_eid")
    assert rows[:, column].tolist() == [FEATURES["has_eid"].slot("YES"), 0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("case_ref,shielded\na,NEI\n", "say in --map, under values.shielded, what other codes"),
        ("case_ref,shielded", "has no cases"),
        ("sep=;\ncase_ref;shielded", "has no cases"),
        ("case_ref," + "x" * 200_000, "cannot be read: field larger than field limit"),
    ],
)
def test_what_cannot_be_read_is_told_with_the_way_out(tmp_path: Path, text: str, says: str) -> None:
    path = a_csv(tmp_path, text)
    with pytest.raises(CasesRefused, match=re.escape(says)):
        write_batches(
            (read_rows(cells) and cells.batch for cells in read_batches(path, Assumed())),
            tmp_path / "out.parquet",
            path,
        )


def test_that_no_column_says_who_is_shielded_is_told(tmp_path: Path) -> None:
    rows, assumed = read(a_csv(tmp_path, "case_ref,weeks_registered\na,3\n"))
    assert rows[0, FEATURES.column("weeks_registered")] == 0
    assert "all are left to advisers, unless --map says it of all" in assumed


@pytest.mark.parametrize(
    ("column", "upper"), [(("1.250", "12.5"), 10_000), (("1.000",), 1), (("0,125", "1,250"), 9999)]
)
def test_a_sign_that_can_only_be_of_decimals_is_read(column: tuple[str, ...], upper: float) -> None:
    batch = pa.RecordBatch.from_arrays([pa.array(column)], ["adviser_minutes"])
    problems = Problems()
    cells = Cells(batch=batch, first_row=0, problems=problems, assumed=Assumed(), comma=True)
    kept = np.ones(len(column), np.bool_)
    found = cells.numbers("adviser_minutes", 0, upper, "", kept)
    problems.refuse()
    assert found is not None
    assert found.tolist() == [float(text.replace(",", ".")) for text in column]


def test_blanks_around_values_are_left_out(tmp_path: Path) -> None:
    path = a_csv(tmp_path, "case_ref,education_level,has_eid,weeks_registered\na, NONE,YES , NA\n")
    rows, assumed = read(path, NOT_SHIELDED)
    assert rows.tolist() == [
        FEATURES.row(shielded="NO", education_level="NONE", has_eid="YES").tolist()
    ]
    assert "blanks around values are left out: education_level, has_eid" in assumed
    assert "NA is read as unknown: weeks_registered" in assumed


@pytest.mark.parametrize("way", ["folder", "outer", "file", "pattern", "link"])
def test_folders_say_the_same_of_a_file_however_it_is_given(tmp_path: Path, way: str) -> None:
    inner = tmp_path / "a" / "kontor=o-1" / "b" / "month=2"
    inner.mkdir(parents=True)
    pl.DataFrame(CASES).write_parquet(inner / "x.parquet")
    (tmp_path / "link").symlink_to(inner)
    given = {
        "folder": tmp_path / "a",
        "outer": inner.parent,
        "file": inner / "x.parquet",
        "pattern": inner.parent / "*" / "*.parquet",
        "link": tmp_path / "link",
    }[way]
    mapping = FileMapping(columns={"kontor": "office_ref"})
    (cells,) = read_batches(given, assumed := Assumed(), mapping)
    assert set(read_rows(cells).references["office_ref"].to_pylist()) == {"o-1"}
    assert "folders named after no field say nothing of their cases: month" in assumed.lines()[0]


def test_folders_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    inner = tmp_path / "office_ref=o-1" / "office_ref=o-2"
    inner.mkdir(parents=True)
    pl.DataFrame(CASES).write_parquet(inner / "x.parquet")
    assert "say both office_ref=o-1 and office_ref=o-2" in refusal(inner)


@pytest.mark.parametrize("given", ["months", "mon*", "**"])
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("more.txt", "more.txt: must end with .parquet, .csv"),
        ("part-00000", "part-00000: must end with"),
        ("linked", "is a link to a folder, which is not followed"),
        ("gone.csv", "there is no such file or folder"),
        ("pipe.csv", "is no regular file (a pipe, a device or a socket)"),
        ("_delta_log", "is a Delta table, whose files hold old cases too"),
    ],
)
def test_nothing_in_a_folder_is_passed_over_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, name: str, says: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    folder = tmp_path / "here" / "months" / "2026-07"
    elsewhere.mkdir()
    folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    frame().to_csv(folder / "cases.csv", index=False)
    (folder / "README.md").touch()
    (folder / "_SUCCESS").touch()
    rows, assumed = read(Path(given))
    assert len(rows) == COUNT
    assert "files beside the cases are passed over: README.md, _SUCCESS" in assumed
    if name == "linked":
        (folder / name).symlink_to(elsewhere)
    elif name == "gone.csv":
        (folder / name).symlink_to(elsewhere / name)
    elif name == "pipe.csv":
        os.mkfifo(folder / name)
    elif name.startswith("_"):
        (folder / name).mkdir()
    else:
        (folder / name).touch()
    assert says in refusal(Path(given))


def test_what_only_looks_packed_is_refused_with_what_to_do(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "cases.csv.gz", index=False, compression=None)
    assert "; let its name end without .gz" in refusal(tmp_path / "cases.csv.gz")


def test_utf_32_is_not_taken_for_utf_16(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "cases.csv", index=False, encoding="utf-32")
    assert "cases.csv: is UTF-32; save it as CSV UTF-8" in refusal(tmp_path / "cases.csv")


@pytest.mark.parametrize(
    ("mark", "told"),
    [
        ("_delta_log/0.json", "is a Delta table"),
        (".hoodie/hoodie.properties", "is a Hudi table"),
        ("metadata/v1.metadata.json", "is an Iceberg table"),
    ],
)
@pytest.mark.parametrize(
    "given", ["t/data/o=1", "t/data/o=1/a.parquet", "t/*/*/*.parquet", "linked/a.parquet"]
)
def test_a_part_of_a_table_holds_old_cases_as_the_whole_does(
    tmp_path: Path, mark: str, told: str, given: str
) -> None:
    inside = tmp_path / "t/data/o=1"
    inside.mkdir(parents=True)
    pl.DataFrame(CASES).write_parquet(inside / "a.parquet")
    (tmp_path / "linked").symlink_to(inside)
    assert len(read(tmp_path / given)[0]) == COUNT
    (tmp_path / "t" / mark).parent.mkdir()
    (tmp_path / "t" / mark).touch()
    assert f"t: {told}, whose files hold old cases too" in refusal(tmp_path / given)


@pytest.mark.parametrize(
    ("mark", "told"), [("v1.metadata.json", True), ("v1.gz.metadata.json", True), ("x.json", False)]
)
@pytest.mark.parametrize("given", ["t", "t/metadata", "."])
def test_an_iceberg_table_is_named_as_one_before_what_lies_in_it(
    tmp_path: Path, mark: str, told: bool, given: str
) -> None:
    for name in ("data/a.avro", "metadata/0-m0.avro", f"metadata/{mark}"):
        (tmp_path / "t" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "t" / name).touch()
    says = "is an Iceberg table, whose files hold old cases too; export the cases as Parquet first"
    assert (f"{tmp_path}/t: {says}" in refusal(tmp_path / given)) == told


NAMES = b"case_ref,shielded"


@pytest.mark.parametrize("given", [".", "*"])
@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("z.csv", b""),
        ("z.tsv", b"\xef\xbb\xbf \r\n\n"),
        ("z.csv.gz", gzip.compress(b"", mtime=0)),
        ("z.csv", NAMES),
        ("z.csv.gz", gzip.compress(NAMES, mtime=0)),
    ],
)
def test_a_part_without_cases_is_noted_and_passed_over(
    tmp_path: Path, given: str, name: str, holds: bytes
) -> None:
    frame().to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / name).write_bytes(holds)
    rows, assumed = read(tmp_path / given)
    assert rows.tolist() == EXPECTED
    assert f"files hold no case ({tmp_path / name})" in assumed


def test_what_is_given_by_its_own_name_must_hold_cases_and_so_must_a_whole_folder(
    tmp_path: Path,
) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).touch()
    assert "a.csv: has no cases; its first line is empty" in refusal(tmp_path / "a.csv")
    assert f"{tmp_path}: has no cases; all its files are empty" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("name", "holds", "says"),
    [
        ("z.parquet", b"", "z.parquet: cannot be read"),
        ("z.csv", b"\na,b\n", "z.csv: has no cases; its first line is empty"),
        ("z.csv", b"\n" * 5_000 + b"a,b\n", "z.csv: has no cases; its first line is empty"),
        ("z.csv", bytes(64), "z.csv: is no text"),
        ("z.csv.gz", b"\x1f\x8b", "z.csv.gz: cannot be read"),
    ],
)
def test_a_part_that_is_damaged_is_not_taken_for_an_empty_one(
    tmp_path: Path, name: str, holds: bytes, says: str
) -> None:
    frame().to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / name).write_bytes(holds)
    assert says in refusal(tmp_path)


@pytest.mark.parametrize("place", ["pipe.csv", "pipe.parquet", "null.csv"])
def test_what_never_ends_is_not_waited_for(tmp_path: Path, place: str) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    os.mkfifo(tmp_path / "pipe.parquet")
    (tmp_path / "null.csv").symlink_to("/dev/zero")
    assert "is no regular file" in refusal(tmp_path / place)


def test_a_time_zone_that_nobody_knows_is_refused() -> None:
    problems = Problems()
    batch = pa.RecordBatch.from_arrays(
        [pa.array([60], pa.timestamp("s", "Foo/Bar"))], ["decided_on"]
    )
    cells = Cells(batch=batch, first_row=0, problems=problems, assumed=Assumed())
    cells.days("decided_on", np.ones(1, np.bool_))
    with pytest.raises(CasesRefused, match="its time zone Foo/Bar is not known; write the local"):
        problems.refuse()


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("Sum,,,12", "of several cases"),
        ("Totalt,,,", "of several cases"),
        ("Hovedtotal,,,", "of several cases"),
        ("Gesamtergebnis,,,9", "of several cases"),
        ("TOTAL:,,,", "of several cases"),
        ("I alt,,,3", "of several cases"),
        ("Gjennomsnitt,,,4", "of several cases"),
        ("office-01 Total,,,4", "of several cases"),
        ("Grand Total,,,4", "of several cases"),
        ("mean,,,4", "of several cases"),
        ("Total for office-01,,,4", "of several cases"),
        ("Sum 2026,,,4", "of several cases"),
        ("All offices,,,4", "of several cases"),
        ("Antall,,,4", "of several cases"),
        ("case_ref,shielded,age_band,weeks_registered", "the names of columns again"),
        ("Uttrekk fra 27.11.2026,,,", "as notes have"),
        ("Kilde: fagsystemet,,,", "as notes have"),
        ("Merknad,,,", "as notes have"),
    ],
)
def test_rows_of_no_case_are_refused_by_row_with_the_way_out(
    row: str, says: str, tmp_path: Path
) -> None:
    text = f"case_ref,shielded,age_band,weeks_registered\nc-1,NO,30_39,4\n{row}\n"
    with pytest.raises(CasesRefused) as refused:
        read(a_csv(tmp_path, text))
    told = str(refused.value)
    assert f"column case_ref: rows 2: {'have words' if 'notes' in says else 'are'}" in told
    assert says in told
    assert "delete them" in told


def test_in_a_file_of_references_a_row_may_have_nothing_else(tmp_path: Path) -> None:
    rows, _ = read(a_csv(tmp_path, "case_ref,office_ref\nSAK 0 2026,\nSAK 1 2026,office-01\n"))
    assert len(rows) == 2


@pytest.mark.parametrize("ref", ["sum-1", "Summer", "total7", "minimum-3", "c 12", "i altx"])
def test_a_case_of_which_little_is_known_is_read_whatever_its_reference(
    ref: str, tmp_path: Path
) -> None:
    text = f"case_ref,shielded,age_band,weeks_registered\nc-1,NO,30_39,4\n{ref},NO,,\n"
    rows, _ = read(a_csv(tmp_path, text))
    assert len(rows) == 2
