"""The tables of the SQLite journal, as numbered steps of plain SQL."""

import sqlite3

from router.journal.record import JournalBroken

# "chJl": tells a journal from any other SQLite file before anything is written to it.
APPLICATION_ID = 0x63684A6C

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE context (
            id INTEGER PRIMARY KEY,
            digest BLOB NOT NULL UNIQUE,
            document TEXT NOT NULL
        ) STRICT""",
        """CREATE TABLE record (
            seq INTEGER PRIMARY KEY,
            id BLOB NOT NULL UNIQUE,
            kind TEXT NOT NULL,
            context INTEGER NOT NULL REFERENCES context (id),
            written_at INTEGER NOT NULL,
            payload BLOB,
            salt BLOB,
            commitment BLOB NOT NULL,
            head BLOB NOT NULL
        ) STRICT""",
        """CREATE TABLE state (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            seq INTEGER NOT NULL,
            head BLOB NOT NULL,
            probed_at INTEGER NOT NULL
        ) STRICT""",
        "INSERT INTO state (id, seq, head, probed_at) VALUES (1, 0, zeroblob(32), 0)",
    ),
)
"""Step n brings a file from version n to n + 1; a released step is never changed."""


def prepare(connection: sqlite3.Connection) -> None:
    """Check that the file is a journal, bring it to the newest version and into write-ahead mode.

    Raises:
        JournalBroken: It belongs to something else, or a newer version wrote it.
        sqlite3.DatabaseError: It cannot be read or written.
    """
    if _version(connection) < len(MIGRATIONS):
        _migrate(connection)
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise JournalBroken(f"write-ahead logging is not possible on this file system (mode is {mode})")


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Asked again under the lock: another process may have just done it.
        for step in MIGRATIONS[_version(connection) :]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if application != APPLICATION_ID and connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise JournalBroken("this is an SQLite file, but not a journal")
    if version > len(MIGRATIONS):
        raise JournalBroken(f"written by a newer version (format {version}, known up to {len(MIGRATIONS)})")
    return version
