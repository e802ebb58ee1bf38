"""From the `journal` setting to an open journal: which URL means which store.

The URL of a new store joins here.
"""

from pathlib import Path

from router.journal.record import JournalBroken, JournalNotNamed
from router.journal.store import JournalStore
from router.journal.stores.sqlite import SqliteJournal

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
        return _postgres(url, create=create)
    path = url.removeprefix(_SQLITE)
    if path == url or not path or path.endswith("/"):
        # Only the scheme is repeated: the rest of a URL may hold a password.
        scheme = url.partition("://")[0] if "://" in url else "no scheme"
        raise JournalNotNamed(
            f"journal: cannot use {scheme!r} this way; accepted are sqlite:///relative.db, "
            "sqlite:////absolute.db and postgresql://HOST/DATABASE"
        )
    return SqliteJournal(path, create=create)


def journal_file(url: str) -> Path | None:
    """Gives the file of a journal that `open_journal` takes; None if it is in a database."""
    return Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None


def _postgres(url: str, *, create: bool) -> JournalStore:
    # Imported here: a journal in a file needs no driver.
    try:
        import psycopg  # noqa: F401, PLC0415
    except ImportError as error:
        raise JournalBroken(
            f"journal: PostgreSQL needs psycopg; install channel-router[postgres] ({error})"
        ) from error
    from router.journal.stores.postgres import PostgresJournal  # noqa: PLC0415

    return PostgresJournal(url, create=create)
