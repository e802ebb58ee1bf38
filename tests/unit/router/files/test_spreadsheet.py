"""A spreadsheet runs no text of a CSV, and a file that may hold cases is its owner's alone."""

import csv
import os
import stat
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from router.cases.arrow import write_batches
from router.files.aside import written_aside
from router.files.spreadsheet import as_text
from router.journal.export import export
from router.journal.stores.sqlite import SqliteJournal
from tests.builders import a_reading, a_recorded_recommendation
from training.data.case_files import write_cases

FORMULAS = ['=HYPERLINK("http://x","y")', "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1"]
PLAIN = ["case-1", "a=b", "0", "æ", "", "'"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_a_text(text: str) -> None:
    assert as_text(text) == f"'{text}"


@pytest.mark.parametrize("text", PLAIN)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert as_text(text) == text


def cells(path: Path, column: str) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row[column] for row in csv.DictReader(file)]


def test_no_writer_of_csv_lets_a_formula_through(tmp_path: Path) -> None:
    texts = FORMULAS + PLAIN
    written = [as_text(text) for text in texts]
    batch = pa.RecordBatch.from_pydict({"case_ref": texts, "minutes": [-1] * len(texts)})
    write_batches([batch], tmp_path / "scored.csv")
    assert cells(tmp_path / "scored.csv", "case_ref") == written
    assert set(cells(tmp_path / "scored.csv", "minutes")) == {"-1"}

    write_cases([pl.DataFrame({"case_ref": texts})], len(texts), tmp_path / "cases.csv", {})
    assert cells(tmp_path / "cases.csv", "case_ref") == written

    store = SqliteJournal(tmp_path / "journal.db")
    # As an older journal may hold them: today a reference like this is refused.
    refs = [text for text in texts if text]
    store.write_batch([a_recorded_recommendation(a_reading(), ref, mix=1, at=1) for ref in refs])
    export(store, tmp_path / "out.csv")
    store.close()
    assert cells(tmp_path / "out.csv", "case_ref") == [as_text(ref) for ref in refs]


def test_a_file_is_its_owners_alone_unless_it_is_to_be_shared(tmp_path: Path) -> None:
    modes = {}
    for shared in (False, True):
        with written_aside(tmp_path / f"{shared}", shared=shared) as aside:
            aside.write_text("x")
        modes[shared] = stat.S_IMODE((tmp_path / f"{shared}").stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    assert modes == {False: 0o600, True: 0o666 & ~umask}


def test_what_is_written_aside_goes_through_no_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / f".out.csv.{os.getpid()}.partial").symlink_to(victim)
    with written_aside(tmp_path / "out.csv") as aside:
        assert not aside.is_symlink()
        aside.write_text("x")
    assert victim.read_text() == "mine"
    assert (tmp_path / "out.csv").read_text() == "x"
