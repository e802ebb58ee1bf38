"""Folders of cases scored part by part: the same cases, values and messages as in one process."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.fs as pa_fs
import pyarrow.parquet as pq
import pytest

from bench.cases import folder_of_cases
from router.advice.bulk import Part, begin, check, finish, parts_of, score_part
from router.advice.score import score_file
from router.cases.assumed import Assumed
from router.cases.problems import CasesRefused
from router.files.formats import OutRefused
from router.files.out_folder import OutFolder
from router.files.stores import StoreRefused, store_of
from tests.builders import a_decider

DECIDER = a_decider()
SIZES = {"office_ref=o-1/a.parquet": 70, "office_ref=o-2/a.parquet": 30, "b.parquet": 0}
Spoil = Callable[[pa.Table], pa.Table]


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    folder_of_cases(tmp_path / "cases", SIZES, 20)
    return tmp_path / "cases"


def parts(cases: str | Path) -> list[Part]:
    return parts_of(str(cases), Assumed(), rows=35)


def scored(cases: str | Path, out: str | Path) -> OutFolder:
    place = OutFolder.at(str(out))
    found = parts(cases)
    check(found, str(cases), place)
    begin(place)
    count = sum(score_part(part, DECIDER, place).rows for part in found)
    finish(place, {"cases": count})
    return place


def files(folder: Path) -> dict[str, bytes]:
    each = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in each}


def test_a_part_is_whole_row_groups_and_all_parts_are_all_rows(cases: Path) -> None:
    found = [(part.name, part.groups, part.first_row) for part in parts(cases)]
    assert found == [
        ("office_ref=o-1/a.00000.parquet", range(2), 0),
        ("office_ref=o-1/a.00001.parquet", range(2, 4), 40),
        ("office_ref=o-2/a.00000.parquet", range(2), 0),
    ]


def test_parts_hold_what_one_process_makes_of_the_folder_in_its_order(
    cases: Path, tmp_path: Path
) -> None:
    scored(cases, tmp_path / "out")
    score_file(cases, tmp_path / "one.parquet", DECIDER)
    written = [tmp_path / "out" / part.name for part in parts(cases)]
    apart = pa.concat_tables([pq.read_table(path, partitioning=None) for path in written])
    assert apart.equals(pq.read_table(tmp_path / "one.parquet"))


def test_a_part_that_is_a_whole_file_has_the_bytes_that_one_process_writes(
    cases: Path, tmp_path: Path
) -> None:
    scored(cases, tmp_path / "out")
    score_file(cases / "office_ref=o-2/a.parquet", tmp_path / "one.parquet", DECIDER)
    apart = tmp_path / "out/office_ref=o-2/a.00000.parquet"
    assert apart.read_bytes() == (tmp_path / "one.parquet").read_bytes()


def test_scored_again_the_folder_has_the_same_bytes(cases: Path, tmp_path: Path) -> None:
    scored(cases, tmp_path / "out")
    before = files(tmp_path / "out")
    scored(cases, tmp_path / "out")
    assert files(tmp_path / "out") == before
    assert set(before) == {"_scored.json", *(part.name for part in parts(cases))}


def test_a_folder_that_is_not_whole_does_not_say_that_it_is(cases: Path, tmp_path: Path) -> None:
    place = scored(cases, tmp_path / "out")
    check(parts(cases), str(cases), place)
    begin(place)
    assert not (tmp_path / "out/_scored.json").exists()


def test_what_an_ended_writer_left_is_removed(cases: Path, tmp_path: Path) -> None:
    left = tmp_path / "out/office_ref=o-1/.a.00000.parquet.0123456789abcdef.partial"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"PAR1")
    scored(cases, tmp_path / "out")
    assert not left.exists()


def in_memory(tmp_path: Path) -> str:
    return f"fsspec+memory:///{uuid4().hex}"


def as_files(tmp_path: Path) -> str:
    return f"file://{tmp_path}/store"


@pytest.mark.parametrize("store", [in_memory, as_files])
def test_in_an_object_store_it_is_the_same(
    cases: Path, tmp_path: Path, store: Callable[[Path], str]
) -> None:
    uri = store(tmp_path)
    there = store_of(f"{uri}/in")
    pa_fs.copy_files(str(cases), there.path, destination_filesystem=there.filesystem)
    scored(f"{uri}/in", f"{uri}/out")
    scored(cases, tmp_path / "out")
    made = tmp_path / "made"
    out = store_of(f"{uri}/out")
    pa_fs.copy_files(out.path, str(made), source_filesystem=out.filesystem)
    assert files(made) == files(tmp_path / "out")


def spoilt(cases: Path, row: int, value: int) -> None:
    path = cases / "office_ref=o-1/a.parquet"
    table = pq.read_table(path, partitioning=None)
    values = table["weeks_registered"].to_pylist()
    values[row - 1] = value
    place = table.schema.get_field_index("weeks_registered")
    table = table.set_column(place, "weeks_registered", pa.array(values))
    pq.write_table(table, path, row_group_size=20)


def test_a_bad_cell_is_told_as_one_process_tells_it_and_nothing_is_left(
    cases: Path, tmp_path: Path
) -> None:
    spoilt(cases, 57, -7)
    with pytest.raises(CasesRefused) as alone:
        score_file(cases, tmp_path / "one.parquet", DECIDER)
    with pytest.raises(CasesRefused) as apart:
        scored(cases, tmp_path / "out")
    assert str(apart.value) == str(alone.value)
    assert (
        "office_ref=o-1/a.parquet: column weeks_registered: row 57: -7; permitted is 0 to"
        in str(apart.value)
    )
    assert list(files(tmp_path / "out")) == ["office_ref=o-1/a.00000.parquet"]


def without_a_reference(table: pa.Table) -> pa.Table:
    return table.drop_columns(["case_ref"])


def with_a_mistyped_name(table: pa.Table) -> pa.Table:
    names = ["weeks_registred" if n == "weeks_registered" else n for n in table.column_names]
    return table.rename_columns(names)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (without_a_reference, "column case_ref: is missing"),
        (with_a_mistyped_name, "did you mean weeks_registered"),
    ],
)
def test_a_bad_file_is_told_before_anything_is_scored(cases: Path, spoil: Spoil, says: str) -> None:
    path = cases / "office_ref=o-2/a.parquet"
    pq.write_table(spoil(pq.read_table(path, partitioning=None)), path)
    with pytest.raises(CasesRefused, match=says) as refused:
        parts(cases)
    assert str(path) in str(refused.value)


def test_a_file_without_cases_among_others_is_noted(cases: Path) -> None:
    parts_of(str(cases), assumed := Assumed())
    assert f"files hold no case ({cases / 'b.parquet'})" in assumed.lines()


def test_a_file_that_is_cut_short_is_told_by_name(cases: Path) -> None:
    path = cases / "office_ref=o-2/a.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CasesRefused, match=r"o-2/a\.parquet: cannot be read"):
        parts(cases)


def test_a_csv_has_no_parts(cases: Path) -> None:
    (cases / "c.csv").write_text("case_ref\nc-1\n")
    with pytest.raises(CasesRefused, match=r"c\.csv: must end with \.parquet"):
        parts(cases)


def test_a_folder_without_cases_is_told(tmp_path: Path) -> None:
    folder_of_cases(tmp_path / "in", {"a.parquet": 0}, 20)
    with pytest.raises(CasesRefused, match="has no cases"):
        parts(tmp_path / "in")


@pytest.mark.parametrize("given", ["in/office_ref=o-1", "in/office_ref=o-1/a.parquet"])
def test_a_part_of_a_table_in_a_store_is_refused_as_the_whole_is(
    cases: Path, tmp_path: Path, given: str
) -> None:
    store = store_of(f"file://{tmp_path}/store/in")
    pa_fs.copy_files(str(cases), store.path, destination_filesystem=store.filesystem)
    uri = f"file://{tmp_path}/store/{given}"
    assert parts(uri)
    (tmp_path / "store/in/_delta_log").mkdir()
    with pytest.raises(CasesRefused, match="in: is a Delta table"):
        parts(uri)


@pytest.mark.parametrize("given", ["in", "in/office_ref=o-1", "in/office_ref=o-1/a.parquet"])
def test_an_iceberg_table_in_a_store_is_refused_however_it_is_given(
    cases: Path, tmp_path: Path, given: str
) -> None:
    store = store_of(f"file://{tmp_path}/store/in")
    pa_fs.copy_files(str(cases), store.path, destination_filesystem=store.filesystem)
    uri = f"fsspec+file://{tmp_path}/store/{given}"
    (tmp_path / "store/in/metadata").mkdir()
    assert parts(uri)
    for name in ("0.avro", "v1.metadata.json"):
        (tmp_path / "store/in/metadata" / name).touch()
    with pytest.raises(CasesRefused, match="in: is an Iceberg table"):
        parts(uri)


def test_files_of_another_run_are_not_taken_for_parts(cases: Path, tmp_path: Path) -> None:
    scored(cases, tmp_path / "out")
    (tmp_path / "out/old.00000.parquet").write_bytes(b"PAR1")
    with pytest.raises(OutRefused, match=r"holds old\.00000\.parquet, which would be taken"):
        scored(cases, tmp_path / "out")


@pytest.mark.parametrize("place", ["cases", "cases/out", "."])
def test_nothing_is_written_where_cases_are_read(cases: Path, tmp_path: Path, place: str) -> None:
    before = files(tmp_path)
    with pytest.raises(OutRefused, match="is where cases are read"):
        scored(cases, tmp_path / place)
    assert files(tmp_path) == before


def test_a_place_that_cannot_be_a_folder_is_told(cases: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutRefused, match="file is a file; give a folder"):
        scored(cases, tmp_path / "file")
    with pytest.raises(OutRefused, match="there is no folder"):
        scored(cases, tmp_path / "none/out")
    (tmp_path / "version").mkdir()
    (tmp_path / "version/manifest.json").write_text("{}")
    with pytest.raises(OutRefused, match="folder of a model version"):
        scored(cases, tmp_path / "version")


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("gopher://cases", r"gopher://cases: cannot be opened: .*; permitted are file://, s3://"),
        ("s3://key:secret@bucket/cases", "holds a password"),
    ],
)
def test_a_store_that_cannot_be_used_is_told(uri: str, says: str) -> None:
    with pytest.raises(StoreRefused, match=says) as refused:
        parts(uri)
    assert "secret" not in str(refused.value)
