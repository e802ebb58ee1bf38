"""The seam: what every durable store behind the journal must do."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from router.journal.record import Context, Head, Record, StoredRecord


class Held(NamedTuple):
    """A record that holds content: its number, and its id."""

    seq: int
    id: bytes


class Appending(Protocol):
    """What the journal's writer needs of a store; one thread writes."""

    def write_batch(self, records: Sequence[Record]) -> Collection[bytes]:
        """Appends the records in order, and returns only when they are durable.

        A record is skipped when its id is stored already or when another record about the same
        recommendation holds its claim, or when that recommendation was erased meanwhile; the others
        are appended, all or none. One rule for retries and for races between writers: write, then
        `find` what stands.

        Returns:
            The ids of those that were skipped.

        Raises:
            JournalUnavailable: if they are not durable; count none as written (a retry with the
                same ids is safe).
            ValueError: if `Record.check` refuses a record.
        """

    def probe(self, *, rehearse: bool = False) -> None:
        """Makes a tiny durable write.

        Args:
            rehearse: whether a record is appended, too, and taken back: that alone shows that
                appending is permitted and nothing keeps a record out.

        Raises:
            JournalUnavailable: if it failed.
        """

    def close(self) -> None:
        """Releases the store; closing twice does nothing."""


class JournalReader(Protocol):
    """A store as those have it who only read; any thread may."""

    def read(
        self,
        after: int = 0,
        limit: int | None = None,
        kinds: Collection[str] | None = None,
        since: int | None = None,
    ) -> Iterator[StoredRecord]:
        """Yields records in chain order.

        Args:
            after: begin behind this number.
            limit: most records; None means to the end.
            kinds: only these; None means all.
            since: only what was written then or later, microseconds since 1970, UTC. The store
                itself passes over the others, each looked at: clocks may step backwards, so no
                record tells of those before it.

        Raises:
            JournalUnavailable: if the store cannot be read now.
            JournalBroken: if the store is damaged.
        """

    def find(self, ids: Sequence[bytes]) -> list[StoredRecord]:
        """Finds the records with these ids that are there, in the order asked.

        Raises:
            JournalUnavailable: if the store cannot be read now.
            JournalBroken: if the store is damaged.
        """

    def about(self, decision: bytes) -> list[StoredRecord]:
        """Finds the records about this recommendation, in chain order.

        Raises:
            JournalUnavailable: if the store cannot be read now.
            JournalBroken: if the store is damaged.
        """

    def about_any(self, decisions: Sequence[bytes], kinds: Collection[str]) -> list[StoredRecord]:
        """Finds the records about these recommendations, of each in chain order.

        Args:
            decisions: ids, as many as memory holds the records of.
            kinds: only these, at least one.

        Raises:
            JournalUnavailable: if the store cannot be read now.
            JournalBroken: if the store is damaged.
        """

    def held_before(self, moment: int) -> Iterator[Held]:
        """Yields, in chain order, records that hold content and are older.

        Those that tell of the journal itself are left out: what was erased stays on record.

        Args:
            moment: before which they were written, microseconds since 1970, UTC.

        Raises:
            JournalUnavailable: if the store cannot be read now.
            JournalBroken: if the store is damaged.
        """

    def contexts(self) -> Iterator[Context]:
        """Yields every context that a record was written under, oldest first; some at a time.

        One for each policy of each office since the start: of a country over years too many to
        hold.

        Raises:
            JournalUnavailable: if the store cannot be read now.
            JournalBroken: if the store is damaged.
        """

    def heads(self) -> Sequence[Head]:
        """Lists the end of each chain in the store: one chain per writer."""

    def subjects_after(self) -> int:
        """Tells up to which number records may have no subject: an earlier release wrote them."""

    def copy_to(self, path: Path) -> None:
        """Writes one moment of the journal into a file that is new and empty: an SQLite journal.

        Raises:
            JournalUnavailable: if the store cannot be read now, or the file cannot be written.
            JournalBroken: if the store is damaged.
        """

    def examine(self) -> Iterator[str]:
        """Looks below the records, and tells what is wrong there.

        That is whatever is not as the store makes it: tables, columns, indexes, triggers; pages or
        rows that an index does not lead to; contexts that were altered or that no record has.

        Raises:
            JournalUnavailable: if the store cannot be read now.
            JournalBroken: if it is damaged so far that it cannot be read.
        """

    def close(self) -> None:
        """Releases the store; closing twice does nothing."""


class JournalStore(JournalReader, Appending, Protocol):
    """An append-only store of chained records; one thread writes, any thread reads."""

    def concerning(self, subject: bytes, before: int | None = None) -> Iterator[StoredRecord]:
        """Yields every record that may be about a subject, the latest first.

        Those that have it, and of a journal that an earlier release began all recommendations
        from before subjects were kept: whoever asks looks into them.

        Args:
            subject: 16 bytes.
            before: only records with a lower number.

        Raises:
            JournalUnavailable: if the store cannot be read now.
            JournalBroken: if the store is damaged.
        """

    def check_erasing(self) -> None:
        """Checks that who opened it may erase, before a record says that something was.

        Raises:
            JournalBroken: naming the rights that are lacking.
            JournalUnavailable: if nobody can write now.
        """

    def erase(self, ids: Iterable[bytes]) -> int:
        """Removes payload, salt and subject of these records for good; the chain still verifies.

        Many are erased in several steps, so that appending goes on between them.

        Returns:
            How many held a payload until now.

        Raises:
            JournalUnavailable: if not all are erased, or copies may be left on the disk: call
                again.
            JournalBroken: if something in the database keeps what is to be removed.
        """
