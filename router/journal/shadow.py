"""What a shadow would have advised: a record about each decision, erased with its case.

The payload is two bytes, the numbers of the mix advised and of the shadow's; the context names the
shadow and the mixes.
"""

from __future__ import annotations

import json
import struct
import uuid
from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from router.journal.form import sound
from router.journal.record import Context, JournalBroken, Record, StoredRecord
from router.journal.store import JournalReader

SHADOW = "shadow"
"""Kind of these records."""
_PAIR = struct.Struct("<bb")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowReading:
    """What a context document tells of the records written under it.

    Attributes:
        shadow: a version's name, or "rule".
        sha256: of the version's tables; "" for the rule.
        mixes: of the catalogue then, by number.
        minutes: of each, adviser minutes.
    """

    shadow: str
    sha256: str
    mixes: tuple[str, ...]
    minutes: tuple[int, ...]

    def context(self) -> Context:
        """Writes the context document; equal readings give equal bytes."""
        content = {"kind": SHADOW, **msgspec.to_builtins(self)}
        return Context(document=json.dumps(content, sort_keys=True, separators=(",", ":")))


def shadow_record(
    context: Context, shadow: str, decision_id: str, advised: int, other: int, now: int
) -> Record:
    """Writes the record of one comparison.

    Args:
        context: from `ShadowReading.context`.
        shadow: its name.
        decision_id: of the decision.
        advised: number of the mix that was answered.
        other: number of the shadow's.
        now: microseconds since 1970, UTC.
    """
    about = uuid.UUID(decision_id)
    # It follows from the decision's: what is compared twice is recorded once.
    identity = uuid.uuid5(about, f"{SHADOW} {shadow}").bytes
    return Record(identity, SHADOW, context, _PAIR.pack(advised, other), now, about.bytes)


# Made at import: see `router.journal.recommendation`.
_READER = msgspec.json.Decoder(ShadowReading)


@lru_cache(maxsize=1024)
def _reading_of(context: Context) -> ShadowReading:
    try:
        return _READER.decode(context.document)
    except msgspec.DecodeError as error:
        told = f"context {context.digest.hex()[:12]}: cannot be read ({error})"
        raise JournalBroken(told) from error


def read_shadow(stored: StoredRecord) -> tuple[ShadowReading, int, int] | None:
    """Reads a record: how, the mix advised, the shadow's; None if its content was erased.

    Raises:
        JournalBroken: if it cannot be read.
    """
    if stored.payload is None:
        return None
    reading = _reading_of(stored.context)
    try:
        advised, other = _PAIR.unpack(stored.payload)
    except struct.error as problem:
        raise JournalBroken(f"record {stored.seq}: is no shadow's: {problem}") from problem
    if not (0 <= advised < len(reading.mixes) and 0 <= other < len(reading.mixes)):
        raise JournalBroken(f"record {stored.seq}: names a mix that its context does not have")
    return reading, advised, other


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What one shadow would have made of the cases of one mix.

    Attributes:
        shadow: a version's name, or "rule".
        mix: that was advised.
        cases: that were compared.
        agreed: of them, those for which the shadow would have advised the same.
        minutes: by which the shadow's mixes differ, the sum over the cases.
    """

    shadow: str
    mix: str
    cases: int
    agreed: int
    minutes: int


def compared(store: JournalReader, since: int = 0) -> Sequence[Compared]:
    """Sums up the comparisons in the journal that are not erased, by shadow and mix.

    Args:
        store: the journal.
        since: only those recorded then or later, microseconds since 1970, UTC.

    Raises:
        JournalBroken: if a record cannot be read.
        JournalUnavailable: if the journal cannot be read now.
    """
    return summed(
        found
        for stored in map(sound, store.read(kinds=(SHADOW,)))
        if stored.written_at >= since and (found := read_shadow(stored)) is not None
    )


def summed(pairs: Iterable[tuple[ShadowReading, int, int]]) -> Sequence[Compared]:
    """Sums up comparisons by shadow and mix, in the order in which they were first met."""
    sums: dict[tuple[str, str], Tally[str]] = {}
    for reading, advised, other in pairs:
        one = sums.setdefault((reading.shadow, reading.mixes[advised]), Tally())
        one.update(_one(reading, advised, other))
    return [
        Compared(
            shadow=shadow,
            mix=mix,
            cases=one["cases"],
            agreed=one["agreed"],
            minutes=one["minutes"],
        )
        for (shadow, mix), one in sums.items()
    ]


def _one(reading: ShadowReading, advised: int, other: int) -> Mapping[str, int]:
    minutes = reading.minutes[other] - reading.minutes[advised]
    return {"cases": 1, "agreed": int(advised == other), "minutes": minutes}
