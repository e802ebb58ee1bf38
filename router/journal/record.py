"""What the journal keeps: records, the context that reads them, heads of the chain, and the errors."""

import hashlib
from dataclasses import dataclass, field
from typing import NamedTuple


class JournalUnavailable(Exception):
    """The journal cannot write now (disk full, file locked, I/O error): retry later with the same ids."""


class JournalFull(Exception):
    """Too many records already wait to be written: retry later."""


class JournalBroken(Exception):
    """The file is missing, unreadable, or was made by something else: a person must look at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """How to read a payload: versions, features and mixes that many records share.

    Attributes:
        document: Canonical JSON; `router.journal.export` says which keys it reads.
        digest: SHA-256 of the document, 32 bytes.
    """

    document: str
    digest: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compute the digest once: it is hashed into every record."""
        object.__setattr__(self, "digest", hashlib.sha256(self.document.encode()).digest())


class Record(NamedTuple):
    """One thing to keep.

    Attributes:
        id: UUIDv7, 16 bytes; writing the same id again changes nothing.
        kind: "recommendation"; "choice" and "outcome" later.
        context: How to read the payload.
        payload: Opaque here; `router.journal.payload` packs it.
        written_at: Microseconds since 1970, UTC.
    """

    id: bytes
    kind: str
    context: Context
    payload: bytes
    written_at: int


class StoredRecord(NamedTuple):
    """One record as the store returns it.

    `payload` and `salt` are None once erased; `context.document` is empty when it was lost or altered.
    """

    seq: int
    id: bytes
    kind: str
    context: Context
    written_at: int
    payload: bytes | None
    salt: bytes | None
    commitment: bytes
    head: bytes


class Head(NamedTuple):
    """The end of a chain: number of its last record (0 when empty) and the 32-byte hash up to there."""

    seq: int
    digest: bytes

    def __str__(self) -> str:
        """Write it as SEQ:HEX, to be kept outside the journal."""
        return f"{self.seq}:{self.digest.hex()}"

    @classmethod
    def parse(cls, text: str) -> "Head":
        """Read SEQ:HEX.

        Raises:
            ValueError: The text is not a number from 0, a colon and 64 hexadecimal digits.
        """
        seq, _, digits = text.strip().partition(":")
        try:
            head = cls(int(seq), bytes.fromhex(digits))
        except ValueError:
            head = cls(-1, b"")
        if head.seq < 0 or len(head.digest) != 32:
            raise ValueError(f"head: {text!r} is not SEQ:HEX (a number from 0, a colon, 64 hex digits)")
        return head
