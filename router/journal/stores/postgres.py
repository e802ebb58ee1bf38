"""The journal in a PostgreSQL database, durable at every commit; several servers may write."""

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice
from typing import Any

from psycopg import errors

from router.journal.chain import COLUMNS, START, admissible, answered, chained, skipped
from router.journal.record import (
    RECOMMENDATION,
    Context,
    Head,
    JournalBroken,
    JournalUnavailable,
    Record,
    StoredRecord,
    rehearsal,
)
from router.journal.seal import Sealing
from router.journal.stores.moments import chunks
from router.journal.stores.postgres_database import Database, migrate
from router.journal.stores.postgres_reader import (
    READ_ROWS,
    READ_SECONDS,
    PostgresReader,
    every_row,
    head_of,
    read_contexts,
    read_subjects_after,
)
from router.journal.stores.postgres_session import APPEND, READ, WRITE, Cursor, Session
from router.journal.stores.rows import BLOCK, HELD, STORED, still_held, stored
from router.journal.stores.sqlite_reader import SqliteReader

# A binary copy tells no types, and a wrong width would be refused or misread.
_NOT_BYTES = {
    **dict.fromkeys(("seq", "context", "written_at"), "int8"),
    **dict.fromkeys(("kind", "claim", "caller"), "text"),
    "version": "int2",
}
_CONTEXT_TYPES = ("int8", "bytea", "text")
_COLUMN_TYPES, _STORED_TYPES = (
    tuple(_NOT_BYTES.get(name, "bytea") for name in columns.split(", "))
    for columns in (COLUMNS, STORED)
)
# By the name of a right, what it is held on: a table and columns of it.
_TO_ERASE = (
    ("INSERT", "record", COLUMNS.split(", ")),
    ("INSERT", "context", ["digest", "document"]),
    ("UPDATE", "record", ["payload", "salt", "subject"]),
)
# Whom VACUUM takes: the table's owner, the database's, and from version 17 on who holds MAINTAIN.
_MAY_VACUUM = """SELECT pg_has_role(relowner, 'USAGE')
    OR (SELECT pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = current_database())
    OR CASE WHEN current_setting('server_version_num')::int >= 170000
        THEN has_table_privilege(oid, 'MAINTAIN') ELSE false END
    FROM pg_class WHERE oid = 'record'::regclass"""
# A trigger may keep a row as it is, or a part of it, without a word.
_LEFT = f"SELECT seq FROM record WHERE id = ANY(%s) AND {HELD} LIMIT 1"  # nosec B608
# Erasing lets go of its locks this often, so that appending goes on.
_ERASE_ROWS = 500
# Vacuuming takes its time; only a batch must be written or given up within seconds.
_VACUUM_SECONDS = 24 * 3600.0


