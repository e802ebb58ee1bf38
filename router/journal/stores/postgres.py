"""The journal in a PostgreSQL database, durable at every commit; several servers may write."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain, islice
from typing import Any

from psycopg import errors

from router.journal.chain import COLUMNS, START, Row, admissible, chained, skipped
from router.journal.record import (
    RECOMMENDATION,
    Context,
    Head,
    JournalUnavailable,
    Record,
    StoredRecord,
)
from router.journal.stores.postgres_database import Database, Link, migrate
from router.journal.stores.postgres_session import APPEND, READ, WRITE, Cursor, Session
from router.journal.stores.rows import BLOCK, STORED, numbered, stored

# In the order of `COLUMNS`: a binary copy tells no types,
# and a wrong width would be refused or misread.
_TYPES = (
    "int8",
    "bytea",
    "text",
    "int8",
    "int8",
    "bytea",
    "bytea",
    "bytea",
    "bytea",
    "bytea",
    "text",
    "bytea",
)
# Asked for anew so often, behind the last number: no transaction stays open while a reader is slow.
_READ_ROWS = 1000
# Erasing lets go of its locks this often, so that appending goes on.
_ERASE_ROWS = 500
# Reading and vacuuming take their time; only a batch must be written or given up within seconds.
_READ_SECONDS = 60.0
_VACUUM_SECONDS = 24 * 3600.0


class PostgresJournal:
    """A JournalStore in a database, for any thread; one batch is written at a time."""

    def __init__(self, url: str, *, create: bool = True) -> None:
        """Opens the journal, creating or updating its tables; without `create` they must be there.

        Args:
            url: postgresql://USER:PASSWORD@HOST:PORT/DATABASE; libpq's parameters may follow a
                question mark.
            create: whether missing tables are made.

        Raises:
            ValueError: if the URL cannot be read.
            JournalBroken: if it is no journal of a version known here, or a commit would not be
                durable.
            JournalUnavailable: if the database cannot be reached.
        """
        self._database = Database(url)
        with self._connected() as link:
            migrate(link, self._database.name, create=create)
        # Two: who reads does not wait for a batch that is being written.
        self._writing = Session(self._database)
        self._reading = Session(self._database)
        self._contexts_of: object = None
        self._context_ids: dict[bytes, int] = {}

    def write_batch(self, records: Sequence[Record]) -> Collection[bytes]:
        """Appends the records that are new; see JournalStore."""
        if not records:
            return ()
        try:
            # Nearly always all are new: asking first would cost each batch a look-up.
            return self._append(records, all_new=True)
        except _Taken:
            return self._append(records, all_new=False)

    def probe(self) -> None:
        """Makes a tiny durable write; see JournalStore."""
        with self._writing.transaction(APPEND) as cursor:
            cursor.execute("UPDATE state SET value = value + 1 WHERE name = 'probes'")

    def read(
        self, after: int = 0, limit: int | None = None, kinds: Collection[str] | None = None
    ) -> Iterator[StoredRecord]:
        """Yields records in chain order, on a connection of its own; see JournalStore."""
        query = (
            f"SELECT {STORED} FROM record WHERE seq > %s{_filtered(kinds)} ORDER BY seq LIMIT %s"
        )
        contexts: dict[int, Context] = {}
        # No kinds are no records: "IN ()" is no SQL.
        limit = 0 if kinds is not None and not kinds else limit
        with self._connected(_READ_SECONDS) as link, link.cursor(binary=True) as cursor:
            while limit is None or limit > 0:
                wanted = _READ_ROWS if limit is None else min(limit, _READ_ROWS)
                rows = cursor.execute(query, (after, *(kinds or ()), wanted)).fetchall()
                if any(row[3] not in contexts for row in rows):
                    contexts = _read_contexts(cursor)
                yield from (stored(row, contexts) for row in rows)
                if len(rows) < wanted:
                    return
                after, limit = rows[-1][0], None if limit is None else limit - wanted

    def find(self, ids: Sequence[bytes]) -> list[StoredRecord]:
        """Finds the records with these ids, in the order asked; see JournalStore."""
        found = {stored.id: stored for stored in self._select("id = ANY(%s)", list(ids))}
        return [found[id_] for id_ in ids if id_ in found]

    def about(self, decision: bytes) -> list[StoredRecord]:
        """Finds the records about this recommendation; see JournalStore."""
        return self._select("about = %s", decision)

    def concerning(self, subject: bytes, before: int | None = None) -> Iterator[StoredRecord]:
        """Yields what may be about a subject, the latest first; see JournalStore."""
        contexts: dict[int, Context] = {}
        with self._connected(_READ_SECONDS) as link, link.cursor(binary=True) as cursor:
            end = self.heads()[0].seq + 1 if before is None else before
            for row in chain(_with_subject(cursor, subject, end), _without_subject(cursor, end)):
                if row[3] not in contexts:
                    contexts = _read_contexts(cursor)
                yield stored(row, contexts)

    def held_before(self, moment: int) -> Iterator[bytes]:
        """Yields ids of records that hold content and are older; see JournalStore."""
        query = """SELECT seq, id FROM record
            WHERE seq > %s AND written_at < %s AND payload IS NOT NULL ORDER BY seq LIMIT %s"""
        after = 0
        with self._connected(_READ_SECONDS) as link, link.cursor(binary=True) as cursor:
            while rows := cursor.execute(query, (after, moment, _READ_ROWS)).fetchall():
                yield from (id_ for _, id_ in rows)
                after = rows[-1][0]

    def contexts(self) -> Sequence[Context]:
        """Lists the contexts, oldest first; see JournalStore."""
        with self._reading.transaction(READ) as cursor:
            return tuple(_read_contexts(cursor).values())

    def heads(self) -> Sequence[Head]:
        """Gives the end of the one chain; see JournalStore."""
        with self._reading.transaction(READ) as cursor:
            cursor.execute("SELECT seq, head FROM record ORDER BY seq DESC LIMIT 1")
            return (_head(cursor),)

    def erase(self, ids: Iterable[bytes]) -> int:
        """Removes content and subject, then the old rows that hold them; see JournalStore."""
        erased, rest = 0, iter(ids)
        query = """UPDATE record SET payload = NULL, salt = NULL, subject = NULL
            WHERE id = ANY(%s) AND payload IS NOT NULL"""
        while step := list(islice(rest, _ERASE_ROWS)):
            with self._writing.transaction(WRITE) as cursor:
                erased += cursor.execute(query, (step,)).rowcount
        self._vacuum()
        return erased

    def close(self) -> None:
        """Closes the connections; closing twice does nothing."""
        self._writing.close()
        self._reading.close()

    @contextmanager
    def _connected(self, patience_seconds: float | None = None) -> Iterator[Link]:
        with (
            self._database.explained(),
            closing(self._database.connect(patience_seconds=patience_seconds)) as link,
        ):
            yield link

    def _append(self, records: Sequence[Record], *, all_new: bool) -> Collection[bytes]:
        added: dict[bytes, int] = {}
        with self._writing.transaction(APPEND) as cursor:
            # Under the lock, as the last result of the statements that took it.
            head = _head(cursor)
            known = self._known_contexts(cursor)

            def context_id(context: Context) -> int:
                number = known.get(context.digest) or added.get(context.digest)
                if number is None:
                    number = added[context.digest] = _keep_context(cursor, context)
                return number

            new = records if all_new else _new(cursor, records)
            rows, _ = chained(new, head, context_id)
            _copy(cursor, rows)
        # Only now: until the commit, these numbers may still be taken back.
        known.update(added)
        return () if all_new else skipped(records, new)

    def _known_contexts(self, cursor: Cursor) -> dict[bytes, int]:
        """Gives numbers of contexts committed over this connection.

        Behind another one there may be a database restored.
        """
        if cursor.connection is not self._contexts_of:
            self._contexts_of, self._context_ids = cursor.connection, {}
        return self._context_ids

    def _select(self, condition: str, value: object) -> list[StoredRecord]:
        with self._reading.transaction(READ) as cursor:
            cursor.execute(
                f"SELECT {STORED} FROM record WHERE {condition} ORDER BY seq",  # nosec B608
                (value,),
                binary=True,
            )
            rows = cursor.fetchall()
            contexts = _read_contexts(cursor, {row[3] for row in rows})
        return [stored(row, contexts) for row in rows]

    def _vacuum(self) -> None:
        """Vacuums the table, in which old versions of erased rows still lie.

        Raises:
            JournalUnavailable: if it was not vacuumed.
        """
        skipped: list[str] = []
        with self._connected(_VACUUM_SECONDS) as link:
            # A table that may not be vacuumed is skipped with a warning, not an error.
            link.add_notice_handler(
                lambda notice: skipped.append(notice.message_primary or "skipped")
            )
            link.execute("SET lock_timeout = '60s'")
            link.execute("VACUUM record")
        if skipped:
            raise JournalUnavailable(
                f"journal {self._database.name}: erased, but copies are left: {skipped[0]}"
            )


class _Taken(JournalUnavailable):
    """An id or a claim of the batch is stored already."""


def _keep_context(cursor: Cursor, context: Context) -> int:
    keys = (context.digest, context.document)
    cursor.execute(
        "INSERT INTO context (digest, document) VALUES (%s, %s) ON CONFLICT DO NOTHING", keys
    )
    cursor.execute("SELECT id FROM context WHERE digest = %s", keys[:1])
    return int(cursor.fetchall()[0][0])


def _copy(cursor: Cursor, rows: list[Row]) -> None:
    try:
        with cursor.copy(f"COPY record ({COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(_TYPES)
            for row in rows:
                copy.write_row(row)
    except errors.UniqueViolation:
        # Without its cause, whose text quotes the row.
        raise _Taken("an id, a claim or a number is stored already") from None


def _filtered(kinds: Collection[str] | None) -> str:
    """Writes the condition that keeps these kinds, with a %s for each."""
    if kinds is None:
        return ""
    # Says nothing new, but lets the planner use the index of the few records of other kinds.
    few = "" if RECOMMENDATION in kinds else f" AND kind <> '{RECOMMENDATION}'"
    return f" AND kind IN ({','.join(['%s'] * len(kinds))}){few}"


def _head(cursor: Cursor) -> Head:
    row = cursor.fetchone()
    return Head(*row) if row else START


def _new(cursor: Cursor, records: Sequence[Record]) -> list[Record]:
    """Picks the records whose id and claim are not stored yet, each once."""
    cursor.execute("SELECT id FROM record WHERE id = ANY(%s)", ([record.id for record in records],))
    ids = {id_ for (id_,) in cursor.fetchall()}
    claimed = list({record.about for record in records if record.about and record.claim})
    cursor.execute(
        "SELECT about, claim FROM record WHERE about = ANY(%s) AND claim IS NOT NULL", (claimed,)
    )
    return admissible(records, ids, set(cursor.fetchall()))


def _read_contexts(cursor: Cursor, ids: Collection[int] | None = None) -> dict[int, Context]:
    """Reads contexts by number, oldest first: all, or those with these numbers."""
    only = None if ids is None else list(ids)
    query = """SELECT id, digest, document FROM context
        WHERE %s::bigint[] IS NULL OR id = ANY(%s) ORDER BY id"""
    cursor.execute(query, (only, only))
    return numbered(cursor.fetchall())


def _with_subject(cursor: Cursor, subject: bytes, end: int) -> Iterator[tuple[Any, ...]]:
    """Yields rows of a subject before a number, the latest first, from all blocks of the index."""
    # In one statement: a round trip for each block would cost more than the look-ups.
    query = f"""SELECT {STORED} FROM generate_series(0, %s::bigint) AS block
        JOIN record ON seq >> {BLOCK} = block AND subject = %s AND seq < %s ORDER BY seq DESC"""
    yield from cursor.execute(query, (end - 1 >> BLOCK, subject, end)).fetchall()


def _without_subject(cursor: Cursor, end: int) -> Iterator[tuple[Any, ...]]:
    """Yields recommendations from before subjects were kept, the latest first."""
    cursor.execute("SELECT value FROM state WHERE name = 'subjects_after'")
    end = min(end, cursor.fetchall()[0][0] + 1)
    query = f"""SELECT {STORED} FROM record
        WHERE seq < %s AND kind = %s ORDER BY seq DESC LIMIT %s"""
    while rows := cursor.execute(query, (end, RECOMMENDATION, _READ_ROWS)).fetchall():
        yield from rows
        end = rows[-1][0]
