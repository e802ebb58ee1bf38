"""Journals of earlier schemas are read and go on."""

import hashlib
import os
import sqlite3
from pathlib import Path

from router.journal.record import Context, Record
from router.journal.stores.sqlite import SqliteJournal
from router.journal.stores.sqlite_file import APPLICATION_ID, MIGRATIONS
from router.journal.verification import verify

CONTEXT = Context(document='{"model_version":"m1"}')


def write_as_version_1_did(path: Path, records: int) -> None:
    """Writes a journal from before records could be about others, with the chain as it was."""
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for statement in MIGRATIONS[0]:
        connection.execute(statement)
    connection.execute(
        "CREATE TABLE migration (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL)"
    )
    connection.execute("INSERT INTO migration VALUES (1, 0)")
    connection.execute("INSERT INTO context VALUES (1, ?, ?)", (CONTEXT.digest, CONTEXT.document))
    head = bytes(32)
    for seq in range(1, records + 1):
        id_, salt, payload, at = os.urandom(16), os.urandom(16), b"payload", 1_000
        sealed = hashlib.sha256(salt + CONTEXT.digest + payload).digest()
        counted = seq.to_bytes(8, "big") + id_ + b"recommendation" + at.to_bytes(8, "big")
        head = hashlib.sha256(head + counted + sealed).digest()
        row = (seq, id_, "recommendation", 1, at, payload, salt, sealed, head)
        connection.execute("INSERT INTO record VALUES (?,?,?,?,?,?,?,?,?)", row)
    connection.commit()
    connection.close()


def test_a_journal_of_the_first_version_still_verifies_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    write_as_version_1_did(path, 3)
    store = SqliteJournal(path)
    first = next(store.read())
    about = Record(os.urandom(16), "choice", CONTEXT, b"{}", 2_000, first.id, "choice")
    store.write_batch([about])
    assert [(one.kind, one.version) for one in store.read()] == [
        *[("recommendation", 1)] * 3,
        ("seal", 2),
        ("choice", 2),
    ]
    assert [stored.seq for stored in store.about(first.id)] == [5]
    verdict = verify(store)
    store.close()
    assert (verdict.intact, verdict.records) == (True, 5)
