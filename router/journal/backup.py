"""A journal is backed up while it is written to, and restored where there is none.

A backup is a journal in one SQLite file, wherever the journal is kept: it is verified, read and
restored like any other.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from router.files.aside import written_aside
from router.journal.opening import file_of, open_journal, open_to_read
from router.journal.record import Head, JournalBroken
from router.journal.stores.sqlite_file import log_of
from router.journal.stores.sqlite_reader import SqliteReader
from router.journal.verification import Verification, verify


def backup(url: str, out: Path) -> Verification:
    """Writes one moment of a journal into a file, and verifies the file.

    Args:
        url: of the journal, which may be written to meanwhile.
        out: a new file.

    Raises:
        JournalBroken: if the journal cannot be read, or the file is there already.
        JournalUnavailable: if it cannot be read now, or the file cannot be written.
        OSError: if the file cannot be made.
    """
    _refuse_existing(out)
    with closing(open_to_read(url)) as store, written_aside(out) as aside:
        store.copy_to(aside)
    return verify(SqliteReader(out))


def restore(kept: Path, url: str, expected: Head | None = None) -> Verification:
    """Puts a backup in the place of a journal that is not there, and verifies what it put there.

    Args:
        kept: the backup.
        url: of the journal to be.
        expected: a head that it must hold.

    Raises:
        JournalBroken: if the backup does not verify, or a journal is there already.
        JournalUnavailable: if it cannot be written now.
        OSError: if the file cannot be made.
    """
    reader = SqliteReader(kept)
    verdict = verify(reader, expected)
    if not verdict.intact:
        found = verdict.reason or verdict.problems[0]
        raise JournalBroken(f"backup {kept}: does not verify, nothing was restored: {found}")
    path = file_of(url)
    if path is None:
        _adopt(url, reader)
    else:
        _refuse_existing(path)
        _refuse_existing(log_of(path))
        with written_aside(path) as aside:
            reader.copy_to(aside)
    with closing(open_to_read(url)) as restored:
        return verify(restored, verdict.head)


def _adopt(url: str, reader: SqliteReader) -> None:
    """Puts a backup into a database.

    Raises:
        JournalBroken: if it cannot be put there, such as by who may only read.
        JournalUnavailable: if it cannot be written now.
    """
    try:
        with closing(open_journal(url)) as store:
            # Imported now that its driver was found.
            from router.journal.stores.postgres import PostgresJournal  # noqa: PLC0415

            assert isinstance(store, PostgresJournal)
            store.adopt(reader)
    except JournalBroken as problem:
        raise JournalBroken(f"{problem}; nothing was restored") from problem


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise JournalBroken(f"{path}: is there already; move it away first")
