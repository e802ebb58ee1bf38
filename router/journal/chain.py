"""The hash chain: each record commits to its content and to every record before it.

    commitment = SHA256(salt | context digest | payload)
    head       = SHA256(previous head | seq | id | kind | written_at | commitment)

A record about another one has kind ":" about (in hexadecimal digits) in the place of kind, and
kinds hold no colon. seq and written_at are 8 bytes, big-endian; the head before record 1 is 32 zero
bytes. The salt keeps an erased payload from being guessed out of its commitment. The chain holds no
secret: whoever can rewrite the whole store can rewrite the chain, so heads are exported and kept
elsewhere, and `verify` compares.
"""

import hashlib
import os
import struct
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass

from router.journal.record import Context, Head, Record, StoredRecord
from router.journal.store import JournalStore

SALT_BYTES = 16
START = Head(0, bytes(32))

_sha256 = hashlib.sha256
_eight_bytes = struct.Struct(">q").pack


def commitment(salt: bytes, context_digest: bytes, payload: bytes) -> bytes:
    """Commits to a payload and to how it is read; `salt` has 16 bytes and the digest 32."""
    return _sha256(salt + context_digest + payload).digest()


def next_head(
    previous: bytes,
    seq: int,
    id: bytes,
    kind: str,
    written_at: int,
    commitment: bytes,
    about: bytes | None = None,
) -> bytes:
    """Chains one record to the head before it.

    Only `kind` (with `about`) varies in length, so no two records hash the same bytes.
    """
    if about is not None:
        kind = f"{kind}:{about.hex()}"
    return _sha256(
        previous + _eight_bytes(seq) + id + kind.encode() + _eight_bytes(written_at) + commitment
    ).digest()


Row = tuple[
    int, bytes, str, int, int, bytes, bytes, bytes, bytes, bytes | None, str | None, bytes | None
]
"""What a store keeps of a record, in the order of `COLUMNS`."""
COLUMNS = (
    "seq, id, kind, context, written_at, payload, salt, commitment, head, about, claim, subject"
)


def chained(
    records: Sequence[Record], head: Head, context_id: Callable[[Context], int]
) -> tuple[list[Row], Head]:
    """Chains records behind `head`.

    Args:
        records: in order.
        head: the end of the chain so far.
        context_id: the store's number of a context.

    Returns:
        A row by record, and the new end.

    Raises:
        ValueError: if `Record.check` refuses a record.
    """
    # One call to the system for a whole batch.
    salts = os.urandom(SALT_BYTES * len(records))
    seq, digest = head
    rows: list[Row] = []
    known, number = None, 0
    for at, record in enumerate(records):
        id_, kind, context, payload, written_at, about, claim, subject = record
        # What `check` would look for in most records, without a call for each of them.
        if (
            len(id_) != 16
            or ":" in kind
            or about is not None
            or claim
            or (subject is not None and len(subject) != 16)
        ):
            record.check()
        # Neighbours mostly share theirs: the store is asked once a run, not once a record.
        if context is not known:
            known, number = context, context_id(context)

        seq += 1
        salt = salts[at * SALT_BYTES : (at + 1) * SALT_BYTES]
        sealed = commitment(salt, context.digest, payload)
        digest = next_head(digest, seq, id_, kind, written_at, sealed, about)
        rows.append(
            (
                seq,
                id_,
                kind,
                number,
                written_at,
                payload,
                salt,
                sealed,
                digest,
                about,
                claim or None,
                subject,
            )
        )
    return rows, Head(seq, digest)


def admissible(
    records: Sequence[Record], ids: Container[bytes], claims: Container[tuple[bytes | None, str]]
) -> list[Record]:
    """Picks the records whose id and claim are free.

    Each id and each claim is given once: the first one has it. A record without a claim that is
    about another one was written together with that one, and is admitted with it or not at all:
    else what is withheld of one case could stand beside the decision about another.

    Args:
        records: a batch.
        ids: those of them that are stored.
        claims: pairs of what a stored record is about and its claim.
    """
    new_ids: set[bytes] = set()
    new_claims: set[tuple[bytes | None, str]] = set()
    refused: set[bytes] = set()
    admitted = []
    for record in records:
        key = (record.about, record.claim)
        if record.id in ids or record.id in new_ids:
            refused.add(record.id)
            continue
        if record.about in refused and not record.claim:
            continue
        if record.claim and (key in claims or key in new_claims):
            continue
        new_ids.add(record.id)
        new_claims.add(key)
        admitted.append(record)
    return admitted


