"""The journal in one SQLite file, durable at every commit."""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from router.journal.chain import SALT_BYTES, START, commitment, next_head
from router.journal.record import Context, Head, JournalUnavailable, Record, StoredRecord
from router.journal.sqlite_file import explained, open_to_read, open_to_write

_COLUMNS = "seq, id, kind, context, written_at, payload, salt, commitment, head"
_WIDTH = 9
# sqlite3 gives up the GIL at every statement and may wait 5 ms to get it back while another thread computes.
# One statement for many rows avoids that; powers of two keep the prepared statements few.
_LARGEST_STATEMENT = 512
_INSERT = {
    rows: f"INSERT INTO record ({_COLUMNS}) VALUES " + ",".join(["(?,?,?,?,?,?,?,?,?)"] * rows)
    for rows in (1 << power for power in range(_LARGEST_STATEMENT.bit_length()))
}
# A reader lets go of its snapshot this often, so that the log can be checkpointed below it.
_READ_ROWS = 1000


class SqliteJournal:
    """A JournalStore in a file. It may be used from any thread; one batch is written at a time."""

    def __init__(self, path: Path | str, *, create: bool = True, busy_seconds: float = 1.0) -> None:
        """Open the file, creating it unless `create` is False.

        Args:
            path: The file; its log lies beside it with the endings -wal and -shm.
            create: Whether a missing file is made.
            busy_seconds: How long to wait for another process's lock.

        Raises:
            JournalBroken: Not a journal of a version known here, or missing without `create`.
            JournalUnavailable: The file cannot be opened or is locked.
        """
        self._path = Path(path).absolute()
        self._busy_seconds = busy_seconds
        self._lock = threading.Lock()
        self._connection = open_to_write(self._path, create=create, busy_seconds=busy_seconds)
        self._file = self._identity()
        self._head: Head | None = None
        self._context_ids: dict[bytes, int] = {}

    def write_batch(self, records: Sequence[Record]) -> None:
        """Append the records, all or none; see JournalStore."""
        if not records:
            return
        try:
            with self._transaction():
                self._append(records)
        except _KnownId:
            with self._transaction():
                self._append(self._unknown(records))

    def probe(self) -> None:
        """Make a tiny durable write; see JournalStore."""
        with self._transaction():
            self._connection.execute("UPDATE state SET value = value + 1 WHERE name = 'probes'")

    def read(self, after: int = 0, limit: int | None = None) -> Iterator[StoredRecord]:
        """Yield records in chain order; see JournalStore."""
        query = f"SELECT {_COLUMNS} FROM record WHERE seq > ? ORDER BY seq LIMIT ?"
        contexts: dict[int, Context] = {}
        with explained(self._path), open_to_read(self._path, self._busy_seconds) as connection:
            while limit is None or limit > 0:
                wanted = _READ_ROWS if limit is None else min(limit, _READ_ROWS)
                rows = connection.execute(query, (after, wanted)).fetchall()
                if any(row[3] not in contexts for row in rows):
                    contexts = _read_contexts(connection)
                for seq, id_, kind, context, *rest in rows:
                    yield StoredRecord(seq, id_, kind, contexts.get(context, _LOST), *rest)
                if len(rows) < wanted:
                    return
                after, limit = rows[-1][0], None if limit is None else limit - wanted

    def contexts(self) -> Sequence[Context]:
        """List the contexts, oldest first; see JournalStore."""
        with explained(self._path), open_to_read(self._path, self._busy_seconds) as connection:
            return tuple(_read_contexts(connection).values())

    def heads(self) -> Sequence[Head]:
        """Give the end of the file's one chain; see JournalStore."""
        with explained(self._path), open_to_read(self._path, self._busy_seconds) as connection:
            return (_read_head(connection),)

    def erase(self, ids: Sequence[bytes]) -> int:
        """Remove payload and salt for good, from the log too; see JournalStore."""
        with self._transaction():
            erased = self._connection.executemany(
                "UPDATE record SET payload = NULL, salt = NULL WHERE id = ? AND payload IS NOT NULL",
                [(id_,) for id_ in ids],
            ).rowcount
        # Old pages still hold the payload until the log is emptied into the file.
        with self._lock, explained(self._path):
            (busy, *_) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise JournalUnavailable(f"journal {self._path}: erased, but its log is in use; erase again")
        return erased

    def close(self) -> None:
        """Close the file; the last one out empties the log into it."""
        with self._lock, explained(self._path):
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit what is done inside, durably, or leave the file as it was and forget what was cached."""
        with self._lock, explained(self._path):
            self._check_file()
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # A commit that failed may still be found in the file: the next batch reads the head again.
                self._head = None
                self._context_ids.clear()
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _append(self, records: Sequence[Record]) -> None:
        head = self._head or _read_head(self._connection)
        values, head = self._chained(records, head)
        start = 0
        while start < len(records):
            rows = min(_LARGEST_STATEMENT, 1 << ((len(records) - start).bit_length() - 1))
            try:
                self._connection.execute(_INSERT[rows], values[start * _WIDTH : (start + rows) * _WIDTH])
            except sqlite3.IntegrityError as error:
                raise _KnownId from error
            start += rows
        self._head = head

    def _chained(self, records: Sequence[Record], head: Head) -> tuple[list[object], Head]:
        """The rows' values one after the other, and the head behind the last."""
        salts = os.urandom(SALT_BYTES * len(records))
        seq, digest = head
        values: list[object] = []
        position = 0
        for id_, kind, context, payload, written_at in records:
            if len(id_) != 16:
                raise ValueError(f"id: {len(id_)} bytes instead of 16")
            seq += 1
            salt = salts[position : position + SALT_BYTES]
            position += SALT_BYTES
            sealed = commitment(salt, context.digest, payload)
            digest = next_head(digest, seq, id_, kind, written_at, sealed)
            context_id = self._context_ids.get(context.digest) or self._keep_context(context)
            values += (seq, id_, kind, context_id, written_at, payload, salt, sealed, digest)
        return values, Head(seq, digest)

    def _keep_context(self, context: Context) -> int:
        keys = (context.digest, context.document)
        self._connection.execute("INSERT OR IGNORE INTO context (digest, document) VALUES (?, ?)", keys)
        found = self._connection.execute("SELECT id FROM context WHERE digest = ?", keys[:1]).fetchone()
        return self._context_ids.setdefault(context.digest, int(found[0]))

    def _unknown(self, records: Sequence[Record]) -> list[Record]:
        """The records whose id is not stored yet, each id once."""
        first: dict[bytes, Record] = {}
        for record in records:
            first.setdefault(record.id, record)
        find = "SELECT 1 FROM record WHERE id = ?"
        return [one for one in first.values() if not self._connection.execute(find, (one.id,)).fetchone()]

    def _identity(self) -> tuple[int, int]:
        with explained(self._path):
            status = os.stat(self._path)
        return status.st_dev, status.st_ino

    def _check_file(self) -> None:
        """SQLite would go on writing into a file that was moved or deleted, and nobody would find it."""
        if self._identity() != self._file:
            raise JournalUnavailable(f"journal {self._path}: the file was moved or replaced; start again")


_LOST = Context(document="")


class _KnownId(Exception):
    """Some id of the batch is stored already, or another process appended since the head was read."""


def _read_head(connection: sqlite3.Connection) -> Head:
    row = connection.execute("SELECT seq, head FROM record ORDER BY seq DESC LIMIT 1").fetchone()
    return Head(*row) if row else START


def _read_contexts(connection: sqlite3.Connection) -> dict[int, Context]:
    rows = connection.execute("SELECT id, digest, document FROM context ORDER BY id").fetchall()
    read = ((id_, digest, Context(document=str(document))) for id_, digest, document in rows)
    return {id_: context if context.digest == digest else _LOST for id_, digest, context in read}
