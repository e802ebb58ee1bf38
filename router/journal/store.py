"""The seam: what any durable store behind the journal must do."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from router.journal.record import Context, Head, Record, StoredRecord


class JournalStore(Protocol):
    """An append-only store of chained records; one thread writes, any thread reads."""

    def write_batch(self, records: Sequence[Record]) -> None:
        """Append the records in order, all or none, and return only when they are durable.

        An id that is already stored is skipped, so a batch may be retried.

        Raises:
            JournalUnavailable: Not durable; count none as written (a retry with the same ids is safe).
            ValueError: A record's id is not 16 bytes.
        """

    def probe(self) -> None:
        """Make a tiny durable write.

        Raises:
            JournalUnavailable: It failed.
        """

    def read(self, after: int = 0, limit: int | None = None) -> Iterator[StoredRecord]:
        """Yield records in chain order from the one behind `after`; None means to the end.

        Raises:
            JournalUnavailable: The store cannot be read now.
            JournalBroken: The store is damaged.
        """

    def contexts(self) -> Sequence[Context]:
        """List every context that a record was written under, oldest first."""

    def heads(self) -> Sequence[Head]:
        """List the end of each chain in the store: one chain per writer."""

    def erase(self, ids: Sequence[bytes]) -> int:
        """Remove payload and salt of these records for good; the chain still verifies.

        Returns:
            How many held a payload until now.

        Raises:
            JournalUnavailable: Not erased, or copies may be left on the disk: call again.
        """

    def close(self) -> None:
        """Release the store; closing twice does nothing."""
