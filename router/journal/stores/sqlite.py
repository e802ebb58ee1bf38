"""The journal in one SQLite file, durable at every commit."""

import os
import sqlite3
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, islice
from pathlib import Path

from router.journal.chain import COLUMNS, admissible, answered, chained, skipped
from router.journal.record import (
    Context,
    Head,
    JournalBroken,
    JournalUnavailable,
    Record,
    StoredRecord,
    rehearsal,
)
from router.journal.seal import Sealing
from router.journal.stores.rows import HELD, STORED, still_held, stored
from router.journal.stores.sqlite_file import explained, open_to_write
from router.journal.stores.sqlite_reader import SqliteReader
from router.journal.stores.sqlite_rows import (
    read_contexts,
    read_head,
    read_subjects_after,
    with_subject,
    without_subject,
)

# sqlite3 gives up the GIL at every statement and may wait 5 ms to get it back while another thread
# computes. One statement for many rows avoids that; powers of two keep the prepared statements few.
_LARGEST_STATEMENT = 512
_PLACES = ",".join("?" * len(COLUMNS.split(",")))
_INSERT = {
    rows: f"INSERT INTO record ({COLUMNS}) VALUES " + ",".join([f"({_PLACES})"] * rows)
    for rows in (1 << power for power in range(_LARGEST_STATEMENT.bit_length()))
}
_MARK_OPEN = "UPDATE state SET value = ? WHERE name = 'open'"
# Erasing lets go of the lock this often, so that another process may append.
_ERASE_ROWS = 500
# Times the usual wait for a lock: a server that writes without a pause leaves few gaps, and erasing
# is in no hurry.
_ERASE_PATIENCE = 60
_EMPTY_PATIENCE = 10


