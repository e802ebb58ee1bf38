"""The hash chain: each record commits to its content and to every record before it.

Version 2, in which records are written:

    commitment = SHA256(name | salt | context digest | subject | payload)
    head       = SHA256(name | previous head | seq | written_at | id | context digest | commitment
                        | lengths of kind, about, claim and caller | these four)

What has one length only is checked to have it; a subject is a byte that tells whether there is one,
and 16 bytes; a length is 4 bytes, of what is absent the highest number there is. So every byte has
one meaning, and none can move to another field. All numbers are big-endian.

Version 1, which 0.3.0 wrote and which is still verified:

    commitment = SHA256(salt | context digest | payload)
    head       = SHA256(previous head | seq | id | kind | written_at | commitment)

There a record about another one has kind ":" about (in hexadecimal digits) in the place of kind.
With lengths checked, and kinds that hold no colon, it is read in one way too; but it commits to
neither claim nor subject. A record of the kind "seal" commits to them where version 2 begins.

seq and written_at are 8 bytes; the head before record 1 is 32 zero bytes. The salt keeps an erased
payload from being guessed out of its commitment. The chain holds no secret: whoever can rewrite the
whole store can rewrite the chain, so heads are exported and kept elsewhere.
"""

import hashlib
import os
import struct
from collections.abc import Callable, Container, Sequence

from router.journal.record import RECOMMENDATION, Context, Head, Record, StoredRecord

VERSION = 2
"""Of the chain, in which records are written."""
SALT_BYTES = 16
DIGEST_BYTES = 32
START = Head(0, bytes(DIGEST_BYTES))

_sha256 = hashlib.sha256
_eight_bytes = struct.Struct(">q").pack
# Named, so that no digest of one thing is ever one of another.
_COMMITMENT = b"router journal commitment 2\0"
_HEAD = b"router journal record 2\0"
_NO_SUBJECT = bytes(17)
_fixed = struct.Struct(">32sqq16s32s32sIIII").pack
_ABSENT = 0xFFFFFFFF


def commitment(salt: bytes, context_digest: bytes, payload: bytes, subject: bytes | None) -> bytes:
    """Commits to a payload, to how it is read and to its subject, which is erased with it.

    `salt` and `subject` have 16 bytes and the digest 32.
    """
    told = _NO_SUBJECT if subject is None else b"\1" + subject
    return _sha256(_COMMITMENT + salt + context_digest + told + payload).digest()


def next_head(
    previous: bytes,
    seq: int,
    id: bytes,
    kind: str,
    written_at: int,
    context_digest: bytes,
    commitment: bytes,
    about: bytes | None,
    claim: str | None,
    caller: str,
) -> bytes:
    """Chains one record to the head before it; lengths of what has one only are the caller's."""
    named, called = kind.encode(), caller.encode()
    claimed = b"" if claim is None else claim.encode()
    fixed = _fixed(
        previous,
        seq,
        written_at,
        id,
        context_digest,
        commitment,
        len(named),
        _ABSENT if about is None else len(about),
        _ABSENT if claim is None else len(claimed),
        len(called),
    )
    return _sha256(_HEAD + fixed + named + (about or b"") + claimed + called).digest()


def follows(previous: bytes, stored: StoredRecord) -> bool:
    """Tells whether a record follows from the head before it, by the version it was written in.

    Its fields have their lengths and types.
    """
    if stored.version == 1:
        return _head_1(previous, stored) == stored.head
    head = next_head(
        previous,
        stored.seq,
        stored.id,
        stored.kind,
        stored.written_at,
        stored.context.digest,
        stored.commitment,
        stored.about,
        stored.claim,
        stored.caller,
    )
    return head == stored.head


def is_committed(stored: StoredRecord) -> bool:
    """Tells whether the content of a record that was not erased is what it committed to."""
    salt, payload = stored.salt or b"", stored.payload or b""
    if stored.version == 1:
        sealed = _sha256(salt + stored.context.digest + payload).digest()
    else:
        sealed = commitment(salt, stored.context.digest, payload, stored.subject)
    return sealed == stored.commitment


def _head_1(previous: bytes, stored: StoredRecord) -> bytes:
    kind = stored.kind if stored.about is None else f"{stored.kind}:{stored.about.hex()}"
    return _sha256(
        previous
        + _eight_bytes(stored.seq)
        + stored.id
        + kind.encode()
        + _eight_bytes(stored.written_at)
        + stored.commitment
    ).digest()


Row = tuple[
    int,
    bytes,
    str,
    int,
    int,
    bytes,
    bytes,
    bytes,
    bytes,
    bytes | None,
    str | None,
    bytes | None,
    int,
    str,
]
"""What a store keeps of a record, in the order of `COLUMNS`."""
COLUMNS = (
    "seq, id, kind, context, written_at, payload, salt, commitment, head, about, claim, subject, "
    "version, caller"
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
        id_, kind, context, payload, written_at, about, claim, subject, caller = record
        # What `check` would look for in most records, without a call for each of them.
        if (
            len(id_) != 16
            or kind != RECOMMENDATION
            or about is not None
            or claim
            or caller
            or (subject is not None and len(subject) != 16)
        ):
            record.check()
        # Neighbours mostly share theirs: the store is asked once a run, not once a record.
        if context is not known:
            known, number = context, context_id(context)

        seq += 1
        salt = salts[at * SALT_BYTES : (at + 1) * SALT_BYTES]
        sealed = commitment(salt, context.digest, payload, subject)
        claimed = claim or None
        digest = next_head(
            digest,
            seq,
            id_,
            kind,
            written_at,
            context.digest,
            sealed,
            about,
            claimed,
            caller,
        )
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
                claimed,
                subject,
                VERSION,
                caller,
            )
        )
    return rows, Head(seq, digest)


def answered(records: Sequence[Record]) -> set[bytes]:
    """Gives what a batch is about that was there before it."""
    about = {record.about for record in records if record.about is not None}
    return about and about - {record.id for record in records}


def admissible(
    records: Sequence[Record],
    ids: Container[bytes],
    claims: Container[tuple[bytes | None, str]],
    erased: Container[bytes | None] = (),
) -> list[Record]:
    """Picks the records whose id and claim are free, and that are about nothing erased.

    Each id and each claim is given once: the first one has it. A record without a claim that is
    about another one was written together with that one, and is admitted with it or not at all:
    else what is withheld of one case could stand beside the decision about another.

    Args:
        records: a batch.
        ids: those of them that are stored.
        claims: pairs of what a stored record is about and its claim.
        erased: what was erased of that which they are about.
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
        if record.about in erased or (record.about in refused and not record.claim):
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