class PostgresJournal(PostgresReader):
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
        database = Database(url)
        with database.explained(), closing(database.connect()) as link:
            migrate(link, database.name, create=create)
        super().__init__(url)
        self._writing = Session(self._database)
        self._contexts_of: object = None
        self._context_ids: dict[bytes, int] = {}
        self._seal()

    def write_batch(self, records: Sequence[Record]) -> Collection[bytes]:
        """Appends the records that are new; see JournalStore."""
        if not records:
            return ()
        try:
            # Nearly always all are new: asking first would cost each batch a look-up.
            return self._append(records, all_new=True)
        except _Taken:
            return self._append(records, all_new=False)

    def probe(self, *, rehearse: bool = False) -> None:
        """Makes a tiny durable write; see JournalStore."""
        with self._writing.transaction(APPEND) as cursor:
            if rehearse:
                head = head_of(cursor)
                cursor.execute("SAVEPOINT rehearsal")
                self._write(cursor, [rehearsal()], head)
                # What would be looked at when it is committed, too.
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute("ROLLBACK TO rehearsal")
            cursor.execute("UPDATE state SET value = value + 1 WHERE name = 'probes'")

    def concerning(self, subject: bytes, before: int | None = None) -> Iterator[StoredRecord]:
        """Yields what may be about a subject, the latest first; see JournalStore."""
        contexts: dict[int, Context] = {}
        with self._connected(READ_SECONDS) as link, link.cursor(binary=True) as cursor:
            end = self.heads()[0].seq + 1 if before is None else before
            for row in chain(_with_subject(cursor, subject, end), _without_subject(cursor, end)):
                if row[3] not in contexts:
                    contexts = read_contexts(cursor)
                yield stored(row, contexts)

    def adopt(self, kept: SqliteReader) -> None:
        """Takes over all records of a journal in a file; this one must be empty.

        Raises:
            JournalBroken: if it is not.
            JournalUnavailable: if they are not durable.
        """
        with kept.moment() as moment, self._writing.transaction(APPEND) as cursor:
            if head_of(cursor) != START:
                raise JournalBroken(f"journal {self._database.name}: holds records already")
            _copy(cursor, "context", "id, digest, document", _CONTEXT_TYPES, moment.contexts)
            last = 0
            for rows in chunks(moment.records):
                _copy(cursor, "record", STORED, _STORED_TYPES, rows)
                last = rows[-1][0]
            after = min(moment.subjects_after, last)
            cursor.execute("UPDATE state SET value = %s WHERE name = 'subjects_after'", (after,))
            # Else the next context would be given a number that is taken.
            numbers = "pg_get_serial_sequence('context', 'id')"
            cursor.execute(f"SELECT setval({numbers}, max(id)) FROM context")  # nosec B608

    def check_erasing(self) -> None:
        """Checks the role's rights; see JournalStore.

        Raises:
            JournalBroken: naming those that it lacks.
        """
        held = """SELECT bool_and(has_column_privilege(%s, name, %s))
            FROM unnest(%s::text[]) AS name"""
        with self._writing.transaction(WRITE) as cursor:
            lacking = [
                f"{right} on {table}"
                for right, table, columns in _TO_ERASE
                if cursor.execute(held, (table, right, columns)).fetchone() != (True,)
            ]
            if cursor.execute(_MAY_VACUUM).fetchone() != (True,):
                lacking.append("the ownership of record, by which it is vacuumed")
        if lacking:
            raise JournalBroken(
                f"journal {self._database.name}: this role lacks {', '.join(lacking)}; erase as "
                "the role that owns the tables"
            )

    def erase(self, ids: Iterable[bytes]) -> int:
        """Removes content and subject, then the old rows that hold them; see JournalStore.

        Raises:
            JournalBroken: if something in the database keeps what is to be removed.
        """
        erased, rest = 0, iter(ids)
        query = """UPDATE record SET payload = NULL, salt = NULL, subject = NULL
            WHERE id = ANY(%s) AND payload IS NOT NULL"""
        while step := list(islice(rest, _ERASE_ROWS)):
            with self._writing.transaction(WRITE) as cursor:
                erased += cursor.execute(query, (step,)).rowcount
                # What would be done when it is committed, too.
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                left = cursor.execute(_LEFT, (step,)).fetchone()
                if left is not None:
                    raise JournalBroken(still_held(self._database.name, left[0]))
        self._vacuum()
        with self._writing.transaction(APPEND):
            # A batch that looked before what it is about was erased is written by now, so that
            # whoever looks next finds it.
            pass
        return erased

    def close(self) -> None:
        """Closes the connections; closing twice does nothing."""
        self._writing.close()
        super().close()

    def _append(self, records: Sequence[Record], *, all_new: bool) -> Collection[bytes]:
        with self._writing.transaction(APPEND) as cursor:
            # Under the lock, as the last result of the statements that took it.
            head = head_of(cursor)
            if all_new and _erased(cursor, records):
                raise _Taken("what a record is about is erased")
            new = records if all_new else _new(cursor, records)
            known, added = self._write(cursor, new, head)
        # Only now: until the commit, these numbers may still be taken back.
        known.update(added)
        return () if all_new else skipped(records, new)

    def _write(
        self, cursor: Cursor, records: Sequence[Record], head: Head
    ) -> tuple[dict[bytes, int], dict[bytes, int]]:
        """Copies records behind a head; gives the numbers of contexts known and of new ones."""
        known, added = self._known_contexts(cursor), dict[bytes, int]()

        def context_id(context: Context) -> int:
            number = known.get(context.digest) or added.get(context.digest)
            if number is None:
                number = added[context.digest] = _keep_context(cursor, context)
            return number

        rows, _ = chained(records, head, context_id)
        _copy(cursor, "record", COLUMNS, _COLUMN_TYPES, rows)
        return known, added

    def _seal(self) -> None:
        """Seals what was written in version 1 of the chain, before anything in version 2."""
        last = "SELECT version FROM record ORDER BY seq DESC LIMIT 1"
        with self._writing.transaction(READ) as cursor:
            if cursor.execute(last).fetchone() != (1,):
                return
        # Under the lock, for another server may have sealed it meanwhile.
        with self._writing.transaction(APPEND) as cursor:
            head = head_of(cursor)
            if cursor.execute(last).fetchone() != (1,):
                return
            sealing, contexts = Sealing(), read_contexts(cursor)
            for row in every_row(cursor, STORED):
                sealing.add(stored(row, contexts))
            seal = sealing.seal(read_subjects_after(cursor))
            self._write(cursor, [seal.record(time.time_ns() // 1000)], head)

    def _known_contexts(self, cursor: Cursor) -> dict[bytes, int]:
        """Gives numbers of contexts committed over this connection.

        Behind another one there may be a database restored.
        """
        if cursor.connection is not self._contexts_of:
            self._contexts_of, self._context_ids = cursor.connection, {}
        return self._context_ids

    def _vacuum(self) -> None:
        """Vacuums the table, in which old versions of erased rows still lie, and draws new samples.

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
            # Statistics for the planner hold up to a hundred contents word for word.
            link.execute("VACUUM (ANALYZE) record")
        if skipped:
            raise JournalUnavailable(
                f"journal {self._database.name}: erased, but copies are left: {skipped[0]}"
            )


class _Taken(JournalUnavailable):
    """An id or a claim of the batch is stored already, or what a record is about is erased."""


def _keep_context(cursor: Cursor, context: Context) -> int:
    keys = (context.digest, context.document)
    cursor.execute(
        "INSERT INTO context (digest, document) VALUES (%s, %s) ON CONFLICT DO NOTHING", keys
    )
    cursor.execute("SELECT id FROM context WHERE digest = %s", keys[:1])
    return int(cursor.fetchall()[0][0])


def _copy(
    cursor: Cursor, table: str, columns: str, types: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> None:
    written = 0
    try:
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)
                written += 1
    except errors.UniqueViolation:
        # Without its cause, whose text quotes the row.
        raise _Taken("an id, a claim or a number is stored already") from None
    if cursor.rowcount != written:
        # A trigger may let a row go without a word.
        raise JournalUnavailable(f"table {table}: took {cursor.rowcount} of {written} rows")


def _new(cursor: Cursor, records: Sequence[Record]) -> list[Record]:
    """Picks the records whose id and claim are not stored yet, each once."""
    cursor.execute("SELECT id FROM record WHERE id = ANY(%s)", ([record.id for record in records],))
    ids = {id_ for (id_,) in cursor.fetchall()}
    claimed = list({record.about for record in records if record.about and record.claim})
    cursor.execute(
        "SELECT about, claim FROM record WHERE about = ANY(%s) AND claim IS NOT NULL", (claimed,)
    )
    claims = set(cursor.fetchall())
    erased = _erased(cursor, [one for one in records if one.id not in ids])
    return admissible(records, ids, claims, erased)


def _erased(cursor: Cursor, records: Sequence[Record]) -> set[bytes]:
    """Finds what is erased of that which records are about: an erasure may have come between."""
    about = answered(records)
    if not about:
        return set()
    query = "SELECT id FROM record WHERE id = ANY(%s) AND payload IS NULL"
    return {id_ for (id_,) in cursor.execute(query, (list(about),)).fetchall()}


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
    while rows := cursor.execute(query, (end, RECOMMENDATION, READ_ROWS)).fetchall():
        yield from rows
        end = rows[-1][0]
