"""The journal in one SQLite file, durable at every commit."""

import os
import sqlite3
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path

from router.journal.chain import COLUMNS, admissible, chained, skipped
from router.journal.record import Context, Head, JournalUnavailable, Record, StoredRecord
from router.journal.stores.rows import STORED, stored
from router.journal.stores.sqlite_file import explained, open_to_read, open_to_write
from router.journal.stores.sqlite_rows import (
    filtered,
    read_contexts,
    read_head,
    with_subject,
    without_subject,
)

# sqlite3 gives up the GIL at every statement and may wait 5 ms to get it back while another thread
# computes. One statement for many rows avoids that; powers of two keep the prepared statements few.
_LARGEST_STATEMENT = 512
_INSERT = {
    rows: f"INSERT INTO record ({COLUMNS}) VALUES " + ",".join(["(?,?,?,?,?,?,?,?,?,?,?,?)"] * rows)
    for rows in (1 << power for power in range(_LARGEST_STATEMENT.bit_length()))
}
# A reader lets go of its snapshot this often, so that the log can be checkpointed below it.
_READ_ROWS = 1000
# Erasing lets go of the lock this often, so that another process may append.
_ERASE_ROWS = 500
# Times the usual wait for a lock: a server that writes without a pause leaves few gaps, and erasing
# is in no hurry.
_ERASE_PATIENCE = 60
_EMPTY_PATIENCE = 10


