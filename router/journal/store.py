"""The seam: what any durable store behind the journal must do."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Protocol

from router.journal.record import Context, Head, Record, StoredRecord


class JournalStore(Protocol):
    """An append-only store of chained records; one thread writes, any thread reads."""

    def write_batch(self, records: Sequence[Record]) -> None:
        """Append the records in order, and return only when they are durable.

        A record is skipped when its id is stored already or when another record about the same
        recommendation holds its claim; the others are appended, all or none. One rule for retries
        and for races between writers: write, then `find` what stands.

        Raises:
            JournalUnavailable: Not durable; count none as written (a retry with the same ids is
                safe).
            ValueError: A record that `Record.check` refuses.
        """

    def probe(self) -> None:
        """Make a tiny durable write.

        Raises:
            JournalUnavailable: It failed.
        """

    def read(
        self, after: int = 0, limit: int | None = None, kinds: Collection[str] | None = None
    ) -> Iterator[StoredRecord]:
        """Yield records in chain order.

        Args:
            after: Begin behind this number.
            limit: Most records; None means to the end.
            kinds: Only these; None means all.

        Raises:
            JournalUnavailable: The store cannot be read now.
            JournalBroken: The store is damaged.
        """

    def find(self, ids: Sequence[bytes]) -> list[StoredRecord]:
        """The records with these ids that are there, in the order asked.

        Raises:
            JournalUnavailable: The store cannot be read now.
            JournalBroken: The store is damaged.
        """

    def about(self, decision: bytes) -> list[StoredRecord]:
        """The records about this recommendation, in chain order.

        Raises:
            JournalUnavailable: The store cannot be read now.
            JournalBroken: The store is damaged.
        """

    def held_before(self, moment: int) -> Iterator[bytes]:
        """Yield, in chain order, ids of records that hold content and were written before `moment` (microseconds).

        Raises:
            JournalUnavailable: The store cannot be read now.
            JournalBroken: The store is damaged.
        """

    def contexts(self) -> Sequence[Context]:
        """List every context that a record was written under, oldest first."""

    def heads(self) -> Sequence[Head]:
        """List the end of each chain in the store: one chain per writer."""

    def erase(self, ids: Iterable[bytes]) -> int:
        """Remove payload and salt of these records for good; the chain still verifies.

        Many are erased in several steps, so that appending goes on between them.

        Returns:
            How many held a payload until now.

        Raises:
            JournalUnavailable: Not all are erased, or copies may be left on the disk: call again.
        """

    def close(self) -> None:
        """Release the store; closing twice does nothing."""
