"""What is read of a journal in a PostgreSQL database, with no more than SELECT."""

import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from router.journal.chain import START
from router.journal.record import (
    ERASURE,
    RECOMMENDATION,
    SEAL,
    Context,
    Head,
    StoredRecord,
)
from router.journal.store import Held
from router.journal.stores.moments import Moment, write_moment
from router.journal.stores.postgres_database import Database, Link, check_readable
from router.journal.stores.postgres_examination import examine
from router.journal.stores.postgres_session import READ, Cursor, Session
from router.journal.stores.rows import (
    FEWEST,
    PASSED_OVER,
    STORED,
    STORED_AS_0_3_0,
    STORED_WITH_SUBJECTS,
    numbered,
    stored,
    with_those_of,
)

# Asked for anew so often, behind the last number: no transaction stays open while a reader is slow.
READ_ROWS = 1000
# Reading takes its time; only a batch must be written or given up within seconds.
READ_SECONDS = 60.0
_EXAMINE_SECONDS = 24 * 3600.0
# By an index that gives the order. Of a range PostgreSQL expects next to nothing until it has
# statistics, and would sort all that is left of it for each thousand anew.
_IN_ORDER = "SET enable_sort = off; SET enable_bitmapscan = off"
# By the version of the schema; from the next one on it is `STORED`.
_STORED = {1: STORED_AS_0_3_0, 2: STORED_WITH_SUBJECTS}


class PostgresReader:
    """A JournalReader of a database, for any thread."""

    def __init__(self, url: str) -> None:
        """Looks whether a journal is there.

        Args:
            url: postgresql://USER:PASSWORD@HOST:PORT/DATABASE; libpq's parameters may follow a
                question mark.

        Raises:
            ValueError: if the URL cannot be read.
            JournalBroken: if it is no journal of a version that is read here.
            JournalUnavailable: if the database cannot be reached.
        """
        self._database = Database(url)
        with self._connected() as link:
            version = check_readable(link, self._database.name)
        self._stored = _STORED.get(version, STORED)
        # Of its own: who reads does not wait for a batch that is being written.
        self._reading = Session(self._database)

    def read(
        self,
        after: int = 0,
        limit: int | None = None,
        kinds: Collection[str] | None = None,
        since: int | None = None,
    ) -> Iterator[StoredRecord]:
        """Yields records in chain order, on a connection of its own; see JournalStore."""
        recent = "" if since is None else " AND written_at >= %s"
        query = f"""SELECT {self._stored} FROM record
            WHERE seq > %s{_filtered(kinds)}{recent} AND seq <= %s ORDER BY seq LIMIT %s"""
        contexts: dict[int, Context] = {}
        # No kinds are no records: "IN ()" is no SQL.
        limit = 0 if kinds is not None and not kinds else limit
        given = (*(kinds or ()), *(() if since is None else (since,)))
        # Of a few among many one statement would pass over years of others, and be given up.
        few = kinds is not None or since is not None
        last = self.heads()[0].seq if few else sys.maxsize
        with self._in_order() as cursor:
            while after < last and (limit is None or limit > 0):
                wanted = READ_ROWS if limit is None else min(limit, READ_ROWS)
                end = min(after + PASSED_OVER, last) if few else last
                rows = cursor.execute(query, (after, *given, end, wanted)).fetchall()
                contexts = with_those_of(rows, contexts, partial(read_contexts, cursor))
                yield from (stored(row, contexts) for row in rows)
                limit = None if limit is None else limit - len(rows)
                after = rows[-1][0] if len(rows) == wanted else end

    def find(self, ids: Sequence[bytes]) -> list[StoredRecord]:
        """Finds the records with these ids, in the order asked; see JournalStore."""
        found = {stored.id: stored for stored in self._select("id = ANY(%s)", list(ids))}
        return [found[id_] for id_ in ids if id_ in found]

    def about(self, decision: bytes) -> list[StoredRecord]:
        """Finds the records about this recommendation; see JournalStore."""
        return self._select("about = %s", decision)

    def about_any(self, decisions: Sequence[bytes], kinds: Collection[str]) -> list[StoredRecord]:
        """Finds the records about these recommendations; see JournalStore."""
        query = f"""SELECT {self._stored} FROM record
            WHERE about = ANY(%s) AND kind = ANY(%s) ORDER BY about, seq"""
        found: list[StoredRecord] = []
        contexts: dict[int, Context] = {}
        with self._connected(READ_SECONDS) as link, link.cursor(binary=True) as cursor:
            for start in range(0, len(decisions), READ_ROWS):
                some = list(decisions[start : start + READ_ROWS])
                rows = cursor.execute(query, (some, list(kinds))).fetchall()
                contexts = with_those_of(rows, contexts, partial(read_contexts, cursor))
                found += [stored(row, contexts) for row in rows]
        return found

    def held_before(self, moment: int) -> Iterator[Held]:
        """Yields records that hold content and are older; see JournalStore."""
        query = f"""SELECT seq, id FROM record WHERE seq > %s AND written_at < %s
            AND payload IS NOT NULL AND kind NOT IN ('{ERASURE}', '{SEAL}')
            AND seq <= %s ORDER BY seq LIMIT %s"""
        after, last = 0, self.heads()[0].seq
        with self._in_order() as cursor:
            while after < last:
                end = min(after + PASSED_OVER, last)
                rows = cursor.execute(query, (after, moment, end, READ_ROWS)).fetchall()
                yield from map(Held._make, rows)
                after = rows[-1][0] if len(rows) == READ_ROWS else end

    def contexts(self) -> Iterator[Context]:
        """Yields the contexts, oldest first; see JournalStore."""
        query = "SELECT id, digest, document FROM context WHERE id > %s ORDER BY id LIMIT %s"
        after = -sys.maxsize
        with self._connected(READ_SECONDS) as link, link.cursor(binary=True) as cursor:
            while rows := cursor.execute(query, (after, READ_ROWS)).fetchall():
                yield from numbered(rows).values()
                after = rows[-1][0]

    def heads(self) -> Sequence[Head]:
        """Gives the end of the one chain; see JournalStore."""
        with self._reading.transaction(READ) as cursor:
            cursor.execute("SELECT seq, head FROM record ORDER BY seq DESC LIMIT 1")
            return (head_of(cursor),)

    def subjects_after(self) -> int:
        """Tells up to where records may have no subject; see JournalReader."""
        with self._reading.transaction(READ) as cursor:
            return read_subjects_after(cursor)

    def copy_to(self, path: Path) -> None:
        """Writes one moment of it into a file; see JournalReader."""
        with self._connected(READ_SECONDS) as link, link.transaction():
            link.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            # Between two statements a disk may be slow.
            link.execute("SET LOCAL idle_in_transaction_session_timeout = '60s'")
            with link.cursor(binary=True) as cursor:
                contexts = cursor.execute("SELECT id, digest, document FROM context").fetchall()
                after = read_subjects_after(cursor)
                rows = every_row(cursor, self._stored)
                write_moment(Moment(contexts, rows, after), path)

    def examine(self) -> Iterator[str]:
        """Looks below the records; see JournalReader."""
        with self._connected(_EXAMINE_SECONDS) as link:
            yield from examine(link)

    def close(self) -> None:
        """Closes the connection; closing twice does nothing."""
        self._reading.close()

    @contextmanager
    def _connected(self, patience_seconds: float | None = None) -> Iterator[Link]:
        with (
            self._database.explained(),
            closing(self._database.connect(patience_seconds=patience_seconds)) as link,
        ):
            yield link

    @contextmanager
    def _in_order(self) -> Iterator[Cursor]:
        with self._connected(READ_SECONDS) as link, link.cursor(binary=True) as cursor:
            link.execute(_IN_ORDER)
            yield cursor

    def _select(self, condition: str, value: object) -> list[StoredRecord]:
        with self._reading.transaction(READ) as cursor:
            cursor.execute(
                f"SELECT {self._stored} FROM record WHERE {condition} ORDER BY seq",  # nosec B608
                (value,),
                binary=True,
            )
            rows = cursor.fetchall()
            contexts = read_contexts(cursor, {row[3] for row in rows})
        return [stored(row, contexts) for row in rows]