def skipped(records: Sequence[Record], admitted: Sequence[Record]) -> frozenset[bytes]:
    """Gives the ids of a batch's records that were not admitted."""
    new = set(map(id, admitted))
    return frozenset(record.id for record in records if id(record) not in new)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a verification found.

    Attributes:
        records: Records that hold, counted from the start of the chain.
        erased: How many of them have been erased.
        head: The last record that holds.
        broken_seq: The first record that does not hold; None when all do.
        reason: Why it does not; None when all do.
    """

    records: int
    erased: int
    head: Head
    broken_seq: int | None = None
    reason: str | None = None

    @property
    def intact(self) -> bool:
        """Whether every record holds."""
        return self.broken_seq is None


def verify(store: JournalStore, expected: Head | None = None) -> Verification:
    """Walks the chain from its start and stops at the first record that does not hold.

    Args:
        store: a store with one chain.
        expected: a head exported earlier; without it, records removed at the end go unnoticed.

    Raises:
        JournalUnavailable: if the store cannot be read now.
        JournalBroken: if the store is damaged below the level of records.
    """
    head, erased = START, 0
    for stored in store.read():
        broken = _flaw(head, stored, expected)
        if broken:
            seq, reason = broken
            return Verification(
                records=head.seq, erased=erased, head=head, broken_seq=seq, reason=reason
            )
        head = Head(stored.seq, stored.head)
        erased += stored.payload is None
    # A chain that lost its end still holds: only a head kept elsewhere tells.
    if expected is not None and expected.seq > head.seq:
        reason = f"its end was removed: record {expected.seq} was seen, but {head.seq} is the last"
        return Verification(
            records=head.seq, erased=erased, head=head, broken_seq=head.seq + 1, reason=reason
        )
    return Verification(records=head.seq, erased=erased, head=head)


def _flaw(head: Head, stored: StoredRecord, expected: Head | None) -> tuple[int, str] | None:
    """Finds the first broken number and why; None when `stored` follows from `head`."""
    seq = head.seq + 1
    if stored.seq != seq:
        return seq, f"missing: record {stored.seq} comes next"
    try:
        reason = _content_flaw(stored) or _link_flaw(head, stored)
    except (TypeError, AttributeError, ValueError, struct.error):
        # SQLite keeps what it is given whatever a column's type: an edited file may hold anything.
        return seq, "a column holds another type of value than the journal writes"
    if (
        reason is None
        and expected is not None
        and expected.seq == seq
        and expected.digest != stored.head
    ):
        reason = "its head differs from the one exported: the journal was rewritten"
    return (seq, reason) if reason else None


def _content_flaw(stored: StoredRecord) -> str | None:
    if not stored.context.document:
        return "its context is missing or altered"
    # Erased: nothing is left to compare; that it follows is checked by the commitment that stays.
    if stored.payload is None and stored.salt is None:
        return None
    if stored.payload is None or stored.salt is None:
        return "half erased: payload and salt go together"
    if commitment(stored.salt, stored.context.digest, stored.payload) != stored.commitment:
        return "its content does not match its commitment: edited"
    return None


def _link_flaw(head: Head, stored: StoredRecord) -> str | None:
    # Else "kind:about" hashes the same bytes as that kind about that record.
    if ":" in stored.kind:
        return "its kind holds a colon: what it is about was moved there"
    computed = next_head(
        head.digest,
        stored.seq,
        stored.id,
        stored.kind,
        stored.written_at,
        stored.commitment,
        stored.about,
    )
    return (
        None
        if computed == stored.head
        else "it does not follow the record before it: edited or moved"
    )
