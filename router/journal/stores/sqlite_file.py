"""The SQLite file: its schema, how it is opened, and what its errors mean."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from router.journal.record import JournalBroken, JournalUnavailable

# Written into the file's header ("jrnl"), so that a foreign SQLite file is never taken for a
# journal.
APPLICATION_ID = 0x6A726E6C
# The write-ahead log shrinks back to this after a checkpoint, however large a burst or a slow
# reader made it.
LARGEST_IDLE_WAL_BYTES = 16 * 1024 * 1024

# One tuple of statements per version, applied in order; never edit one that has been released.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE context (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, "
        "document TEXT NOT NULL)",
        """CREATE TABLE record (
            seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, kind TEXT NOT NULL, \
context INTEGER NOT NULL,
            written_at INTEGER NOT NULL, payload BLOB, salt BLOB, commitment BLOB NOT NULL,
            head BLOB NOT NULL)""",
        "CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
        "INSERT INTO state (name, value) VALUES ('probes', 0)",
    ),
    (
        "ALTER TABLE record ADD COLUMN about BLOB",
        "ALTER TABLE record ADD COLUMN claim TEXT",
        # Recommendations are about nothing, so that appending them touches neither index.
        "CREATE INDEX record_about ON record (about, seq) WHERE about IS NOT NULL",
        "CREATE UNIQUE INDEX record_claim ON record (about, claim) WHERE claim IS NOT NULL",
        # The few among the many, in chain order.
        "CREATE INDEX record_other ON record (seq) WHERE kind <> 'recommendation'",
    ),
    (
        "ALTER TABLE record ADD COLUMN subject BLOB",
        "CREATE INDEX record_subject ON record (seq >> 10, subject) WHERE subject IS NOT NULL",
        # Earlier records have no subject: up to here a case's are found by reading.
        "INSERT INTO state SELECT 'subjects_after', coalesce(max(seq), 0) FROM record",
    ),
)

_BROKEN = {"SQLITE_CORRUPT", "SQLITE_NOTADB"}


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns SQLite's errors and the file system's into the journal's.

    Raises:
        JournalBroken: if the file is damaged or no SQLite file.
        JournalUnavailable: if SQLite or the file system refuses anything else.
    """
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", None) or type(error).__name__
        broken = any(name.startswith(code) for code in _BROKEN)
        kind = JournalBroken if broken else JournalUnavailable
        raise kind(f"journal {path}: {error} ({name})") from error
    except OSError as error:
        raise JournalUnavailable(f"journal {path}: {error.strerror or error}") from error


def open_to_write(path: Path, *, create: bool, busy_seconds: float) -> sqlite3.Connection:
    """Opens or creates a journal file, its schema up to date.

    It has a write-ahead log, and every commit is forced to the disk.

    Raises:
        JournalBroken: if there is no such file (without `create`), or it is not a journal of a
            version known here.
        JournalUnavailable: if the file cannot be opened or is locked.
    """
    with explained(path):
        if create:
            # It holds personal data; SQLite gives its log the same mode.
            path.touch(mode=0o600, exist_ok=True)
        elif not path.exists():
            raise JournalBroken(f"journal {path}: there is no such file")
        # Whatever thread closes or probes it, SqliteJournal takes its lock first.
        connection = sqlite3.connect(
            path, busy_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            _configure(connection, path)
            _migrate(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def open_to_read(path: Path, busy_seconds: float) -> "closing[sqlite3.Connection]":
    """Opens a second, read-only connection: a reader neither waits for the writer nor stops it."""
    # Quoted: a question mark or per cent sign in a path would be read as a part of the URI.
    uri = f"file:{quote(str(path))}?mode=ro"
    connection = sqlite3.connect(
        uri, busy_seconds, isolation_level=None, check_same_thread=False, uri=True
    )
    return closing(connection)


def _configure(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    # A file just made is empty and bears no mark: it is taken as a new journal.
    if application != APPLICATION_ID and (application != 0 or tables):
        raise JournalBroken(f"journal {path}: an SQLite file of another program")

    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise JournalBroken(
            f"journal {path}: its file system cannot keep a write-ahead log; use a local disk"
        )

    # In WAL the usual NORMAL may lose the last commits in a power cut, and they were acknowledged.
    connection.execute("PRAGMA synchronous = FULL")
    # Else erased content stays in the file's free pages.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA journal_size_limit = {LARGEST_IDLE_WAL_BYTES}")


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    version = _version(connection)
    if version > len(MIGRATIONS):
        raise JournalBroken(
            f"journal {path}: version {version} is newer than {len(MIGRATIONS)}, known here"
        )
    if version == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migration "
            "(version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL)"
        )
        # Read again under the lock: another process may have just migrated.
        for number, statements in enumerate(
            MIGRATIONS[_version(connection) :], _version(connection) + 1
        ):
            for statement in statements:
                connection.execute(statement)
            connection.execute(
                "INSERT INTO migration VALUES (?, ?)", (number, time.time_ns() // 1000)
            )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'migration'").fetchone()
    if not known:
        return 0
    (version,) = connection.execute("SELECT coalesce(max(version), 0) FROM migration").fetchone()
    return int(version)
