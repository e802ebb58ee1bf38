"""What a record looks like as the journal writes it; whoever reads one may rely on it."""

from __future__ import annotations

from router.journal.chain import DIGEST_BYTES, SALT_BYTES, is_committed
from router.journal.record import JournalBroken, StoredRecord, is_kind

LOST = "its context is missing or altered"
EDITED = "its content does not match its commitment: edited"
# Behind the year 9999 no calendar has a day.
_NO_MORE_TIME = 253_402_300_800_000_000


def sound(stored: StoredRecord) -> StoredRecord:
    """Gives a record of the form in which it was written, and with its own content.

    SQLite keeps what it is given whatever a column's type, so an edited file may hold anything.
    That records are missing, or moved, only a walk along the chain tells (`verification`).

    Raises:
        JournalBroken: if it is not, naming the record.
    """
    flaw = form_flaw(stored)
    if flaw is None and stored.payload is not None:
        if not stored.context.document:
            flaw = LOST
        elif not is_committed(stored):
            flaw = EDITED
    if flaw is not None:
        raise JournalBroken(f"record {stored.seq}: {flaw}; see `journal verify`")
    return stored


def form_flaw(stored: StoredRecord) -> str | None:
    """Looks at types and lengths: where all are right, a digest has one reading.

    Returns:
        What is wrong; None if nothing is.
    """
    of_length = (
        ("id", stored.id, 16),
        ("commitment", stored.commitment, DIGEST_BYTES),
        ("head", stored.head, DIGEST_BYTES),
    )
    optional = (
        ("about", stored.about, 16),
        ("salt", stored.salt, SALT_BYTES),
        ("subject", stored.subject, 16),
    )
    present = (part for part in optional if part[1] is not None)
    for name, value, length in (*of_length, *present):
        if type(value) is not bytes or len(value) != length:
            return f"its {name} is not {length} bytes"
    if type(stored.kind) is not str or not is_kind(stored.kind):
        return "its kind is no word of a to z: what it is about may have been moved there"
    if type(stored.caller) is not str or not isinstance(stored.claim, str | None):
        return "its caller or claim is no text"
    if stored.claim is not None and (not stored.claim or stored.about is None):
        return "its claim is about nothing"
    if type(stored.version) is not int or type(stored.written_at) is not int:
        return "its version or time is no number"
    if not 0 <= stored.written_at < _NO_MORE_TIME:
        return "its time is none"
    if stored.version == 1 and stored.caller:
        return "its caller was added later"
    return _erasure_flaw(stored)


def _erasure_flaw(stored: StoredRecord) -> str | None:
    if stored.payload is not None and type(stored.payload) is not bytes:
        return "its payload is no bytes"
    if (stored.payload is None) != (stored.salt is None):
        return "half erased: payload and salt go together"
    if stored.payload is None and stored.subject is not None:
        return "half erased: its subject is left"
    return None
