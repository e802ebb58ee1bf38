"""The record of a recommendation: its packed bytes, the context that explains them, and readers.

Nothing else knows the format. A payload is one packed little-endian row (`Layout`), then its `Tail`
in UTF-8. What the numbers in it stand for is told once for many records, by the document of their
context (`Reading`).
"""

from __future__ import annotations

import hashlib
import json
import struct
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from router.decision.decision import NO_MIX
from router.decision.schema import Feature
from router.journal.form import sound
from router.journal.record import RECOMMENDATION, Context, JournalBroken, StoredRecord
from router.journal.store import JournalReader, JournalStore

MOST_MIXES = 64
"""Mixes are bits of one 64-bit mask, and their index is one signed byte."""
SHOWN, AFTER_OWN_VIEW, CONTROL = "SHOWN", "AFTER_OWN_VIEW", "CONTROL"
"""To whom advice is shown: at once, once the adviser has recorded an own view, or to nobody."""
CHUNK = 16_384
"""Records held in memory at a time."""
PackedRows = NDArray[np.void]
"""Rows of `Layout.dtype`, shape (n,)."""
# No reference holds one: control characters are refused with the case.
_BETWEEN = "\0"
# One for each model, policy and office in force since the start: seldom so many, and each is small.
_CONTEXTS_KEPT = 1024

# Name, type in NumPy, type in struct, and of what the row holds one each.
_EACH_FEATURE, _EACH_MIX, _ONE = range(3)
_COLUMNS = (
    ("row", "<u2", "H", _EACH_FEATURE),
    ("expected", "<f8", "d", _EACH_MIX),
    ("error", "<f8", "d", _EACH_MIX),
    ("minutes", "<f4", "f", _EACH_MIX),
    ("permitted", "<u8", "Q", _ONE),
    ("mix", "i1", "b", _ONE),
    ("status", "u1", "B", _ONE),
    ("safeguards", "<u8", "Q", _ONE),
    ("doubts", "u1", "B", _ONE),
    ("price", "<f8", "d", _ONE),
    ("weight", "<f8", "d", _ONE),
    ("propensity", "<f8", "d", _ONE),
)


def subject_of(case_ref: str) -> bytes | None:
    """Gives the subject under which records of a case are found; None where it has no reference."""
    return hashlib.sha256(case_ref.encode()).digest()[:16] if case_ref else None


class Tail(NamedTuple):
    """What a recommendation holds beside numbers.

    Written as the case reference, then the others behind NUL bytes as far as they are not the usual
    ones.

    Attributes:
        case_ref: as sent; "" for none.
        office_ref: as sent; "" for none.
        disclosure: to whom the advice is shown.
    """

    case_ref: str
    office_ref: str = ""
    disclosure: str = SHOWN

    @classmethod
    def parse(cls, text: str) -> Tail:
        """Reads what `str` wrote.

        Raises:
            ValueError: if it has more parts.
        """
        parts = text.split(_BETWEEN)
        if len(parts) > len(cls._fields):
            raise ValueError(f"a tail of {len(parts)} parts; at most {len(cls._fields)} are known")
        return cls(*parts)

    def __str__(self) -> str:
        # Most records have neither office nor disclosure, and
        # those from before either was told are read alike.
        if self.disclosure != SHOWN:
            return _BETWEEN.join(self)
        return f"{self.case_ref}{_BETWEEN}{self.office_ref}" if self.office_ref else self.case_ref


