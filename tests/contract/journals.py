"""Places where a journal is kept, and records to keep there."""

import json
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from router.journal.record import Context, Record
from router.journal.retention import erase as erase_with_a_record
from router.journal.store import Held, JournalReader, JournalStore
from router.journal.stores.postgres import PostgresJournal
from router.journal.stores.postgres_database import LOCK_KEY
from router.journal.stores.sqlite import SqliteJournal

CONTEXT = Context(document='{"model_version":"m1"}')


@dataclass(slots=True, kw_only=True)
class Kept:
    """A place where a journal is kept: can be opened again, and reached behind the store's back."""

    url: str
    open: Callable[[], JournalStore]
    sql: Callable[[str], None]
    lock: Callable[[], Callable[[], None]]
    lose: Callable[[], None]
    opened: list[JournalStore] = field(default_factory=list)

    def forget(self) -> None:
        """Closes what is open and loses the journal."""
        for store in self.opened:
            store.close()
        self.opened.clear()
        self.lose()

    def store(self) -> JournalStore:
        self.opened.append(self.open())
        return self.opened[-1]


def in_a_file(folder: Path) -> Kept:
    """Gives a journal in an SQLite file."""
    path = folder / "journal.db"

    def sql(statement: str) -> None:
        connection = sqlite3.connect(path)
        with connection:
            connection.execute(statement)
        connection.close()

    def lock() -> Callable[[], None]:
        connection = sqlite3.connect(path, isolation_level=None)
        # What another writer holds while it writes.
        connection.execute("BEGIN IMMEDIATE")
        return connection.close

    return Kept(
        url=f"sqlite:///{path}",
        open=lambda: SqliteJournal(path),
        sql=sql,
        lock=lock,
        lose=path.unlink,
    )


def in_a_database(url: str) -> Kept:
    """Gives a journal in a PostgreSQL database."""

    def sql(statement: str) -> None:
        with psycopg.connect(url) as connection:
            connection.execute(_as_postgres_writes(statement))

    def lock() -> Callable[[], None]:
        connection = psycopg.connect(url)
        # The store's own lock, as another process that writes would hold it.
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK_KEY,))
        return connection.close

    def lose() -> None:
        sql("DROP TABLE record, context, state, migration")

    return Kept(url=url, open=lambda: PostgresJournal(url), sql=sql, lock=lock, lose=lose)


def _as_postgres_writes(statement: str) -> str:
    return statement.replace("X'", r"'\x").replace(
        "zeroblob(32)", "decode(repeat('00', 32), 'hex')"
    )


def some_records(count: int, *, payload: bytes = b"payload") -> list[Record]:
    """Gives recommendations, written one microsecond after the other from 1,000 on."""
    return [
        Record(os.urandom(16), "recommendation", CONTEXT, payload, 1_000 + at)
        for at in range(count)
    ]


def a_record_about(
    decision: bytes, kind: str = "choice", *, claim: str = "", **content: object
) -> Record:
    """Gives a choice or another record about a recommendation."""
    context = Context(document=json.dumps({"kind": kind}))
    return Record(
        os.urandom(16), kind, context, json.dumps(content).encode(), 2_000, decision, claim
    )


def erase(store: JournalStore, *records: Record) -> int:
    """Erases records as an operator does, with a record of it; gives how many held content."""
    stored = store.find([record.id for record in records])
    held = sorted(Held(one.seq, one.id) for one in stored)
    return erase_with_a_record(store, lambda: held, now=3_000, why="request")


def ids(store: JournalReader) -> list[bytes]:
    """Gives the ids of all that is kept, in chain order."""
    return [stored.id for stored in store.read()]