class SqliteJournal:
    """A JournalStore in a file. It may be used from any thread; one batch is written at a time."""

    def __init__(self, path: Path | str, *, create: bool = True, busy_seconds: float = 1.0) -> None:
        """Opens the file, creating it unless `create` is False.

        Args:
            path: the file; its log lies beside it with the endings -wal and -shm.
            create: whether a missing file is made.
            busy_seconds: how long to wait for another process's lock.

        Raises:
            JournalBroken: if it is not a journal of a version known here, or is missing without
                `create`.
            JournalUnavailable: if the file cannot be opened or is locked.
        """
        self._path = Path(path).absolute()
        self._busy_seconds = busy_seconds
        self._lock = threading.Lock()
        self._connection = open_to_write(self._path, create=create, busy_seconds=busy_seconds)
        # Of the file that is open: a path may lead to another one later.
        self._file = self._identity()
        # Kept between batches: nobody else appends, or the
        # next number is taken and the batch is told so.
        self._head: Head | None = None
        self._context_ids: dict[bytes, int] = {}

    def write_batch(self, records: Sequence[Record]) -> Collection[bytes]:
        """Appends the records that are new; see JournalStore."""
        if not records:
            return ()
        try:
            with self._transaction():
                # Nearly always all are new: asking first would cost each batch a look-up.
                self._append(records)
        except _Taken:
            with self._transaction():
                new = self._new(records)
                self._append(new)
            return skipped(records, new)
        return ()

    def probe(self) -> None:
        """Makes a tiny durable write; see JournalStore."""
        with self._transaction():
            self._connection.execute("UPDATE state SET value = value + 1 WHERE name = 'probes'")

    def read(
        self, after: int = 0, limit: int | None = None, kinds: Collection[str] | None = None
    ) -> Iterator[StoredRecord]:
        """Yields records in chain order; see JournalStore."""
        query = f"SELECT {STORED} FROM record {filtered(kinds)} ORDER BY seq LIMIT ?"
        contexts: dict[int, Context] = {}
        # No kinds are no records, without a statement.
        limit = 0 if kinds is not None and not kinds else limit
        with self._reading() as connection:
            while limit is None or limit > 0:
                wanted = _READ_ROWS if limit is None else min(limit, _READ_ROWS)
                rows = connection.execute(query, (after, *(kinds or ()), wanted)).fetchall()
                if any(row[3] not in contexts for row in rows):
                    contexts = read_contexts(connection)
                yield from (stored(row, contexts) for row in rows)
                if len(rows) < wanted:
                    return
                after, limit = rows[-1][0], None if limit is None else limit - wanted

    def find(self, ids: Sequence[bytes]) -> list[StoredRecord]:
        """Finds the records with these ids, in the order asked; see JournalStore."""
        query = f"SELECT {STORED} FROM record WHERE id = ?"
        with self._reading() as connection:
            found = (connection.execute(query, (id_,)).fetchone() for id_ in ids)
            rows = [row for row in found if row]
            contexts = read_contexts(connection, {row[3] for row in rows})
        return [stored(row, contexts) for row in rows]

    def about(self, decision: bytes) -> list[StoredRecord]:
        """Finds the records about this recommendation; see JournalStore."""
        query = f"SELECT {STORED} FROM record WHERE about = ? ORDER BY seq"
        with self._reading() as connection:
            rows = connection.execute(query, (decision,)).fetchall()
            contexts = read_contexts(connection, {row[3] for row in rows})
        return [stored(row, contexts) for row in rows]

    def concerning(self, subject: bytes, before: int | None = None) -> Iterator[StoredRecord]:
        """Yields what may be about a subject, the latest first; see JournalStore."""
        with self._reading() as connection:
            end = read_head(connection).seq + 1 if before is None else before
            rows = chain(with_subject(connection, subject, end), without_subject(connection, end))
            contexts: dict[int, Context] = {}
            for row in rows:
                if row[3] not in contexts:
                    contexts = read_contexts(connection)
                yield stored(row, contexts)

    def held_before(self, moment: int) -> Iterator[bytes]:
        """Yields ids of records that hold content and are older; see JournalStore."""
        query = """SELECT seq, id FROM record
            WHERE seq > ? AND written_at < ? AND payload IS NOT NULL ORDER BY seq LIMIT ?"""
        after = 0
        with self._reading() as connection:
            while rows := connection.execute(query, (after, moment, _READ_ROWS)).fetchall():
                yield from (id_ for _, id_ in rows)
                after = rows[-1][0]

    def contexts(self) -> Sequence[Context]:
        """Lists the contexts, oldest first; see JournalStore."""
        with self._reading() as connection:
            return tuple(read_contexts(connection).values())

    def heads(self) -> Sequence[Head]:
        """Gives the end of the file's one chain; see JournalStore."""
        with self._reading() as connection:
            return (read_head(connection),)

    def erase(self, ids: Iterable[bytes]) -> int:
        """Removes content and subject for good, from the log too; see JournalStore."""
        erased, rest = 0, iter(ids)
        with self._busy_for(_ERASE_PATIENCE * self._busy_seconds):
            while step := [(id_,) for id_ in islice(rest, _ERASE_ROWS)]:
                with self._transaction():
                    erased += self._connection.executemany(
                        "UPDATE record SET payload = NULL, salt = NULL, subject = NULL "
                        "WHERE id = ? AND payload IS NOT NULL",
                        step,
                    ).rowcount
        self._empty_log()
        return erased

    def close(self) -> None:
        """Closes the file; the last one out empties the log into it."""
        with self._lock, explained(self._path):
            self._connection.close()

    @contextmanager
    def _busy_for(self, seconds: float) -> Iterator[None]:
        """Waits so long for another process's lock inside."""
        with self._lock, explained(self._path):
            self._connection.execute(f"PRAGMA busy_timeout = {1000 * seconds:.0f}")
        try:
            yield
        finally:
            with self._lock, explained(self._path):
                self._connection.execute(f"PRAGMA busy_timeout = {1000 * self._busy_seconds:.0f}")

    def _empty_log(self) -> None:
        """Empties the log into the file, for its old pages hold what was erased.

        Other processes cannot write while this waits for a reader, so it waits often instead of
        long.

        Raises:
            JournalUnavailable: if somebody read all the while.
        """
        deadline = time.monotonic() + _EMPTY_PATIENCE * self._busy_seconds
        with self._busy_for(self._busy_seconds / 5):
            while True:
                with self._lock, explained(self._path):
                    (busy, *_) = self._connection.execute(
                        "PRAGMA wal_checkpoint(TRUNCATE)"
                    ).fetchone()
                if not busy:
                    return
                if time.monotonic() > deadline:
                    raise JournalUnavailable(
                        f"journal {self._path}: erased, but its log is in use; erase again"
                    )
                time.sleep(self._busy_seconds / 5)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commits what is done inside, durably.

        Otherwise the file is as it was, and what was cached is forgotten.
        """
        with self._lock, explained(self._path):
            self._check_file()
            try:
                # Takes the lock at once: a lock asked for later could fail with half the work done.
                self._connection.execute("BEGIN IMMEDIATE")
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # A commit that failed may still be found in the file: the next batch reads the head
                # again.
                self._head = None
                self._context_ids.clear()
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with explained(self._path), open_to_read(self._path, self._busy_seconds) as connection:
            yield connection

    def _append(self, records: Sequence[Record]) -> None:
        rows, head = chained(records, self._head or read_head(self._connection), self._context_id)
        start = 0
        while start < len(rows):
            size = min(_LARGEST_STATEMENT, 1 << ((len(rows) - start).bit_length() - 1))
            try:
                values = list(chain.from_iterable(rows[start : start + size]))
                self._connection.execute(_INSERT[size], values)
            except sqlite3.IntegrityError as error:
                raise _Taken from error
            start += size
        self._head = head

    def _context_id(self, context: Context) -> int:
        # Numbers begin with 1, so that none is false.
        return self._context_ids.get(context.digest) or self._keep_context(context)

    def _keep_context(self, context: Context) -> int:
        keys = (context.digest, context.document)
        self._connection.execute(
            "INSERT OR IGNORE INTO context (digest, document) VALUES (?, ?)", keys
        )
        found = self._connection.execute(
            "SELECT id FROM context WHERE digest = ?", keys[:1]
        ).fetchone()
        return self._context_ids.setdefault(context.digest, int(found[0]))

    def _new(self, records: Sequence[Record]) -> list[Record]:
        """Picks the records whose id and claim are not stored yet, each once."""
        known = "SELECT 1 FROM record WHERE id = ?"
        taken = "SELECT 1 FROM record WHERE about = ? AND claim = ?"
        ids = {one.id for one in records if self._connection.execute(known, (one.id,)).fetchone()}
        keys = {(one.about, one.claim) for one in records if one.claim}
        claims = {key for key in keys if self._connection.execute(taken, key).fetchone()}
        return admissible(records, ids, claims)

    def _identity(self) -> tuple[int, int]:
        with explained(self._path):
            status = os.stat(self._path)
        return status.st_dev, status.st_ino

    def _check_file(self) -> None:
        """Refuses to go on writing into a file that was moved: nobody would find what is written.

        Raises:
            JournalUnavailable: if the file is another one.
        """
        if self._identity() != self._file:
            raise JournalUnavailable(
                f"journal {self._path}: the file was moved or replaced; start again"
            )


class _Taken(Exception):
    """The batch cannot be appended as it is.

    An id or a claim is stored already, or another process appended since the head was read.
    """
