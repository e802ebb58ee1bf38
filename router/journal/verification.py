"""Verifies a journal: its chain, what was erased, and that the store reads what it holds.

It finds whatever was changed since a head that is kept elsewhere; without one, it cannot know of
a journal that was rewritten whole, or lost its end.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from router.journal.chain import START, VERSION, follows, is_committed
from router.journal.erasures import read_erasure
from router.journal.form import EDITED, LOST, form_flaw
from router.journal.recommendation import read_subject
from router.journal.record import (
    ERASURE,
    RECOMMENDATION,
    SEAL,
    Head,
    JournalBroken,
    JournalUnavailable,
    StoredRecord,
)
from router.journal.seal import Seal, Sealing
from router.journal.seqs import Seqs
from router.journal.store import JournalReader

_TOLD_AT_MOST = 5
_MARK_ALTERED = "the mark from which on records have subjects was altered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a verification found.

    Attributes:
        records: Records that hold, counted from the start of the chain.
        erased: How many of them have been erased.
        head: The last record that holds.
        broken_seq: The first record that does not hold; None when all do.
        reason: Why it does not; None when all do.
        problems: What else is wrong: with the store, or with what was erased.
        notes: What could not be known.
    """

    records: int
    erased: int
    head: Head
    broken_seq: int | None = None
    reason: str | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def intact(self) -> bool:
        """Whether every record holds, and nothing else is wrong."""
        return self.broken_seq is None and not self.problems


def verify(store: JournalReader, expected: Head | None = None) -> Verification:
    """Looks at the store, and walks the chain up to the first record that does not hold.

    Args:
        store: a store with one chain.
        expected: a head exported earlier; without it, records removed at the end go unnoticed.

    Raises:
        JournalUnavailable: if the store cannot be read now.
        JournalBroken: if the store is damaged so far that not even its shape can be read.
    """
    problems = list(store.examine())
    walk = _Walk(expected)
    try:
        broken = walk.to_the_end(store)
        if broken is None:
            problems += walk.unreconciled()
            problems += _read_otherwise(store, walk)
    except (JournalBroken, JournalUnavailable) as error:
        # A damaged record is what was looked for. That it cannot be read now says nothing of the
        # journal, unless what was found already tells why.
        if isinstance(error, JournalUnavailable) and not problems:
            raise
        broken = walk.head.seq + 1, str(error)
    seq, reason = broken or (None, None)
    return Verification(
        records=walk.head.seq,
        erased=len(walk.erased),
        head=walk.head,
        broken_seq=seq,
        reason=reason,
        problems=tuple(problems),
        notes=tuple(walk.notes),
    )


