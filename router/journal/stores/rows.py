"""From a database's rows to records and contexts, alike in every store."""

from collections.abc import Iterable
from typing import Any

from router.journal.record import Context, StoredRecord

STORED = "seq, id, kind, context, written_at, payload, salt, commitment, head, about"
"""The columns of a row that `stored` reads."""
BLOCK = 10
"""A subject is looked for in blocks of 2 ** 10 records, some microseconds each.

One index over all would touch a page of its own for every record that is appended: at 500,000 it
takes a third of the rows a second. Within a block those pages are few; larger blocks have more of
them, and are fewer to look in (ADR 17).
"""
_LOST = Context(document="")


def stored(row: tuple[Any, ...], contexts: dict[int, Context]) -> StoredRecord:
    """Reads a row with its context, which is empty when it was lost or altered."""
    seq, id_, kind, context, *rest = row
    return StoredRecord(seq, id_, kind, contexts.get(context, _LOST), *rest)


def numbered(rows: Iterable[tuple[int, bytes, str]]) -> dict[int, Context]:
    """Reads contexts by number, from rows of number, digest and document.

    A context is empty where its document was altered.
    """
    read = ((id_, digest, Context(document=str(document))) for id_, digest, document in rows)
    return {id_: context if context.digest == digest else _LOST for id_, digest, context in read}
