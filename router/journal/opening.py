"""From the `journal` setting to an open journal."""

from router.journal.sqlite import SqliteJournal

_SCHEME = "sqlite:///"


def open_journal(url: str, *, create: bool = True) -> SqliteJournal:
    """Open the journal that a URL names: `sqlite:///relative.db` or `sqlite:////absolute.db`.

    Args:
        url: The setting.
        create: False to refuse a missing file, for those who only read.

    Raises:
        ValueError: Another scheme, or no file name.
        JournalUnavailable: The file cannot be opened or is locked.
        JournalBroken: The file is not a journal, or a newer version wrote it.
    """
    path = url.removeprefix(_SCHEME)
    if path == url or not path or path.endswith("/"):
        # Only the scheme is repeated: the rest of a URL may hold a password.
        scheme = url.partition("://")[0] if "://" in url else "no scheme"
        raise ValueError(
            f"journal: cannot use {scheme!r} this way; accepted are sqlite:///relative.db and sqlite:////absolute.db"
        )
    return SqliteJournal(path, create=create)
