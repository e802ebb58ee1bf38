"""What is read of an SQLite journal, without writing a byte beside it."""

import sqlite3
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from router.journal.record import (
    ERASURE,
    SEAL,
    Context,
    Head,
    JournalBroken,
    StoredRecord,
)
from router.journal.store import Held
from router.journal.stores.moments import Moment, copy_file
from router.journal.stores.rows import (
    PASSED_OVER,
    STORED,
    STORED_AS_0_3_0,
    STORED_WITH_SUBJECTS,
    stored,
    with_those_of,
)
from router.journal.stores.sqlite_examination import examine
from router.journal.stores.sqlite_file import check_readable, explained, open_to_read
from router.journal.stores.sqlite_rows import (
    every_context,
    filtered,
    read_contexts,
    read_head,
    read_subjects_after,
)

# A reader lets go of its snapshot this often, so that the log can be checkpointed below it.
_READ_ROWS = 1000
# Decisions asked about in one statement.
_ABOUT = 1000
# By the version of the schema; from the next one on it is `STORED`.
_STORED = {2: STORED_AS_0_3_0, 3: STORED_WITH_SUBJECTS}


class SqliteReader:
    """A JournalReader of a file, for any thread: it writes nothing, and may read anybody's."""

    def __init__(self, path: Path | str, *, busy_seconds: float = 1.0) -> None:
        """Looks whether the file is a journal.

        Raises:
            JournalBroken: if it is missing, or not a journal of a version that is read here.
            JournalUnavailable: if it cannot be opened.
        """
        self._path = Path(path).absolute()
        self._busy_seconds = busy_seconds
        with explained(self._path):
            if not self._path.exists():
                raise JournalBroken(f"journal {self._path}: there is no such file")
        with self._reading() as connection:
            version = check_readable(connection, self._path)
        self._version = version
        self._stored = _STORED.get(version, STORED)

    def read(
        self,
        after: int = 0,
        limit: int | None = None,
        kinds: Collection[str] | None = None,
        since: int | None = None,
    ) -> Iterator[StoredRecord]:
        """Yields records in chain order; see JournalStore."""
        recent = "" if since is None else "AND written_at >= ? "
        query = f"""SELECT {self._stored} FROM record {filtered(kinds, self._version)} {recent}
            AND seq <= ? ORDER BY seq LIMIT ?"""
        contexts: dict[int, Context] = {}
        # No kinds are no records, without a statement.
        limit = 0 if kinds is not None and not kinds else limit
        given = (*(kinds or ()), *(() if since is None else (since,)))
        with self._reading() as connection:
            last = sys.maxsize if since is None else read_head(connection).seq
            while after < last and (limit is None or limit > 0):
                wanted = _READ_ROWS if limit is None else min(limit, _READ_ROWS)
                end = last if since is None else min(after + PASSED_OVER, last)
                rows = connection.execute(query, (after, *given, end, wanted)).fetchall()
                contexts = with_those_of(rows, contexts, partial(read_contexts, connection))
                yield from (stored(row, contexts) for row in rows)
                limit = None if limit is None else limit - len(rows)
                after = rows[-1][0] if len(rows) == wanted else end

    def find(self, ids: Sequence[bytes]) -> list[StoredRecord]:
        """Finds the records with these ids, in the order asked; see JournalStore."""
        query = f"SELECT {self._stored} FROM record WHERE id = ?"
        with self._reading() as connection:
            found = (connection.execute(query, (id_,)).fetchone() for id_ in ids)
            rows = [row for row in found if row]
            contexts = read_contexts(connection, {row[3] for row in rows})
        return [stored(row, contexts) for row in rows]

    def about(self, decision: bytes) -> list[StoredRecord]:
        """Finds the records about this recommendation; see JournalStore."""
        query = f"SELECT {self._stored} FROM record WHERE about = ? ORDER BY seq"
        with self._reading() as connection:
            rows = connection.execute(query, (decision,)).fetchall()
            contexts = read_contexts(connection, {row[3] for row in rows})
        return [stored(row, contexts) for row in rows]

    def about_any(self, decisions: Sequence[bytes], kinds: Collection[str]) -> list[StoredRecord]:
        """Finds the records about these recommendations; see JournalStore."""
        found: list[StoredRecord] = []
        contexts: dict[int, Context] = {}
        of_kinds = ",".join("?" * len(kinds))
        with self._reading() as connection:
            for start in range(0, len(decisions), _ABOUT):
                some = decisions[start : start + _ABOUT]
                query = f"""SELECT {self._stored} FROM record
                    WHERE about IN ({",".join("?" * len(some))}) AND kind IN ({of_kinds})
                    ORDER BY about, seq"""
                rows = connection.execute(query, (*some, *kinds)).fetchall()
                contexts = with_those_of(rows, contexts, partial(read_contexts, connection))
                found += [stored(row, contexts) for row in rows]
        return found

    def held_before(self, moment: int) -> Iterator[Held]:
        """Yields records that hold content and are older; see JournalStore."""
        query = f"""SELECT seq, id FROM record WHERE seq > ? AND written_at < ?
            AND payload IS NOT NULL AND kind NOT IN ('{ERASURE}', '{SEAL}')
            ORDER BY seq LIMIT ?"""
        after = 0
        with self._reading() as connection:
            while rows := connection.execute(query, (after, moment, _READ_ROWS)).fetchall():
                yield from map(Held._make, rows)
                after = rows[-1][0]

    def contexts(self) -> Iterator[Context]:
        """Yields the contexts, oldest first; see JournalStore."""
        with self._reading() as connection:
            yield from every_context(connection)

    def heads(self) -> Sequence[Head]:
        """Gives the end of the file's one chain; see JournalStore."""
        with self._reading() as connection:
            return (read_head(connection),)

    def subjects_after(self) -> int:
        """Tells up to where records may have no subject; see JournalStore."""
        with self._reading() as connection:
            return read_subjects_after(connection)

    def copy_to(self, path: Path) -> None:
        """Copies the file as it is at this moment; see JournalReader."""
        with self._reading() as connection:
            copy_file(connection, path)

    @contextmanager
    def moment(self) -> Iterator[Moment]:
        """Gives what it holds at one moment, row by row."""
        with self._reading() as connection:
            connection.execute("BEGIN")
            contexts = connection.execute("SELECT id, digest, document FROM context")
            records = f"SELECT {self._stored} FROM record ORDER BY seq"
            yield Moment(
                contexts.fetchall(),
                connection.execute(records),
                read_subjects_after(connection),
            )

    def examine(self) -> Iterator[str]:
        """Looks below the records; see JournalStore."""
        with self._reading() as connection:
            yield from examine(connection, self._path)

    def close(self) -> None:
        """Does nothing: a connection is opened for each reading."""

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with explained(self._path), open_to_read(self._path, self._busy_seconds) as connection:
            yield connection
