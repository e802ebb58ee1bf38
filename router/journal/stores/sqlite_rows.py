"""SQL of the SQLite journal's reads: the chain's end, contexts, records by kind or subject."""

import sqlite3
import sys
from collections.abc import Collection, Iterator
from typing import Any

from router.journal.chain import START
from router.journal.record import RECOMMENDATION, Context, Head, JournalBroken
from router.journal.stores.rows import BLOCK, FEWEST, STORED, numbered
from router.journal.stores.sqlite_file import REVIEWS, REVIEWS_SINCE

# Asked for anew so often that no reader holds the log for long.
_READ_ROWS = 1000
_SUBJECT = f"SELECT {STORED} FROM record WHERE seq >> {BLOCK} = ? AND subject = ? AND seq < ?"
_WITHOUT = f"""SELECT {STORED} FROM record
    WHERE seq < ? AND kind = '{RECOMMENDATION}' ORDER BY seq DESC LIMIT ?"""


def filtered(kinds: Collection[str] | None, version: int) -> str:
    """Writes the condition that keeps these kinds behind a number, with a ? for each of them.

    Args:
        kinds: None for all.
        version: of the file's schema: indexes came with it.
    """
    if kinds is None:
        return "WHERE seq > ?"
    within = f"WHERE seq > ? AND kind IN ({','.join('?' * len(kinds))})"
    if RECOMMENDATION in kinds:
        return within
    # The condition is said twice so that the index of the few may be used, and the index is named
    # so that SQLite never walks through all records instead.
    if version >= REVIEWS_SINCE and FEWEST.issuperset(kinds):
        return f"INDEXED BY {REVIEWS} {within} AND kind IN ('review', 'answer')"
    return f"INDEXED BY record_other {within} AND kind <> '{RECOMMENDATION}'"


def read_head(connection: sqlite3.Connection) -> Head:
    """Reads the end of the chain."""
    row = connection.execute("SELECT seq, head FROM record ORDER BY seq DESC LIMIT 1").fetchone()
    return Head(*row) if row else START


def read_contexts(
    connection: sqlite3.Connection, ids: Collection[int] | None = None
) -> dict[int, Context]:
    """Reads contexts by number, oldest first: all, or those with these numbers."""
    filtered = "" if ids is None else f"WHERE id IN ({','.join('?' * len(ids))})"
    query = f"SELECT id, digest, document FROM context {filtered} ORDER BY id"
    return numbered(connection.execute(query, tuple(ids or ())).fetchall())


def every_context(connection: sqlite3.Connection) -> Iterator[Context]:
    """Yields all contexts, oldest first, some at a time."""
    query = "SELECT id, digest, document FROM context WHERE id > ? ORDER BY id LIMIT ?"
    after = -sys.maxsize
    while rows := connection.execute(query, (after, _READ_ROWS)).fetchall():
        yield from numbered(rows).values()
        after = rows[-1][0]


def with_subject(
    connection: sqlite3.Connection, subject: bytes, end: int
) -> Iterator[tuple[Any, ...]]:
    """Yields rows of a subject before a number, the latest first, block by block of the index."""
    for block in range(end - 1 >> BLOCK, -1, -1):
        found = connection.execute(_SUBJECT, (block, subject, end)).fetchall()
        yield from sorted(found, reverse=True)


def without_subject(connection: sqlite3.Connection, end: int) -> Iterator[tuple[Any, ...]]:
    """Yields recommendations from before subjects were kept, the latest first."""
    end = min(end, read_subjects_after(connection) + 1)
    while rows := connection.execute(_WITHOUT, (end, _READ_ROWS)).fetchall():
        yield from rows
        end = rows[-1][0]


def read_subjects_after(connection: sqlite3.Connection) -> int:
    """Reads up to where records may have no subject; before subjects were kept, that is all.

    Raises:
        JournalBroken: if no number stands there: SQLite keeps what it is given.
    """
    query = "SELECT value FROM state WHERE name = 'subjects_after'"
    row = connection.execute(query).fetchone()
    if row and type(row[0]) is not int:
        raise JournalBroken("state subjects_after holds no number: it was altered")
    return row[0] if row else sys.maxsize
