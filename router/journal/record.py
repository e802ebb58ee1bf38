"""What the journal keeps: records, contexts that explain them, heads of the chain, the errors."""

import hashlib
import os
from dataclasses import dataclass, field
from typing import NamedTuple

from router.mendable import Mendable

RECOMMENDATION = "recommendation"
"""The kind that most records are; others are about one of these, or about the journal itself."""
ERASURE, SEAL = "erasure", "seal"
"""Kinds about the journal itself: what was erased, and what stood in it when its chain changed."""
CALLER_AT_MOST = 128
"""Characters of the name of a caller."""
_KIND_AT_MOST = 32


class JournalUnavailable(Mendable):
    """The journal cannot write now (disk full, file locked, I/O error): retry with the same ids.

    Attributes:
        code: the system's or the database's name of the cause, such as ENOSPC; "" where it gives
            none.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


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
            nothing. A lock between writers, no content. The chain commits to it.
        subject: By which the records of one case are found, 16 bytes (`subject_of`); None for
            none. It goes when the content is erased, and the chain commits to both together.
        caller: The system that called, as it is known to the server; "" when unknown. Never a
            person: it stays when the content is erased. The chain commits to it.
    """

    id: bytes
    kind: str
    context: Context
    payload: bytes
    written_at: int
    about: bytes | None = None
    claim: str = ""
    subject: bytes | None = None
    caller: str = ""

    def check(self) -> None:
        """Refuses what no store may keep.

        Raises:
            ValueError: if an id is not 16 bytes, the kind is no word, the claim is about nothing,
                or the caller is too long or does not print.
        """
        if len(self.id) != 16:
            raise ValueError(f"id: {len(self.id)} bytes instead of 16")
        if self.about is not None and len(self.about) != 16:
            raise ValueError(f"about: {len(self.about)} bytes instead of 16")
        if self.subject is not None and len(self.subject) != 16:
            raise ValueError(f"subject: {len(self.subject)} bytes instead of 16")
        if self.about is None and self.claim:
            raise ValueError(f"claim: {self.claim!r} is about no recommendation")
        if not is_kind(self.kind):
            raise ValueError(f"kind: {self.kind!r} is no word of a to z, at most {_KIND_AT_MOST}")
        if self.caller and not (self.caller.isprintable() and len(self.caller) <= CALLER_AT_MOST):
            raise ValueError(f"caller: must be at most {CALLER_AT_MOST} characters that print")


def is_kind(text: str) -> bool:
    """Tells whether a text may be the kind of a record: letters from a to z."""
    return text.isascii() and text.isalpha() and text.islower() and len(text) <= _KIND_AT_MOST


def rehearsal() -> Record:
    """Gives a record of no case, to be appended and taken back."""
    return Record(os.urandom(16), RECOMMENDATION, Context(document="{}"), b"", 0)


class StoredRecord(NamedTuple):
    """One record as the store returns it.

    `payload`, `salt` and `subject` are None once erased; `context.document` is empty when it was
    lost or altered; `version` is that of the chain under which it was written.
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
    version: int = 2
    claim: str | None = None
    subject: bytes | None = None
    caller: str = ""


def decision_of(record: Record | StoredRecord) -> bytes:
    """Gives the id of the recommendation that a record is, or is about, 16 bytes."""
    return record.about or record.id


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
