"""From SQLite's rows to records and contexts."""

import sqlite3
from collections.abc import Collection
from typing import Any

from router.journal.chain import START
from router.journal.record import RECOMMENDATION, Context, Head, StoredRecord

STORED = "seq, id, kind, context, written_at, payload, salt, commitment, head, about"
"""The columns of a row that `stored` reads."""
_LOST = Context(document="")


def filtered(kinds: Collection[str] | None) -> str:
    """The condition that keeps these kinds behind a number, with a ? for the number and each kind."""
    if kinds is None:
        return "WHERE seq > ?"
    within = f"WHERE seq > ? AND kind IN ({','.join('?' * len(kinds))})"
    if RECOMMENDATION in kinds:
        return within
    return f"INDEXED BY record_other {within} AND kind <> '{RECOMMENDATION}'"


def stored(row: tuple[Any, ...], contexts: dict[int, Context]) -> StoredRecord:
    """A row with its context, which is empty when it was lost or altered."""
    seq, id_, kind, context, *rest = row
    return StoredRecord(seq, id_, kind, contexts.get(context, _LOST), *rest)


def read_head(connection: sqlite3.Connection) -> Head:
    """The end of the chain."""
    row = connection.execute("SELECT seq, head FROM record ORDER BY seq DESC LIMIT 1").fetchone()
    return Head(*row) if row else START


def read_contexts(connection: sqlite3.Connection, ids: Collection[int] | None = None) -> dict[int, Context]:
    """Contexts by number, oldest first: all, or those with these numbers."""
    filtered = "" if ids is None else f"WHERE id IN ({','.join('?' * len(ids))})"
    query = f"SELECT id, digest, document FROM context {filtered} ORDER BY id"
    rows = connection.execute(query, tuple(ids or ())).fetchall()
    read = ((id_, digest, Context(document=str(document))) for id_, digest, document in rows)
    return {id_: context if context.digest == digest else _LOST for id_, digest, context in read}
