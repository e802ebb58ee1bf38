"""From a database's rows to records and contexts, alike in every store."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

from router.journal.record import Context, StoredRecord

_ALWAYS = "seq, id, kind, context, written_at, payload, salt, commitment, head, about"
HELD = "(payload IS NOT NULL OR salt IS NOT NULL OR subject IS NOT NULL)"
"""Of a row, whether anything is left of what an erasure removes."""
STORED = f"{_ALWAYS}, version, claim, subject, caller"
"""The columns of a row that `stored` reads."""
STORED_WITH_SUBJECTS = f"{_ALWAYS}, 1, claim, subject, ''"
"""The same of a table from before records had a version of the chain and a caller."""
STORED_AS_0_3_0 = f"{_ALWAYS}, 1, claim, NULL, ''"
"""The same of a table from before records had a subject."""
FEWEST = frozenset(("review", "answer"))
"""Kinds that the index `record_review` leads to."""
BLOCK = 10
"""A subject is looked for in blocks of 2 ** 10 records, some microseconds each.

One index over all would touch a page of its own for every record that is appended: at 500,000 it
takes a third of the rows a second. Within a block those pages are few; larger blocks have more of
them, and are fewer to look in (ADR 17).
"""
PASSED_OVER = 100_000
"""Records that one statement passes over at most when it looks for the few that are asked for.

However long the journal is, each statement is short.
"""
CONTEXTS_KEPT = 4096
"""Contexts held in memory by one reading, some kilobytes each."""
_LOST = Context(document="")


def stored(row: tuple[Any, ...], contexts: dict[int, Context]) -> StoredRecord:
    """Reads a row with its context, which is empty when it was lost or altered."""
    seq, id_, kind, context, *rest = row
    return StoredRecord(seq, id_, kind, contexts.get(context, _LOST), *rest)


def still_held(journal: object, seq: int) -> str:
    """Says that something of a record is left after an erasure that went by without an error."""
    return (
        f"journal {journal}: record {seq} still holds its content: something in the database keeps "
        "it, or a part of it, such as a trigger. `journal verify` names what is none of the "
        "journal's; remove that, and erase again"
    )


def numbered(rows: Iterable[tuple[int, bytes, str]]) -> dict[int, Context]:
    """Reads contexts by number, from rows of number, digest and document.

    A context is empty where its document was altered.
    """
    read = ((id_, digest, Context(document=str(document))) for id_, digest, document in rows)
    return {id_: context if context.digest == digest else _LOST for id_, digest, context in read}


def lost(rows: Iterable[tuple[int, object, object]]) -> Iterator[int]:
    """Yields numbers of contexts whose document is not the one of their digest."""
    for id_, digest, document in rows:
        if type(document) is not str or Context(document=document).digest != digest:
            yield id_


def with_those_of(
    rows: Sequence[tuple[Any, ...]],
    known: dict[int, Context],
    read: Callable[[Collection[int]], dict[int, Context]],
) -> dict[int, Context]:
    """Gives the contexts of rows by number: those known, and those that must be read.

    Rows of neighbouring times share most of theirs; what was not needed lately is let go of, for of
    years there are more than memory holds.

    Args:
        rows: of `STORED`.
        known: what was given for the rows before.
        read: reads contexts with these numbers.
    """
    needed = {row[3] for row in rows}
    missing = needed - known.keys()
    if not missing:
        return known
    if len(known) > CONTEXTS_KEPT:
        known = {number: known[number] for number in needed - missing}
    return known | read(missing)