class _Walk:
    """Follows the chain, and remembers what must agree at its end."""

    def __init__(self, expected: Head | None) -> None:
        self.head = START
        self.erased = Seqs()
        self.notes: list[str] = []
        self._expected = expected
        self._subjects_after = 0
        self._sealing: Sealing | None = Sealing()
        self._sealed = False
        self._told: list[Seqs] = []
        # Of version 1, whose records of erasures name no numbers.
        self._counted = 0
        self._unknown = 0
        self._uncounted = 0
        self._kinds: set[str] = set()
        self._others = sha256()

    @property
    def other_kinds(self) -> frozenset[str]:
        """Kinds that were met and are not that of recommendations."""
        return frozenset(self._kinds) - {RECOMMENDATION}

    @property
    def others(self) -> bytes:
        """Digest over the records of these kinds."""
        return self._others.digest()

    def to_the_end(self, store: JournalReader) -> tuple[int, str] | None:
        """Walks; gives the first number that does not hold and why, None if all hold."""
        self._subjects_after = store.subjects_after()
        try:
            flaw = self._over(store.read())
        except JournalBroken:
            # Many are read at once, and those before the one that cannot be read are good.
            flaw = self._over(_one_by_one(store, self.head.seq))
        if flaw is not None:
            return flaw
        # A chain that lost its end still holds: only a head kept elsewhere tells.
        expected, last = self._expected, self.head.seq
        if expected is not None and expected.seq > last:
            told = f"its end was removed: record {expected.seq} was seen, but {last} is the last"
            return last + 1, told
        return None

    def _over(self, records: Iterable[StoredRecord]) -> tuple[int, str] | None:
        """Walks over the next records; gives the first that does not hold and why, None if all."""
        for stored in records:
            seq = self.head.seq + 1
            reason = self._flaw(seq, stored)
            if reason is not None:
                return seq, reason
            self._remember(stored)
        return None

    def _flaw(self, seq: int, stored: StoredRecord) -> str | None:
        if stored.seq != seq:
            return f"missing: record {stored.seq} comes next"
        try:
            reason = (
                form_flaw(stored)
                or (None if stored.context.document else LOST)
                or self._version_flaw(stored)
                or self._content_flaw(stored)
                or self._link_flaw(stored)
                or self._meaning_flaw(stored)
            )
        except (TypeError, AttributeError, ValueError, OverflowError, struct.error):
            # SQLite keeps what it is given whatever a column's type: an edited file may hold
            # anything.
            return "a column holds another type of value than the journal writes"
        if reason is None and self._expected not in (None, Head(stored.seq, stored.head)):
            assert self._expected is not None
            if self._expected.seq == seq:
                return "its head differs from the one exported: the journal was rewritten"
        return reason

    def _version_flaw(self, stored: StoredRecord) -> str | None:
        if stored.version == 1:
            return None if self._sealing is not None else "an older version of the chain follows"
        if stored.version != VERSION:
            return f"version {stored.version!r} of the chain is not known here"
        # The first of version 2: what version 1 left open is sealed by it.
        before = self.head.seq
        if self._sealing is not None and (before > 0) != (stored.kind == SEAL):
            return "the chain goes on in another version without a seal"
        if self._sealing is None and stored.kind == SEAL:
            return "a second seal"
        return None

    def _content_flaw(self, stored: StoredRecord) -> str | None:
        if stored.payload is None:
            return None
        if not is_committed(stored):
            return EDITED
        if stored.version == 1:
            return self._subject_flaw(stored)
        return None

    def _subject_flaw(self, stored: StoredRecord) -> str | None:
        """Version 1 commits to no subject, but it follows from the content."""
        if stored.subject is None and stored.seq <= self._subjects_after:
            return None
        if stored.kind != RECOMMENDATION:
            return None if stored.subject is None else "it has a subject, and is no recommendation"
        try:
            belongs = stored.subject == read_subject(stored)
        except ValueError:
            return "its case cannot be read, which its subject is to be that of"
        return None if belongs else "its subject is not that of its case"

    def _link_flaw(self, stored: StoredRecord) -> str | None:
        if not follows(self.head.digest, stored):
            return "it does not follow the record before it: edited or moved"
        return None

    def _meaning_flaw(self, stored: StoredRecord) -> str | None:
        """Looks into the records that tell about others."""
        if stored.kind == SEAL:
            return self._seal_flaw(stored)
        if stored.kind == ERASURE:
            told = read_erasure(stored)
            if told is None:
                return None if stored.version == 1 else "a record of an erasure was erased"
            if (told.seqs is None) != (stored.version == 1):
                return "a record of an erasure that tells no numbers"
            if told.seqs is not None and told.seqs.end >= stored.seq:
                return "it tells that later records were erased"
        return None

    def _seal_flaw(self, stored: StoredRecord) -> str | None:
        if stored.payload is None:
            return "the seal was erased"
        told, sealing = Seal.parse(stored.payload), self._sealing
        assert sealing is not None
        found = sealing.seal(told.subjects_after)
        if (told.records, told.digest) != (found.records, found.digest):
            return "claims or contexts of the records before the seal were altered"
        if told.subjects_after != self._subjects_after:
            return _MARK_ALTERED
        return None

    def _remember(self, stored: StoredRecord) -> None:
        self.head = Head(stored.seq, stored.head)
        if stored.payload is None:
            self.erased.add(stored.seq)
        self._remember_version(stored)
        if stored.kind == ERASURE:
            self._remember_erasure(stored)
        self._kinds.add(stored.kind)
        if stored.kind != RECOMMENDATION:
            self._others.update(stored.head)

    def _remember_version(self, stored: StoredRecord) -> None:
        if self._sealing is None:
            return
        if stored.version == 1:
            self._sealing.add(stored)
            return
        if stored.kind == SEAL:
            assert stored.payload is not None
            sealed = Seal.parse(stored.payload).erased
            self._told.append(sealed)
            self._sealed = True
            self._uncounted = max(0, len(sealed) - self._counted)
        self._sealing = None

    def _remember_erasure(self, stored: StoredRecord) -> None:
        told = read_erasure(stored)
        if told is None:
            self._unknown += 1
        elif told.seqs is None:
            self._counted += told.records
        else:
            self._told.append(told.seqs)

    def unreconciled(self) -> Iterator[str]:
        """Tells what was erased without a record of it, and the other way."""
        if self._sealing is not None:
            # All of version 1, or none at all: only their number is told.
            self._uncounted = max(0, len(self.erased) - self._counted)
            told = self.erased
        else:
            told = Seqs.union(self._told)
        began_in_2 = self._sealing is None and not self._sealed
        if self._subjects_after and (began_in_2 or not self.head.seq):
            yield _MARK_ALTERED
        if self._uncounted and not self._unknown:
            yield f"{self._uncounted} records were erased, and no record tells of it"
        elif self._uncounted:
            self.notes.append(
                f"{self._uncounted} erasures before the chain's version 2 cannot be checked: "
                f"{self._unknown} records of erasures were erased by age themselves"
            )
        yield from _told_of(self.erased.without(told), "erased, and no record tells of it")
        yield from _told_of(
            told.without(self.erased),
            "holds content that was to be erased: erase again, or a backup was restored",
        )


def _one_by_one(store: JournalReader, after: int) -> Iterator[StoredRecord]:
    """Reads each record by itself, so that all come which stand before one that cannot be read."""
    while found := list(store.read(after, limit=1)):
        yield from found
        after = found[-1].seq


def _told_of(seqs: Iterator[int], problem: str) -> Iterator[str]:
    for count, seq in enumerate(seqs):
        if count == _TOLD_AT_MOST:
            yield f"and more records: {problem}"
            return
        yield f"record {seq}: {problem}"


def _read_otherwise(store: JournalReader, walk: _Walk) -> Iterator[str]:
    """Reads by kind what was read in order: a hole in an index hides records from readers."""
    found = sha256()
    for stored in store.read(kinds=walk.other_kinds):
        # What was appended meanwhile was not walked over.
        if stored.seq > walk.head.seq:
            break
        found.update(stored.head)
    if found.digest() != walk.others:
        yield "read by kind it gives other records than read in order: an index is damaged"
