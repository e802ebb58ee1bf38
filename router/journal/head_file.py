"""The head kept outside: a file elsewhere that tells how far the journal has come.

A journal that lost records, was replaced or is new does not hold that record: a server that is told
of the file does not start on it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from router.files.aside import written_aside
from router.files.plain_files import plain_bytes
from router.journal.record import Head, JournalBroken, JournalNotNamed
from router.journal.store import JournalReader

# A head of any length that a counter can have.
_BYTES_AT_MOST = 128


class JournalLost(JournalBroken):
    """The journal does not hold what was noted of it outside."""


class HeadFile:
    """One line, SEQ:HEX, as `journal verify` prints it and `--head` takes it."""

    # What a refusal calls the file, what was done to the record, and the way out.
    _called = "head file"
    _done = "written"
    _way_out = (
        "it lost records, was replaced or is new. Restore it (`journal restore`); to go on "
        "without what is lost, move the head file away first"
    )

    def __init__(self, path: Path) -> None:
        self._path = path
        self._noted: Head | None = None

    def exists(self) -> bool:
        """Whether a head was noted before."""
        # A link that leads nowhere is no first start: what was noted cannot be read.
        return os.path.lexists(self._path)

    @contextmanager
    def refusing_missing(self) -> Iterator[None]:
        """Tells of a journal that cannot be opened inside that there was one.

        Raises:
            JournalLost: if it cannot be opened.
        """
        try:
            yield
        except JournalLost:
            raise
        except JournalBroken as problem:
            self._refuse(f"{problem}, but one was written to")

    def check(self, store: JournalReader) -> Head:
        """Refuses a journal that does not hold the record that was noted, and gives its head.

        Raises:
            JournalLost: if the journal does not hold it, or the file cannot be read.
            JournalUnavailable: if the journal cannot be read now.
        """
        noted = self._read()
        if noted.seq == 0:
            return noted
        stored = next(iter(store.read(after=noted.seq - 1, limit=1)), None)
        if stored is None or stored.seq != noted.seq:
            last = max(head.seq for head in store.heads())
            self._refuse(
                f"record {noted.seq} was {self._done}, but the journal ends at record {last}"
            )
        if stored.head != noted.digest:
            self._refuse(f"record {noted.seq} is another one than was {self._done}")
        self._noted = noted
        return noted

    def note(self, head: Head) -> None:
        """Writes a head, durably, unless it is the one noted last.

        Raises:
            JournalNotNamed: if it cannot be written.
        """
        if head == self._noted:
            return
        try:
            self._write(head)
        except OSError as problem:
            raise JournalNotNamed(
                f"{self._called} {self._path}: cannot be written: {problem.strerror}"
            ) from problem
        self._noted = head

    def _write(self, head: Head) -> None:
        with written_aside(self._path) as aside, aside.open("w", encoding="ascii") as file:
            file.write(f"{head}\n")
            file.flush()
            os.fsync(file.fileno())

    def _read(self) -> Head:
        try:
            data = plain_bytes(self._path, _BYTES_AT_MOST, links=True)
            return Head.parse(data.decode("ascii", "replace"))
        except (ValueError, JournalNotNamed) as problem:
            raise JournalLost(
                f"{self._called} {self._path}: cannot be read: {problem}"
            ) from problem

    def _refuse(self, found: str) -> NoReturn:
        raise JournalLost(f"{self._called} {self._path}: {found}: {self._way_out}")
