"""From the setting `journal` to a store."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from router.journal.sqlite import SqliteJournal

_ACCEPTED = "sqlite:///relative.db or sqlite:////absolute.db"


def open_journal(url: str, *, create: bool = True) -> SqliteJournal:
    """Open the journal that a URL names.

    Args:
        url: `sqlite:///` and a file's path; a path that starts with / is absolute.
        create: Whether a missing file is made; False for those who only read.

    Raises:
        ValueError: The URL names no file, or another kind of store.
        JournalBroken: Not a journal of a version known here, or missing without `create`.
        JournalUnavailable: The file cannot be opened or is locked.
    """
    parts = urlsplit(url)
    if parts.scheme != "sqlite":
        raise ValueError(f"journal: scheme {parts.scheme!r} is not known; accepted: {_ACCEPTED}")
    path = unquote(parts.path)[1:]
    if parts.netloc or parts.query or parts.fragment or path in ("", ":memory:") or path.endswith("/"):
        raise ValueError(f"journal: {url!r} names no file; accepted: {_ACCEPTED}")
    return SqliteJournal(Path(path), create=create)