class Layout:
    """The packed row of a model with so many features and mixes.

    Columns: `row` slots; `expected` outcome and its standard `error` by mix, NaN when not scored;
    adviser `minutes` by mix; `permitted` a bit by mix; `mix` its index or NO_MIX; `status` and
    `doubts` as the context numbers them; `safeguards` a bit by safeguard applied; `price`, `weight`
    and `propensity` of the decision.
    """

    def __init__(self, features: int, mixes: int) -> None:
        """Lays out a row.

        Raises:
            ValueError: if there is no feature, or not 1 to 64 mixes.
        """
        if features < 1:
            raise ValueError(f"features: {features} is below 1")
        if not 1 <= mixes <= MOST_MIXES:
            raise ValueError(f"mixes: {mixes} is outside 1 to {MOST_MIXES}")
        counts = {_EACH_FEATURE: features, _EACH_MIX: mixes}
        columns: list[Any] = []
        # Little-endian without padding, as NumPy packs: both write and read the same bytes.
        codes = "<"
        for name, kind, code, each in _COLUMNS:
            columns.append((name, kind) if each == _ONE else (name, kind, (counts[each],)))
            codes += f"{counts.get(each, 1)}{code}"
        self.dtype: np.dtype[np.void] = np.dtype(columns)
        self._pack = struct.Struct(codes).pack

    def pack(
        self,
        tail: Tail,
        row: Sequence[int],
        expected: Sequence[float],
        error: Sequence[float],
        minutes: Sequence[float],
        permitted: int,
        mix: int,
        status: int,
        safeguards: int,
        doubts: int,
        price: float,
        weight: float,
        propensity: float,
    ) -> bytes:
        """Gives one payload; the columns are told in the class."""
        packed = self._pack(
            *row,
            *expected,
            *error,
            *minutes,
            permitted,
            mix,
            status,
            safeguards,
            doubts,
            price,
            weight,
            propensity,
        )
        return packed + str(tail).encode()

    def unpack(self, payloads: Sequence[bytes]) -> tuple[PackedRows, list[Tail]]:
        """Gives the rows, shape (n,), read-only, and their tails: the inverse of `pack`.

        Raises:
            ValueError: if a payload is shorter than a row, or its tail is not UTF-8 or has too many
                parts.
        """
        size = self.dtype.itemsize
        for index, payload in enumerate(payloads):
            if len(payload) < size:
                raise ValueError(f"payloads[{index}]: {len(payload)} bytes, a row takes {size}")
        rows = np.frombuffer(b"".join([payload[:size] for payload in payloads]), self.dtype)
        return rows, [Tail.parse(payload[size:].decode()) for payload in payloads]


