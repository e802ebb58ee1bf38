"""What a SQLite journal is asked for beside records: the chain's end, contexts, a few kinds."""

import sqlite3
from collections.abc import Collection

from router.journal.chain import START
from router.journal.record import RECOMMENDATION, Context, Head
from router.journal.stores.rows import numbered


def filtered(kinds: Collection[str] | None) -> str:
    """Writes the condition that keeps these kinds behind a number, with a ? for each of them."""
    if kinds is None:
        return "WHERE seq > ?"
    within = f"WHERE seq > ? AND kind IN ({','.join('?' * len(kinds))})"
    if RECOMMENDATION in kinds:
        return within
    # The condition is said twice so that the index of the few may be used, and the index is named
    # so that SQLite never walks through all records instead.
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
