"""From the `journal` setting to an open journal: which URL means which store.

The URL of a new store joins here.
"""

from pathlib import Path

from router.files.plain_files import ODD, is_odd
from router.journal.record import JournalBroken, JournalNotNamed
from router.journal.store import JournalReader, JournalStore
from router.journal.stores.sqlite import SqliteJournal
from router.journal.stores.sqlite_reader import SqliteReader

_SQLITE = "sqlite:///"
# Both are libpq's: platforms hand out the one or the other.
_POSTGRES = ("postgresql://", "postgres://")


def open_journal(url: str, *, create: bool = True) -> JournalStore:
    """Opens the journal that a URL names.

    Args:
        url: `sqlite:///relative.db`, `sqlite:////absolute.db` or
            `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`.
        create: false to refuse a missing journal, for those who only read.

    Raises:
        JournalNotNamed: if the scheme is another, or the URL cannot be read.
        JournalUnavailable: if the journal cannot be reached or is locked.
        JournalBroken: if it is no journal, a newer version wrote it, or its driver is missing.
    """
    if url.startswith(_POSTGRES):
        _need_psycopg()
        from router.journal.stores.postgres import PostgresJournal  # noqa: PLC0415

        return PostgresJournal(url, create=create)
    return SqliteJournal(_path_of(url), create=create)


def open_to_read(url: str) -> JournalReader:
    """Opens the journal that a URL names for those who only read, and leave nothing behind.

    A file may be another user's, in a folder that nobody may write to; of a database SELECT is
    enough.

    Args:
        url: as `open_journal` takes it.

    Raises:
        JournalNotNamed: if the scheme is another, or the URL cannot be read.
        JournalUnavailable: if the journal cannot be reached.
        JournalBroken: if it is no journal, its version is not read here, or its driver is missing.
    """
    if url.startswith(_POSTGRES):
        _need_psycopg()
        from router.journal.stores.postgres_reader import PostgresReader  # noqa: PLC0415

        return PostgresReader(url)
    return SqliteReader(_path_of(url))


def file_of(url: str) -> Path | None:
    """Gives the path of a journal in a file, absolute; None of one elsewhere.

    Raises:
        JournalNotNamed: if the URL cannot be read.
    """
    return None if url.startswith(_POSTGRES) else Path(_path_of(url)).absolute()


def _path_of(url: str) -> str:
    path = url.removeprefix(_SQLITE)
    if path == url or not path or path.endswith("/"):
        # Only the scheme is repeated: the rest of a URL may hold a password.
        scheme = url.partition("://")[0] if "://" in url else "no scheme"
        raise JournalNotNamed(
            f"journal: cannot use {scheme!r} this way; accepted are sqlite:///relative.db, "
            "sqlite:////absolute.db and postgresql://HOST/DATABASE"
        )
    if path == ":memory:":
        raise JournalNotNamed("journal: must be kept, and memory is not; name a file")
    if Path(path).is_dir():
        raise JournalNotNamed(f"journal: {path} is a folder; name a file in it")
    # SQLite would wait for a pipe for good, and write to a device.
    if is_odd(Path(path)):
        raise JournalNotNamed(f"journal: {path} {ODD}; name a file")
    return path


def journal_file(url: str) -> Path | None:
    """Gives the file of a journal that `open_journal` takes; None if it is in a database."""
    return Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None


def _need_psycopg() -> None:
    # Imported where it is used: a journal in a file needs no driver.
    try:
        import psycopg  # noqa: F401, PLC0415
    except ImportError as error:
        raise JournalBroken(
            f"journal: PostgreSQL needs psycopg; install channel-router[postgres] ({error})"
        ) from error
