"""What is altered behind a journal's back is found: a short form of `python -m bench.tampering`."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bench.tampering import InADatabase, InAFile, notices, tamper
from router.journal.opening import open_to_read
from router.journal.verification import verify
from tests.postgres_server import PostgresServer


def test_no_alteration_of_a_file_goes_unnoticed(tmp_path: Path) -> None:
    found = tamper(InAFile(tmp_path, random.Random(1)), 30, random.Random(2))
    assert found.unnoticed == []


@pytest.fixture
def in_a_database(postgres: PostgresServer) -> InADatabase:
    return InADatabase(postgres.url, random.Random(1))


def test_no_alteration_of_a_database_goes_unnoticed(in_a_database: InADatabase) -> None:
    found = tamper(in_a_database, 4, random.Random(3))
    assert found.unnoticed == []
    in_a_database.close()


@pytest.mark.parametrize("version", [1, 2])
def test_feedback_cannot_be_detached_by_moving_bytes_between_fields(
    tmp_path: Path, version: int
) -> None:
    place = InAFile(tmp_path, random.Random(1))
    store = open_to_read(place.url)
    head = verify(store).head
    choice = next(one for one in store.read(kinds=("choice",)) if one.version == version)
    moved = "id = CAST(id || kind || ':' AS BLOB), kind = lower(hex(about)), about = NULL"
    place.alter([f"UPDATE record SET {moved}, claim = NULL WHERE seq = {choice.seq}"])
    verdict = verify(store, head)
    assert verdict.broken_seq == choice.seq
    assert "its id is not 16 bytes" in (verdict.reason or "")


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        (
            ["UPDATE record SET payload = NULL, salt = NULL, subject = NULL WHERE seq = 12"],
            "record 12: erased, and no record tells of it",
        ),
        (
            ["CREATE TRIGGER t AFTER INSERT ON record BEGIN SELECT 1; END"],
            "trigger t is none of the journal's",
        ),
        (["DROP INDEX record_about"], "index record_about is missing"),
        (
            ["UPDATE state SET value = 20 WHERE name = 'subjects_after'"],
            "the mark from which on records have subjects was altered",
        ),
        (
            ["UPDATE state SET value = 'x' WHERE name = 'subjects_after'"],
            "state subjects_after holds no number: it was altered",
        ),
        (
            [
                "UPDATE sqlite_master SET sql = sql || ' AND seq <> 7' WHERE name = 'record_other'",
                "REINDEX record_other",
                "UPDATE sqlite_master SET sql = replace(sql, ' AND seq <> 7', '')",
            ],
            "read by kind it gives other records than read in order: an index is damaged",
        ),
    ],
)
def test_what_verify_finds_is_told(tmp_path: Path, statements: list[str], problem: str) -> None:
    place = InAFile(tmp_path, random.Random(1))
    place.alter(statements)
    verdict = verify(open_to_read(place.url))
    assert problem in (*verdict.problems, verdict.reason)


@pytest.mark.parametrize("column", ["id", "payload", "salt", "commitment", "head", "caller"])
@pytest.mark.parametrize("value", ["'x'", "7", "1.5", "CAST(X'FF' AS TEXT)", "zeroblob(3)", "NULL"])
def test_a_value_of_another_type_is_a_finding_and_no_fault(
    tmp_path: Path, column: str, value: str
) -> None:
    place = InAFile(tmp_path, random.Random(1))
    head = verify(open_to_read(place.url)).head
    # Columns that may not be empty keep what they hold.
    place.alter([f"UPDATE OR IGNORE record SET {column} = {value} WHERE seq = 12"])
    stored = f"SELECT 1 FROM record WHERE seq = 12 AND {column} IS {value}"
    with closing(sqlite3.connect(place.url.removeprefix("sqlite:///"))) as connection:
        altered = connection.execute(stored).fetchone()
    assert verify(open_to_read(place.url), head).intact == (altered is None)


@pytest.mark.parametrize("column", ["kind", "claim", "caller"])
def test_the_record_that_is_named_is_the_one_whose_text_is_no_utf_8_any_more(
    tmp_path: Path, column: str
) -> None:
    place = InAFile(tmp_path, random.Random(1))
    kept = "kind <> 'seal' AND seq > (SELECT max(seq) / 2 FROM record)"
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection:
        (seq,) = connection.execute(f"SELECT min(seq) FROM record WHERE {kept}").fetchone()
    place.alter([f"UPDATE record SET {column} = CAST(X'C328' AS TEXT) WHERE seq = {seq}"])
    verdict = verify(open_to_read(place.url))
    assert (verdict.broken_seq, verdict.records) == (seq, seq - 1)
    assert "a text in it is no UTF-8" in (verdict.reason or "")


def test_a_restored_content_that_was_to_be_erased_is_told(tmp_path: Path) -> None:
    place = InAFile(tmp_path, random.Random(1))
    store = open_to_read(place.url)
    head = verify(store).head
    # As a copy from before the erasure would bring it back.
    place.alter(["UPDATE record SET payload = X'00', salt = zeroblob(16) WHERE seq = 2"])
    assert notices(place.url, head)
