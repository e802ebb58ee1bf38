"""One moment of a journal, row by row, and a file written from it: how a database is backed up."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from router.journal.stores.rows import STORED
from router.journal.stores.sqlite_file import explained, open_to_write

ROWS = 1000
"""That are written together."""
_PLACES = ",".join("?" * len(STORED.split(",")))


class Moment(NamedTuple):
    """What a journal held at one moment.

    Attributes:
        contexts: rows of number, digest and document.
        records: rows of `STORED`, in the order of the chain.
        subjects_after: up to here records may have no subject.
    """

    contexts: list[tuple[int, bytes, str]]
    records: Iterator[tuple[Any, ...]]
    subjects_after: int


def write_moment(moment: Moment, path: Path) -> None:
    """Writes a moment into a new journal in a file, durably.

    Raises:
        JournalUnavailable: if it cannot be written.
    """
    with (
        explained(path),
        closing(open_to_write(path, create=True, busy_seconds=1.0)) as connection,
    ):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO context VALUES (?, ?, ?)", moment.contexts)
        last = 0
        for rows in chunks(moment.records):
            insert = f"INSERT INTO record ({STORED}) VALUES ({_PLACES})"  # nosec B608
            connection.executemany(insert, rows)
            last = rows[-1][0]
        after = (min(moment.subjects_after, last),)
        connection.execute("UPDATE state SET value = ? WHERE name = 'subjects_after'", after)
        connection.execute("COMMIT")


def copy_file(source: sqlite3.Connection, path: Path) -> None:
    """Copies a journal in a file as it is at this moment, durably, into an empty file.

    Raises:
        JournalUnavailable: if it cannot be written.
    """
    with explained(path), closing(sqlite3.connect(path, isolation_level=None)) as target:
        # In one step: nothing that is written meanwhile begins it anew.
        source.backup(target)
        target.execute("PRAGMA synchronous = FULL")
        # Nobody has the copy open, and no log belongs to it.
        target.execute("UPDATE state SET value = 0 WHERE name = 'open'")


def chunks(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """Gives rows some at a time."""
    rest = iter(rows)
    while some := list(islice(rest, ROWS)):
        yield some
