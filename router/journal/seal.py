"""The seal: where a journal goes on in another version of the chain, what the older one left open.

Version 1 commits to no claim, and of an erased record not to its context. The record of the kind
"seal", the first of version 2, commits to both for all records before it, and tells which of them
were erased by then. A journal that version 2 began has none.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import uuid_utils

from router.digest import encoded
from router.journal.record import SEAL, Context, Record, StoredRecord
from router.journal.seqs import Seqs

_CONTEXT = Context(document='{"seal":1}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What a seal says.

    Attributes:
        records: how many there are before it, all of version 1.
        digest: over number, claim and context of each of them, hexadecimal.
        erased: the numbers of those that were erased.
        subjects_after: up to here records have no subject.
    """

    records: int
    digest: str
    erased: Seqs
    subjects_after: int

    @classmethod
    def parse(cls, payload: bytes) -> Seal:
        """Reads what `record` wrote.

        Raises:
            ValueError: if it is none.
        """
        match json.loads(payload):
            case {
                "records": int(records),
                "digest": str(digest),
                "erased": list(erased),
                "subjects_after": int(subjects_after),
            }:
                return cls(
                    records=records,
                    digest=digest,
                    erased=Seqs.parse(erased),
                    subjects_after=subjects_after,
                )
            case _:
                raise ValueError("is no seal")

    def record(self, now: int) -> Record:
        """Writes it; `now` is in microseconds since 1970, UTC."""
        content = {
            "records": self.records,
            "digest": self.digest,
            "erased": self.erased.runs,
            "subjects_after": self.subjects_after,
        }
        payload = json.dumps(content, sort_keys=True).encode()
        return Record(uuid_utils.uuid7().bytes, SEAL, _CONTEXT, payload, now)


class Sealing:
    """Follows records of version 1 in the order of the chain, and seals them."""

    def __init__(self) -> None:
        self._records = 0
        self._found = hashlib.sha256()
        self._erased = Seqs()

    def add(self, stored: StoredRecord) -> None:
        """Takes the next record."""
        self._records += 1
        self._found.update(encoded(stored.seq, stored.claim, stored.context.digest))
        if stored.payload is None:
            self._erased.add(stored.seq)

    def seal(self, subjects_after: int) -> Seal:
        """Seals what was added."""
        return Seal(
            records=self._records,
            digest=self._found.hexdigest(),
            erased=self._erased,
            subjects_after=subjects_after,
        )