def _filtered(kinds: Collection[str] | None) -> str:
    """Writes the condition that keeps these kinds, with a %s for each."""
    if kinds is None:
        return ""
    # Says nothing new, but lets the planner use the index of the few records of these kinds.
    if FEWEST.issuperset(kinds):
        few = " AND kind IN ('review', 'answer')"
    else:
        few = "" if RECOMMENDATION in kinds else f" AND kind <> '{RECOMMENDATION}'"
    return f" AND kind IN ({','.join(['%s'] * len(kinds))}){few}"


def head_of(cursor: Cursor) -> Head:
    """Reads a head, or the start of the chain, from a cursor's result."""
    row = cursor.fetchone()
    return Head(*row) if row else START


def read_contexts(cursor: Cursor, ids: Collection[int] | None = None) -> dict[int, Context]:
    """Reads contexts by number, oldest first: all, or those with these numbers."""
    only = None if ids is None else list(ids)
    query = """SELECT id, digest, document FROM context
        WHERE %s::bigint[] IS NULL OR id = ANY(%s) ORDER BY id"""
    cursor.execute(query, (only, only))
    return numbered(cursor.fetchall())


def every_row(cursor: Cursor, columns: str) -> Iterator[tuple[Any, ...]]:
    """Yields all rows in the order of the chain, some at a time: each statement is short."""
    query = f"SELECT {columns} FROM record WHERE seq > %s ORDER BY seq LIMIT {READ_ROWS}"
    after = 0
    while rows := cursor.execute(query, (after,), binary=True).fetchall():
        yield from rows
        after = rows[-1][0]


def read_subjects_after(cursor: Cursor) -> int:
    """Reads up to where records may have no subject; before subjects were kept, that is all."""
    cursor.execute("SELECT value FROM state WHERE name = 'subjects_after'")
    rows = cursor.fetchall()
    return int(rows[0][0]) if rows else sys.maxsize