_layout_of = lru_cache(maxsize=_CONTEXTS_KEPT)(Layout)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedField:
    """One field of a case, as its slots are counted; slot 0 is unknown.

    Attributes:
        name: of the field.
        lower: what slot 1 stands for; 1 when there are values.
        upper: what the last slot stands for.
        values: names of an enum's values from slot 1 on; None for an integer.
    """

    name: str
    lower: int
    upper: int
    values: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedMix:
    """A mix of the catalogue then, and its adviser minutes."""

    id: str
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """With which chances the office's policy drew when these records were made.

    Attributes:
        after_own_view: of plain advice, that it waits for an own view.
        control: of plain advice, that it is never shown.
        exploration: of cases, whose mix is drawn.
        margin: outcome points below the best within which it is drawn.
        among: ids of the mixes that may be drawn; None of records that do not say.
    """

    after_own_view: float = 0.0
    control: float = 0.0
    exploration: float = 0.0
    margin: float = 0.0
    among: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a context document tells about the payloads written under it.

    The document is a JSON object of these attributes, canonical since it is hashed into the chain.
    It says nothing of `shares` where the policy draws nothing; nor did versions that did not know
    them, so that absent means: the chances cannot be known from here.
    """

    model_version: str
    model_sha256: str
    synthetic_model: bool
    policy_version: str
    catalogue_version: str
    features: tuple[CodedField, ...]
    mixes: tuple[CodedMix, ...]
    statuses: tuple[str, ...]
    safeguards: tuple[str, ...]
    shares: Shares | None = None

    @staticmethod
    def of(context: Context) -> Reading:
        """Reads a context document.

        Raises:
            JournalBroken: if it is not JSON, or a part is missing.
        """
        try:
            return _READER.decode(context.document)
        except msgspec.DecodeError as error:
            raise JournalBroken(
                f"context {context.digest.hex()[:12]}: cannot be read ({error})"
            ) from error

    def context(self) -> Context:
        """Writes the context document; equal readings give equal bytes."""
        content = msgspec.to_builtins(self)
        if self.shares is None:
            del content["shares"]
        return Context(document=json.dumps(content, sort_keys=True, separators=(",", ":")))

    @property
    def mix_ids(self) -> tuple[str, ...]:
        """Names of the mixes, lightest first."""
        return tuple(mix.id for mix in self.mixes)

    @property
    def layout(self) -> Layout:
        """The packed row of the payloads."""
        return _layout_of(len(self.features), len(self.mixes))

    def unpack(self, payloads: Sequence[bytes]) -> tuple[PackedRows, list[Tail]]:
        """Gives rows, shape (n,), read-only, and their tails.

        Raises:
            ValueError: if a payload does not fit the context.
        """
        rows, tails = self.layout.unpack(payloads)
        if not len(rows):
            return rows, tails
        mixes = rows["mix"]

        # A number beyond the names would be read as another
        # mix from the end, or fail far from here.
        if int(mixes.min()) < NO_MIX or int(mixes.max()) >= len(self.mixes):
            raise ValueError("mix: not one of the context's mixes")
        if int(rows["status"].max()) >= len(self.statuses):
            raise ValueError("status: not one of the context's statuses")
        return rows, tails


# Made at import: two threads that read a class for the first time at once end the process, for
# msgspec 0.22 learns its types then, without a lock.
_READER = msgspec.json.Decoder(Reading)


@lru_cache(maxsize=_CONTEXTS_KEPT)
def reading_of(context: Context) -> Reading:
    """Reads a context document, once for many records.

    Raises:
        JournalBroken: if it is not JSON, or a part is missing.
    """
    return Reading.of(context)


def coded(features: Iterable[Feature]) -> tuple[CodedField, ...]:
    """Tells how the slots of features are counted."""
    return tuple(
        CodedField(name=one.name, lower=one.lower, upper=one.upper, values=one.values or None)
        for one in features
    )


def recommendations(store: JournalReader, since: int | None = None) -> Iterator[Chunk]:
    """Yields recommendations in chain order, `CHUNK` at a time; erased ones are among them.

    Args:
        store: the journal.
        since: only what was written then or later, microseconds since 1970, UTC.

    Raises:
        JournalBroken: if one of them is not as it was written.
        JournalUnavailable: if the journal cannot be read now.
    """
    every = map(sound, store.read(kinds=(RECOMMENDATION,), since=since))
    while records := list(islice(every, CHUNK)):
        yield Chunk(records)


def recommendations_of(
    store: JournalStore, case_ref: str, before: int | None = None
) -> Iterator[tuple[StoredRecord, Recommended]]:
    """Yields the recommendations of a case that hold content, the latest first.

    Args:
        store: the journal.
        case_ref: as it was sent.
        before: only records with a lower number.

    Raises:
        ValueError: if the reference is empty, which would mean every case that was not scored.
        JournalUnavailable: if the journal cannot be read now.
        JournalBroken: if a record cannot be read, so that it cannot be told whose it is.
    """
    subject = subject_of(case_ref)
    if subject is None:
        raise ValueError("case: the reference is empty")
    for stored in store.concerning(subject, before):
        recommended = read_recommendation(stored)
        if recommended is not None and recommended.case_ref == case_ref:
            yield stored, recommended


def read_subject(stored: StoredRecord) -> bytes | None:
    """Gives the subject that follows from the content of a recommendation that was not erased.

    Raises:
        ValueError: if it cannot be read.
    """
    try:
        reading = reading_of(stored.context)
    except JournalBroken as problem:
        raise ValueError(str(problem)) from problem
    _, (tail,) = reading.layout.unpack([stored.payload or b""])
    return subject_of(tail.case_ref)


class Unpacked(NamedTuple):
    """Recommendations of one context as columns; those that were erased are left out.

    Attributes:
        reading: what the numbers stand for.
        places: of the records in their chunk, shape (n,), rising.
        records: that hold content, n of them.
        rows: theirs, shape (n,).
        tails: theirs, n of them.
    """

    reading: Reading
    places: NDArray[np.intp]
    records: list[StoredRecord]
    rows: PackedRows
    tails: list[Tail]


class Chunk:
    """Some recommendations in chain order, of any contexts.

    Decisions of many offices stand interleaved, and each office has a context of its own: columns
    made of neighbours alone would be as many as there are decisions.

    Attributes:
        records: of recommendations; erased ones may be among them.
    """

    def __init__(self, records: list[StoredRecord]) -> None:
        self.records = records

    def __len__(self) -> int:
        """Counts the records."""
        return len(self.records)

    def where(self, keep: Callable[[StoredRecord], bool]) -> Chunk:
        """Picks records; their places are then those among the picked ones."""
        return Chunk([record for record in self.records if keep(record)])

    def held(self) -> Chunk:
        """Picks those that hold content still."""
        return self.where(lambda record: record.payload is not None)

    def contexts(self) -> dict[bytes, Context]:
        """Gives the contexts of the records by digest, in the order first met."""
        return {record.context.digest: record.context for record in self.records}

    def by_context(self) -> Iterator[Unpacked]:
        """Unpacks the records, those of one context together, in the order first met.

        Raises:
            JournalBroken: if one of them, or the context that tells how to read it, cannot be read.
        """
        places: dict[bytes, list[int]] = {}
        for place, record in enumerate(self.records):
            places.setdefault(record.context.digest, []).append(place)
        for of_one in places.values():
            yield self._unpacked(of_one)

    def _unpacked(self, places: Sequence[int]) -> Unpacked:
        first = self.records[places[0]]
        if not first.context.document:
            raise JournalBroken(f"record {first.seq}: its context is missing or altered")
        reading = reading_of(first.context)
        held = [place for place in places if self.records[place].payload is not None]
        records = [self.records[place] for place in held]
        try:
            rows, tails = reading.unpack([record.payload or b"" for record in records])
        except ValueError:
            # One by one, so that the record is named.
            for record in records:
                read_recommendation(record)
            raise
        return Unpacked(reading, np.array(held, np.intp), records, rows, tails)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommended:
    """What the journal holds of a recommendation.

    Attributes:
        decision_id: UUID.
        case_ref: "" when the case was not scored.
        office_ref: as sent.
        mix: advised; None when people alone handle the case.
        status: name of it.
        mixes: of the catalogue then, lightest first.
        minutes: of each, adviser minutes.
        expected: of each, expected outcome, NaN when not scored.
        error: of each, its standard error.
        permitted: the mixes that safeguards and menu permitted.
        safeguards: names of those that applied.
        doubts: bits, as `decision.Doubt` numbers them.
        disclosure: SHOWN, AFTER_OWN_VIEW or CONTROL.
        model_version: that judged.
        synthetic_model: whether it was trained on synthetic data.
        policy_version: in force.
        written_at: microseconds since 1970, UTC.
    """

    decision_id: str
    case_ref: str
    office_ref: str
    mix: str | None
    status: str
    mixes: tuple[str, ...]
    minutes: tuple[float, ...]
    expected: tuple[float, ...]
    error: tuple[float, ...]
    permitted: tuple[str, ...]
    safeguards: tuple[str, ...]
    doubts: int
    disclosure: str
    model_version: str
    synthetic_model: bool
    policy_version: str
    written_at: int

    def minutes_of(self, mix: str) -> float:
        """Gives the adviser minutes of a mix.

        Raises:
            ValueError: if the catalogue had no such mix.
        """
        return self.minutes[self.mixes.index(mix)]


def read_recommendation(stored: StoredRecord) -> Recommended | None:
    """Reads a recommendation; None if its content was erased.

    Raises:
        JournalBroken: if it cannot be read.
    """
    if stored.payload is None:
        return None
    reading = reading_of(stored.context)
    try:
        rows, (tail,) = reading.unpack([stored.payload])
    except ValueError as problem:
        raise JournalBroken(
            f"record {stored.seq}: is not a valid recommendation: {problem}"
        ) from problem

    row: Any = rows[0]
    ids = reading.mix_ids
    number, bits, applied = int(row["mix"]), int(row["permitted"]), int(row["safeguards"])
    return Recommended(
        decision_id=str(uuid.UUID(bytes=stored.id)),
        case_ref=tail.case_ref,
        office_ref=tail.office_ref,
        mix=None if number == NO_MIX else ids[number],
        status=reading.statuses[int(row["status"])],
        mixes=ids,
        minutes=tuple(np.asarray(row["minutes"], float).tolist()),
        expected=tuple(row["expected"].tolist()),
        error=tuple(row["error"].tolist()),
        permitted=tuple(mix for at, mix in enumerate(ids) if bits >> at & 1),
        safeguards=tuple(name for at, name in enumerate(reading.safeguards) if applied >> at & 1),
        doubts=int(row["doubts"]),
        disclosure=tail.disclosure,
        model_version=reading.model_version,
        synthetic_model=reading.synthetic_model,
        policy_version=reading.policy_version,
        written_at=stored.written_at,
    )
