"""What the journal keeps: records, contexts that explain them, heads of the chain, the errors."""

import hashlib
from dataclasses import dataclass, field
from typing import NamedTuple

from router.mendable import Mendable

RECOMMENDATION = "recommendation"
"""The kind that most records are; others are about one of these, or about the journal itself."""


class JournalUnavailable(Mendable):
    """The journal cannot write now (disk full, file locked, I/O error): retry with the same ids."""


class JournalFull(Exception):
    """Too many records already wait to be written: retry later."""


class JournalNotNamed(Mendable, ValueError):
    """What names a journal, or a head of one, cannot be read."""


class JournalBroken(Mendable):
    """The file is missing, unreadable, or was made by something else: a person must look at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """How to read a payload: versions, features and mixes that many records share.

    Attributes:
        document: canonical JSON; `router.journal.recommendation` has that of recommendations.
        digest: SHA-256 of the document, 32 bytes.
    """

    document: str
    # Follows from the document: comparing both would compare twice.
    digest: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Computes the digest once: it is hashed into every record."""
        object.__setattr__(self, "digest", hashlib.sha256(self.document.encode()).digest())


class Record(NamedTuple):
    """One thing to keep.

    Attributes:
        id: UUIDv7, 16 bytes; writing the same id again changes nothing.
        kind: What it is: "recommendation", "choice", "outcome", "erasure" ...; never holds a colon.
        context: How to read the payload.
        payload: Opaque here; `router.journal.recommendation` packs it.
        written_at: Microseconds since 1970, UTC.
        about: Id of the recommendation it is about, 16 bytes; None for a recommendation. The chain
            commits to it.
        claim: What only one record about that recommendation may hold, such as "outcome"; "" claims
            nothing. A lock between writers, no content: the chain does not commit to it.
        subject: By which the records of one case are found, 16 bytes (`subject_of`); None for
            none. It goes when the content is erased, and the chain does not commit to it.
    """

    id: bytes
    kind: str
    context: Context
    payload: bytes
    written_at: int
    about: bytes | None = None
    claim: str = ""
    subject: bytes | None = None

    def check(self) -> None:
        """Refuses what no store may keep.

        Raises:
            ValueError: if an id is not 16 bytes, the kind has a colon, or the claim is about
                nothing.
        """
        if len(self.id) != 16:
            raise ValueError(f"id: {len(self.id)} bytes instead of 16")
        if self.about is not None and len(self.about) != 16:
            raise ValueError(f"about: {len(self.about)} bytes instead of 16")
        if self.subject is not None and len(self.subject) != 16:
            raise ValueError(f"subject: {len(self.subject)} bytes instead of 16")
        if self.about is None and self.claim:
            raise ValueError(f"claim: {self.claim!r} is about no recommendation")
        if ":" in self.kind:
            raise ValueError(f"kind: {self.kind!r} holds a colon")


class StoredRecord(NamedTuple):
    """One record as the store returns it.

    `payload` and `salt` are None once erased; `context.document` is empty when it was lost or
    altered.
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
    about: bytes | None


class Head(NamedTuple):
    """The end of a chain.

    Attributes:
        seq: number of its last record, 0 when empty.
        digest: the 32-byte hash up to there.
    """

    seq: int
    digest: bytes

    def __str__(self) -> str:
        """Writes it as SEQ:HEX, to be kept outside the journal."""
        return f"{self.seq}:{self.digest.hex()}"

    @classmethod
    def parse(cls, text: str) -> "Head":
        """Reads SEQ:HEX.

        Raises:
            JournalNotNamed: if the text is not a number from 0, a colon and 64 hexadecimal digits.
        """
        seq, _, digits = text.strip().partition(":")
        try:
            head = cls(int(seq), bytes.fromhex(digits))
        except ValueError:
            # One refusal for all that is wrong, in the words below.
            head = cls(-1, b"")
        if head.seq < 0 or len(head.digest) != 32:
            raise JournalNotNamed(
                f"head: {text!r} is not SEQ:HEX (a number from 0, a colon, 64 hex digits)"
            )
        return head
