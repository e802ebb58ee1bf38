"""Records of erasures: which records lost their content, and why; never whose it was."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import uuid_utils

from router.journal.record import ERASURE, Context, Record, StoredRecord
from router.journal.seqs import Seqs

_CONTEXT = Context(document='{"erasure":2}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What a record of an erasure tells.

    Attributes:
        why: such as "age" or "request".
        records: how many were to lose their content.
        seqs: their numbers; None in what 0.3.0 wrote, which did not tell them.
        facts: what else it tells.
    """

    why: str
    records: int
    seqs: Seqs | None
    facts: dict[str, str] = field(default_factory=dict)

    def record(self, now: int) -> Record:
        """Writes it; `now` is in microseconds since 1970, UTC."""
        runs = {} if self.seqs is None else {"seqs": self.seqs.runs}
        content = {"why": self.why, "records": self.records, **runs, **self.facts}
        payload = json.dumps(content, sort_keys=True).encode()
        return Record(uuid_utils.uuid7().bytes, ERASURE, _CONTEXT, payload, now)


def read_erasure(stored: StoredRecord) -> Erasure | None:
    """Reads a record of an erasure; None if it was erased itself, as 0.3.0 did by age.

    Raises:
        ValueError: if it is none.
    """
    if stored.payload is None:
        return None
    match json.loads(stored.payload):
        case {"why": str(why), "records": int(records), **rest}:
            runs = rest.pop("seqs", None)
            seqs = Seqs.parse(runs) if isinstance(runs, list) else None
            facts = {str(name): str(value) for name, value in rest.items()}
            return Erasure(why=why, records=records, seqs=seqs, facts=facts)
        case _:
            raise ValueError("is no record of an erasure")