class SqliteJournal(SqliteReader):
    """A JournalStore in a file. It may be used from any thread; one batch is written at a time."""

    def __init__(self, path: Path | str, *, create: bool = True, busy_seconds: float = 1.0) -> None:
        """Opens the file, creating it unless `create` is False.

        Args:
            path: the file; its log lies beside it with the endings -wal and -shm.
            create: whether a missing file is made. Whoever does serves from it: until it is closed
                the file says that it is open.
            busy_seconds: how long to wait for another process's lock.

        Raises:
            JournalBroken: if it is not a journal of a version known here, or is missing without
                `create`.
            JournalUnavailable: if the file cannot be opened or is locked.
        """
        self._lock = threading.Lock()
        self._connection = open_to_write(
            Path(path).absolute(), create=create, busy_seconds=busy_seconds
        )
        super().__init__(path, busy_seconds=busy_seconds)
        # Of the file that is open: a path may lead to another one later.
        self._file = self._identity()
        # Kept between batches: nobody else appends, or the
        # next number is taken and the batch is told so.
        self._head: Head | None = None
        self._context_ids: dict[bytes, int] = {}
        self._serves = create
        try:
            self._seal()
            if create:
                self._mark_open()
        except BaseException:
            self._connection.close()
            raise

    def write_batch(self, records: Sequence[Record]) -> Collection[bytes]:
        """Appends the records that are new; see JournalStore."""
        if not records:
            return ()
        try:
            with self._transaction():
                self._append_all(records)
        except _Taken:
            with self._transaction():
                new = self._new(records)
                self._append_or_tell(new)
            return skipped(records, new)
        return ()

    def probe(self, *, rehearse: bool = False) -> None:
        """Makes a tiny durable write; see JournalStore."""
        with self._transaction():
            if rehearse:
                self._rehearse()
            self._connection.execute("UPDATE state SET value = value + 1 WHERE name = 'probes'")

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

    def check_erasing(self) -> None:
        """Checks nothing more: who opened the file to write may erase; see JournalStore."""

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
                    self._check_erased(step)
        self._empty_log()
        return erased

    def close(self) -> None:
        """Closes the file; the last one out empties the log into it."""
        if self._serves:
            self._serves = False
            # It says no more than that the log is needed, which is true as long as it is there.
            with suppress(JournalUnavailable), self._transaction():
                self._connection.execute(_MARK_OPEN, (0,))
        with self._lock, explained(self._path):
            self._connection.close()

    def _check_erased(self, ids: Iterable[tuple[bytes]]) -> None:
        """Finds what a trigger has kept, or a part of it, without a word.

        Raises:
            JournalBroken: naming the first.
        """
        held = f"SELECT seq FROM record WHERE id = ? AND {HELD}"  # nosec B608
        for id_ in ids:
            left = self._connection.execute(held, id_).fetchone()
            if left is not None:
                raise JournalBroken(still_held(self._path, left[0]))

    def _seal(self) -> None:
        """Seals what was written in version 1 of the chain, before anything in version 2."""
        with self._transaction():
            last = "SELECT version FROM record ORDER BY seq DESC LIMIT 1"
            row = self._connection.execute(last).fetchone()
            if row is None or row[0] != 1:
                return
            sealing, contexts = Sealing(), read_contexts(self._connection)
            rows = f"SELECT {STORED} FROM record ORDER BY seq"  # nosec B608
            for row in self._connection.execute(rows):
                sealing.add(stored(row, contexts))
            seal = sealing.seal(read_subjects_after(self._connection))
            self._append([seal.record(time.time_ns() // 1000)])

    def _mark_open(self) -> None:
        """Says in the file itself, not in its log alone, that the log belongs to it."""
        with self._transaction():
            self._connection.execute(_MARK_OPEN, (1,))
        with self._lock, explained(self._path):
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

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

    def _rehearse(self) -> None:
        # Another process may have appended since it was read.
        self._head = None
        self._connection.execute("SAVEPOINT rehearsal")
        self._append_or_tell([rehearsal()])
        # What was remembered of it was never there.
        self._head = None
        self._context_ids.clear()
        self._connection.execute("ROLLBACK TO rehearsal")
        self._connection.execute("RELEASE rehearsal")

    def _append_or_tell(self, records: Sequence[Record]) -> None:
        """Appends records of which nothing is stored: what is in the way then is no number.

        Raises:
            JournalUnavailable: saying what.
        """
        try:
            self._append(records)
        except _Taken as refused:
            raise JournalUnavailable(
                f"journal {self._path}: a record is not taken: {refused.__cause__}"
            ) from refused

    def _append_all(self, records: Sequence[Record]) -> None:
        """Appends records that are nearly always new: asking first would cost each a look-up.

        Raises:
            _Taken: if one of them may not be.
        """
        if self._erased(records):
            raise _Taken
        self._append(records)

    def _append(self, records: Sequence[Record]) -> None:
        rows, head = chained(records, self._head or read_head(self._connection), self._context_id)
        start = 0
        while start < len(rows):
            size = min(_LARGEST_STATEMENT, 1 << ((len(rows) - start).bit_length() - 1))
            try:
                values = list(chain.from_iterable(rows[start : start + size]))
                taken = self._connection.execute(_INSERT[size], values).rowcount
            except sqlite3.IntegrityError as error:
                raise _Taken from error
            if taken != size:
                # A trigger may let a row go without a word.
                raise JournalUnavailable(f"journal {self._path}: took {taken} of {size} records")
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
        erased = self._erased([one for one in records if one.id not in ids])
        return admissible(records, ids, claims, erased)

    def _erased(self, records: Sequence[Record]) -> set[bytes]:
        """Finds what is erased of that which records are about: an erasure may have come between.

        Under the lock, so that an erasure finds what was recorded before it.
        """
        erased = "SELECT 1 FROM record WHERE id = ? AND payload IS NULL"
        return {
            id_ for id_ in answered(records) if self._connection.execute(erased, (id_,)).fetchone()
        }

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

    An id or a claim is stored already, what a record is about is erased, or another process
    appended since the head was read.
    """
