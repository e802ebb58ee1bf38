"""The SQLite file: its schema, how it is opened, and what its errors mean."""

import errno
import os
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

REVIEWS, REVIEWS_SINCE = "record_review", 5
"""The index of what is about reviews, and the version that it came with."""

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
    (
        # Of the chain: what is there already is of version 1.
        "ALTER TABLE record ADD COLUMN version INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE record ADD COLUMN caller TEXT NOT NULL DEFAULT ''",
        # 1 while a server has the file open: a copy that says so needs the log beside it.
        "INSERT INTO state (name, value) VALUES ('open', 0)",
    ),
    (
        # The first look for open reviews, which RequestReview waits for after a start, else reads
        # every choice and outcome there ever was.
        f"CREATE INDEX {REVIEWS} ON record (seq) WHERE kind IN ('review', 'answer')",
    ),
)
MIGRATION_TABLE = (
    "CREATE TABLE migration (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL)"
)
OLDEST_READ = 2
"""A schema before this one, older than 0.3.0, is brought up to date before it can be read."""

_BROKEN = {"SQLITE_CORRUPT", "SQLITE_NOTADB"}
_NO_TEXT = "journal {}: a text in it is no UTF-8: it is damaged; see `journal verify`"


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
        # Of a column that holds such a text; the message would repeat it.
        if str(error).startswith("Could not decode to UTF-8"):
            raise JournalBroken(_NO_TEXT.format(path)) from None
        if any(name.startswith(code) for code in _BROKEN):
            raise JournalBroken(f"journal {path}: {error} ({name})") from error
        number = _errno(path, name)
        code = errno.errorcode.get(number, "")
        cause = f"{name}, {code}: {os.strerror(number)}" if code else name
        raise JournalUnavailable(f"journal {path}: {error} ({cause})", code) from error
    except UnicodeDecodeError as error:
        raise JournalBroken(_NO_TEXT.format(path)) from error
    except OSError as error:
        code = errno.errorcode.get(error.errno or 0, "")
        told = f"{error.strerror or error}" + (f" ({code})" if code else "")
        raise JournalUnavailable(f"journal {path}: {told}", code) from error


def _errno(path: Path, name: str) -> int:
    """Finds the system's error behind SQLite's, which does not tell it; 0 if there is none.

    The file itself is not opened for it: closing it would give up the locks of this process.
    """
    if name.startswith("SQLITE_FULL"):
        return errno.ENOSPC
    if name.startswith("SQLITE_IOERR"):
        return errno.EIO
    if not name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return 0
    try:
        path.stat()
        read_only = os.statvfs(path).f_flag & os.ST_RDONLY
    except OSError as found:
        return found.errno or 0
    return errno.EROFS if read_only else errno.EACCES


def open_to_write(path: Path, *, create: bool, busy_seconds: float) -> sqlite3.Connection:
    """Opens or creates a journal file, its schema up to date.

    It has a write-ahead log, and every commit is forced to the disk.

    Raises:
        JournalBroken: if there is no such file (without `create`), or it is not a journal of a
            version known here.
        JournalUnavailable: if the file cannot be opened, may not be written or is locked.
    """
    with explained(path):
        if create:
            # It holds personal data; SQLite gives its log the same mode.
            path.touch(mode=0o600, exist_ok=True)
        elif not path.exists():
            raise JournalBroken(f"journal {path}: there is no such file")
        else:
            _check_writable(path)
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


def _check_writable(path: Path) -> None:
    """Checks that this user may write a journal that is there, without touching anything.

    SQLite finds out only when it writes, and has made a log by then that is this user's: the
    server, being another one, could not write it.

    Raises:
        JournalUnavailable: naming what cannot be written.
    """
    beside = (log_of(path), index_of(path))
    needed = [path, *(one for one in beside if one.exists())]
    if len(needed) <= len(beside):
        needed.append(path.parent)
    for one in needed:
        if not os.access(one, os.W_OK):
            number = errno.EROFS if os.statvfs(one).f_flag & os.ST_RDONLY else errno.EACCES
            code = errno.errorcode[number]
            raise JournalUnavailable(
                f"journal {path}: this user lacks the right to write {one} "
                f"({code}: {os.strerror(number)})",
                code,
            )


def log_of(path: Path) -> Path:
    """Names the write-ahead log of a journal file."""
    return path.with_name(f"{path.name}-wal")


def index_of(path: Path) -> Path:
    """Names the index of the write-ahead log of a journal file."""
    return path.with_name(f"{path.name}-shm")


@contextmanager
def open_to_read(path: Path, busy_seconds: float) -> Iterator[sqlite3.Connection]:
    """Opens a read-only connection, and leaves nothing behind.

    A reader neither waits for a writer nor stops it. SQLite makes a missing log and its index even
    for readers, whose files the server then could not use: where nobody has the file open it is
    read without them, so that any user can read, in any folder.

    Raises:
        JournalUnavailable: if somebody began to write what is read as it lies.
    """
    # Quoted: a question mark or per cent sign in a path would be read as a part of the URI.
    # Behind an empty name of a machine, or a path that begins with two slashes would name one.
    uri = f"file://{quote(str(path.absolute()))}?mode=ro"
    log, index = log_of(path), index_of(path)
    shared = log.exists() and index.exists()
    logged = not shared and _size(log) > 0
    if logged:
        # A log without its index: of a copy. Locks and the index are of this connection alone.
        uri += "&vfs=unix-none"
    elif not shared:
        uri += "&immutable=1"
    before = _stamp(path)
    connection = sqlite3.connect(
        uri, busy_seconds, isolation_level=None, check_same_thread=False, uri=True
    )
    with closing(connection):
        if logged:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        yield connection
    if not shared and _stamp(path) != before:
        raise JournalUnavailable(f"journal {path}: it was written to while it was read; read again")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _stamp(path: Path) -> tuple[int, ...]:
    """Tells file and log apart from any later state of them."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns, _size(log_of(path))


def check_readable(connection: sqlite3.Connection, path: Path) -> int:
    """Gives the version of a journal's schema.

    Raises:
        JournalBroken: if it is no journal, or of a version that is not read here.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        raise JournalBroken(f"journal {path}: no journal, but {_what(connection)}")
    version = version_of(connection)
    _refuse_newer(version, path)
    if version < OLDEST_READ:
        raise JournalBroken(
            f"journal {path}: version {version} is older than {OLDEST_READ}; "
            "start the server on it once, or `journal expire`, which bring it up to date"
        )
    return version


def _what(connection: sqlite3.Connection) -> str:
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return "an SQLite file of another program" if tables else "an empty file"


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
    version = version_of(connection)
    _refuse_newer(version, path)
    if version == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        # Read again under the lock: another process may have just migrated.
        version = version_of(connection)
        if version == 0:
            connection.execute(MIGRATION_TABLE)
        for number, statements in enumerate(MIGRATIONS[version:], version + 1):
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


def _refuse_newer(version: int, path: Path) -> None:
    if version > len(MIGRATIONS):
        raise JournalBroken(
            f"journal {path}: version {version} is newer than {len(MIGRATIONS)}, known here"
        )


def version_of(connection: sqlite3.Connection) -> int:
    """Reads the version of the schema, 0 of an empty file."""
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'migration'").fetchone()
    if not known:
        return 0
    (version,) = connection.execute("SELECT coalesce(max(version), 0) FROM migration").fetchone()
    return int(version)
