"""One kept connection to PostgreSQL, made again by itself when it was lost."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from router.journal.record import JournalUnavailable
from router.journal.stores.postgres_database import LOCK_KEY, Database, Link, Silent, lost

# Records and contexts are two statements: both must see one state.
READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
# One round trip. Each statement sees what was committed before it: the last one what the previous
# holder appended.
APPEND = (
    f"{WRITE}; SELECT pg_advisory_xact_lock({LOCK_KEY}); "
    "SELECT seq, head FROM record ORDER BY seq DESC LIMIT 1"
)

Cursor = psycopg.Cursor[tuple[Any, ...]]


class Session:
    """Transactions on one connection, one at a time, from any thread."""

    def __init__(self, database: Database) -> None:
        """Connects when a transaction asks for it."""
        self._database = database
        self._lock = threading.Lock()
        self._warnings: list[str] = []
        self._link: Link | None = None
        self._closed = False

    @contextmanager
    def transaction(self, begin: str) -> Iterator[Cursor]:
        """Commits what is done inside, durably, or nothing of it.

        Args:
            begin: READ, WRITE or APPEND; the cursor holds the result of its last statement.

        Raises:
            JournalUnavailable: if it is not known to be durable.
            JournalBroken: if a person must look at the database.
        """
        with self._lock, self._database.explained():
            if self._closed:
                raise JournalUnavailable(f"journal {self._database.name}: it is closed")
            cursor = self._begun(begin)
            try:
                yield cursor
                self._commit(cursor)
            except BaseException as error:
                self._give_up(error)
                raise

    def close(self) -> None:
        """Closes the connection for good."""
        with self._lock:
            self._closed = True
            self._drop()

    def _begun(self, begin: str) -> Cursor:
        """Begins; at once on a new connection, if the kept one was lost while nobody used it.

        Raises:
            Error: if the database refuses, psycopg's own.
        """
        if self._link is not None:
            try:
                return _last_result(self._link, begin)
            except psycopg.Error as error:
                self._give_up(error)
                # A kept connection may be lost while idle: that is no error. But
                # what answered, or was silent for seconds, is not asked twice.
                if self._link is not None or isinstance(error, Silent):
                    raise
        try:
            return _last_result(self._connect(), begin)
        except psycopg.Error as error:
            self._give_up(error)
            raise

    def _connect(self) -> Link:
        self._link = self._database.connect()
        self._link.add_notice_handler(self._hear)
        return self._link

    def _hear(self, notice: psycopg.errors.Diagnostic) -> None:
        # In English whatever the server's language.
        if notice.severity_nonlocalized == "WARNING":
            self._warnings.append(notice.message_primary or "a warning")

    def _commit(self, cursor: Cursor) -> None:
        """Commits.

        Raises:
            JournalUnavailable: if a warning says that a standby has not confirmed it, or that
                nothing was committed.
        """
        # What was said before the commit does not say that it failed.
        self._warnings.clear()
        cursor.execute("COMMIT")
        if self._warnings or cursor.statusmessage != "COMMIT":
            problem = "; ".join(self._warnings) or str(cursor.statusmessage)
            raise JournalUnavailable(
                f"journal {self._database.name}: the commit is not durable: {problem}"
            )

    def _give_up(self, error: BaseException) -> None:
        """Undoes the transaction; without an answer to that, the connection goes."""
        link = self._link
        if link is None:
            return
        if isinstance(error, psycopg.Error) and lost(link, error):
            self._drop()
        elif link.pgconn.transaction_status != TransactionStatus.IDLE:
            try:
                link.execute("ROLLBACK")
            except psycopg.Error:
                self._drop()

    def _drop(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None


def _last_result(link: Link, statements: str) -> Cursor:
    cursor = link.cursor()
    cursor.execute(statements)
    cursor.set_result(-1)
    return cursor
