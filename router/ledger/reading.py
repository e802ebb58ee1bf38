"""From the journal to the ledger's entries: each recommendation with what stands for it.

What counts once must be told over every office and day, and tens go over the whole journal: so all
of it is read, once, in chunks. What is read waits in files, and an office's entries are taken from
there when they are asked for: memory holds one office's, however many there are.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import blake2b
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from router.decision.decision import NO_MIX, Status
from router.decision.schema import UNKNOWN, Rows
from router.files.shelf import Names, Packed, Shelf
from router.journal.recommendation import (
    SHOWN,
    Chunk,
    Reading,
    Unpacked,
    reading_of,
    recommendations,
)
from router.journal.record import JournalBroken
from router.journal.standing import NOTHING, Standing, end_of_chain, read_standing
from router.journal.store import JournalReader
from router.ledger.arithmetic import Flags, counted_once
from router.ledger.entries import (
    CHANNELS,
    GROUPS,
    HORIZON_DAYS,
    MANUAL,
    NOT_SPENT,
    REPEATED,
    WITHHELD,
    Entries,
    joined,
)
from router.ledger.entries import Names as Texts

_DAY = 24 * 60 * 60 * 1_000_000
_PLAIN = Status.RECOMMENDED.name
# Cases are looked at a part of them at a time: which counts is a question within each case.
_PARTS = 256
_CASE = np.dtype([("place", "<i8"), ("case", "<u8"), ("day", "<i4"), ("rank", "i1")])
_ENTRY = np.dtype(
    [
        ("place", "<i8"),
        ("hidden", "?"),
        ("manual", "?"),
        ("day", "<i4"),
        ("weight", "<f8"),
        ("group", "<u2", (len(GROUPS),)),
        ("mix", "<u2"),
        ("planned", "<i4"),
        ("spent", "<i4"),
        ("direction", "u1"),
        ("chosen", "?"),
        ("shown", "?"),
        ("outcome", "<f8"),
        ("contacts", "u1", (len(CHANNELS),)),
        ("minutes", "<u2", (len(CHANNELS),)),
    ]
)


class Taking(Protocol):
    """What takes a journal's recommendations, some at a time."""

    def take(self, chunk: Chunk, standing: Mapping[bytes, Standing]) -> None:
        """Takes recommendations that hold content or do not, with what stands for them."""


def read_into(store: JournalReader, until: int | None, takers: Iterable[Taking]) -> None:
    """Reads the whole journal once, for all that want to know of it.

    Args:
        store: the journal.
        until: only what was written before, microseconds since 1970, UTC: as it stood then.
        takers: of the recommendations, in chain order.

    Raises:
        JournalBroken: if a record cannot be read.
        JournalUnavailable: if the journal cannot be read now.
    """
    # What is answered while this reads is left for the next reading.
    last = end_of_chain(store)
    for every in recommendations(store):
        chunk = every.where(lambda one: until is None or one.written_at < until)
        held = [record.id for record in chunk.records if record.payload is not None]
        standing = read_standing(store, held, until, last)
        for taker in takers:
            taker.take(chunk, standing)


class CaseKeys:
    """Numbers for cases: the same for the same reference, and known to this process alone."""

    def __init__(self) -> None:
        # What is kept in a file must not tell whose it is.
        self._key = secrets.token_bytes(16)

    def numbers(self, refs: Sequence[str], places: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Gives a number of 64 bits for each reference, shape (n,).

        Without a reference a recommendation is a case of its own, told by its place.
        """
        hashed = [
            blake2b((ref or f"\0{place}").encode(), digest_size=8, key=self._key).digest()
            for ref, place in zip(refs, places.tolist(), strict=True)
        ]
        return np.frombuffer(b"".join(hashed), "<u8")


class Books:
    """Entries of a whole journal, by office.

    Attributes:
        erased: recommendations that were erased: of those nothing more is known.
        synthetic: whether any advice came from a model learned from synthetic data.
    """

    def __init__(self, files: ExitStack) -> None:
        """Begins with none.

        Args:
            files: which lets go of what it keeps.
        """
        self.erased = 0
        self.synthetic = False
        self._entries = files.enter_context(Shelf(_ENTRY))
        self._cases = files.enter_context(Shelf(_CASE))
        self._case_keys = CaseKeys()
        self._offices, self._mixes, self._directions = Names(), Names(), Names()
        self._groups = {name: Names() for name in GROUPS}
        self._counts: NDArray[np.bool_] | None = None

    def take(self, chunk: Chunk, standing: Mapping[bytes, Standing]) -> None:
        """Takes recommendations with what stands for them; see `Taking`."""
        # Also of erased records: their advice was given, whatever is known of it now.
        self.synthetic |= any(
            reading_of(context).synthetic_model
            for context in chunk.contexts().values()
            if context.document
        )
        held = chunk.held()
        self.erased += len(chunk) - len(held)
        if len(held):
            self._keep(_part(held, standing))

    @property
    def offices(self) -> tuple[str, ...]:
        """References of all offices that there are entries of, sorted; "" for no office."""
        return tuple(sorted(self._offices.numbers))

    def of(self, office: str) -> Entries:
        """Gives the entries of an office, in the order of the chain; none of one not known."""
        return self._read(office)[0]

    def every(self) -> Entries:
        """Gives all entries, in the order of the chain: where memory holds them."""
        parts, places = [self.of("")], [self._read("")[1]]
        for office in self.offices:
            if office:
                entries, place = self._read(office)
                parts.append(entries)
                places.append(place)
        return joined(parts).where(np.argsort(np.concatenate(places)))

    def _keep(self, found: dict[str, Any]) -> None:
        count = len(found["day"])
        places = len(self._entries) + np.arange(count)
        case = self._case_keys.numbers(found["case"].tolist(), places)
        manual = found["left_out"] == MANUAL

        cases = np.zeros(count, _CASE)
        cases["place"], cases["case"], cases["day"] = places, case, found["recommended_on"]
        # Of one case's recommendations the one that was answered most counts, a manual one last.
        ranks = 2 * found["chosen"].astype(np.int64) + ~np.isnan(found["outcome"])
        cases["rank"] = np.where(manual, -1, ranks)
        self._cases.add((case % np.uint64(_PARTS)).astype(np.int64), cases)

        rows = np.zeros(count, _ENTRY)
        rows["place"], rows["manual"] = places, manual
        rows["mix"] = self._mixes.number(found["mix"])
        rows["direction"] = self._directions.number(found["direction"])
        for column, (name, names) in enumerate(self._groups.items()):
            rows["group"][:, column] = names.number(found["group"][name])
        for name in ("hidden", "day", "weight", "planned", "spent", "chosen", "shown", "outcome",
                     "contacts", "minutes"):  # fmt: skip
            rows[name] = found[name]
        self._entries.add(self._offices.number(found["office"]), rows)

    def _read(self, office: str) -> tuple[Entries, NDArray[np.int64]]:
        if self._counts is None:
            self._counts = self._counted()
        rows = self._entries.of(self._offices.numbers.get(office, -1))
        hidden = rows["hidden"] & ~rows["chosen"] & ~rows["manual"]
        repeated = ~self._counts[rows["place"]] & ~rows["manual"]
        left_out = np.where(rows["manual"], np.array(MANUAL, object), "")
        left_out[hidden] = WITHHELD
        # Behind WITHHELD, so that a case which counts elsewhere is told once, as repeated.
        left_out[repeated] = REPEATED
        entries = Entries(
            left_out=left_out,
            office=np.full(len(rows), office, object),
            day=rows["day"].astype(np.int64),
            weight=rows["weight"].astype(np.float64),
            group={
                name: names.names(rows["group"][:, column])
                for column, (name, names) in enumerate(self._groups.items())
            },
            mix=self._mixes.names(rows["mix"]),
            planned=rows["planned"].astype(np.int64),
            spent=rows["spent"].astype(np.int64),
            shown=rows["shown"].astype(bool),
            direction=self._directions.names(rows["direction"]),
            chosen=rows["chosen"].astype(bool),
            outcome=rows["outcome"].astype(np.float64),
            contacts=rows["contacts"].astype(np.float64),
            minutes=rows["minutes"].astype(np.float64),
            synthetic=self.synthetic,
        )
        return entries, rows["place"].astype(np.int64)

    def _counted(self) -> NDArray[np.bool_]:
        """Tells which entries count, by place, each case once over all offices."""
        counts = np.ones(len(self._entries), bool)
        for part in range(_PARTS):
            rows: Packed = self._cases.of(part)
            if len(rows):
                # Numbers from 0 on: 64 bits do not fit a signed number.
                _, case = np.unique(rows["case"], return_inverse=True)
                counts[rows["place"]] = counted_once(
                    case.astype(np.int64),
                    rows["day"].astype(np.int64),
                    rows["rank"].astype(np.int64),
                    HORIZON_DAYS,
                )
        return counts


_Taker = TypeVar("_Taker", bound=Taking)


@contextmanager
def read_alone(
    store: JournalReader, taker: Callable[[ExitStack], _Taker], until: int | None = None
) -> Iterator[_Taker]:
    """Reads the whole journal for one; what it took is there as long as the context is.

    These are single cases: what is shown of them is shown in tens alone.

    Args:
        store: the journal.
        taker: makes it, given what lets go of what it keeps.
        until: only what was written before, microseconds since 1970, UTC: as it stood then.

    Raises:
        JournalBroken: if a record cannot be read.
        JournalUnavailable: if the journal cannot be read now.
        OSError: if there is no room for the files that rows wait in.
    """
    with ExitStack() as files:
        one = taker(files)
        read_into(store, until, [one])
        yield one


def read_entries(store: JournalReader, until: int | None = None) -> tuple[Entries, int]:
    """Reads the whole journal at once, where memory holds all entries; see `read_alone`.

    Returns:
        The entries in the order of the chain, and how many recommendations were erased.

    Raises:
        JournalBroken: if a record cannot be read.
        JournalUnavailable: if the journal cannot be read now.
    """
    with read_alone(store, Books, until) as books:
        return books.every(), books.erased


def _part(chunk: Chunk, standing: Mapping[bytes, Standing]) -> dict[str, Any]:
    """Gives columns of recommendations that hold content, at least one, in their order.

    Raises:
        JournalBroken: if one cannot be read, or a choice is of a mix that its context does not
            name.
    """
    parts, places = [], []
    for part in chunk.by_context():
        parts.append(_of_context(part, standing))
        places.append(part.places)
    # Back from contexts to the order of the chain.
    order = np.argsort(np.concatenate(places))
    found = _joined(parts)
    return {name: values[order] for name, values in found.items() if name != "group"} | {
        "group": {name: values[order] for name, values in found["group"].items()}
    }


def _of_context(part: Unpacked, standing: Mapping[bytes, Standing]) -> dict[str, Any]:
    records, rows, tails = part.records, part.rows, part.tails
    stands = [standing.get(record.id, NOTHING) for record in records]
    days = [record.written_at // _DAY for record in records]

    try:
        found = _choices(part, stands) | _outcomes(stands)
    except KeyError as problem:
        first, last = records[0].seq, records[-1].seq
        raise JournalBroken(f"records {first} to {last}: {problem!r}") from problem
    return found | {
        "office": np.array([tail.office_ref for tail in tails], object),
        "case": np.array([tail.case_ref for tail in tails], object),
        "hidden": np.array([tail.disclosure != SHOWN for tail in tails], bool),
        "shown": are_plain(part) & np.array([tail.disclosure == SHOWN for tail in tails], bool),
        "left_out": np.where(rows["mix"] == NO_MIX, np.array(MANUAL, object), ""),
        "recommended_on": np.array(days, np.int64),
        "day": np.array([_day(*one) for one in zip(stands, days, strict=True)], np.int64),
        # Journals from before office policies hold one weight for all, which may be below 1: nobody
        # is put first.
        "weight": np.maximum(rows["weight"], 1.0),
        "group": {name: _group(name, part.reading, rows["row"]) for name in GROUPS},
    }


def are_plain(part: Unpacked) -> Flags:
    """Tells what is plain advice on a case that can be told apart, (n,): only that is drawn."""
    plain = np.array([status == _PLAIN for status in part.reading.statuses], bool)
    named = np.array([bool(tail.case_ref) for tail in part.tails], bool)
    found: Flags = plain[part.rows["status"]] & named
    return found


def _day(standing: Standing, recommended_on: int) -> int:
    """Gives the day of the first choice: a correction must not move a case into another period."""
    first = standing.first_choice_at
    return recommended_on if first is None else first // _DAY


def _group(name: str, reading: Reading, rows: Rows) -> Texts:
    """Gives a field's values, shape (n,); UNKNOWN where the case or the context does not say."""
    for column, feature in enumerate(reading.features):
        if feature.name == name:
            values: Texts = np.array([UNKNOWN, *(feature.values or ())], object)[rows[:, column]]
            return values
    return np.full(len(rows), UNKNOWN, object)


def _choices(part: Unpacked, stands: Sequence[Standing]) -> dict[str, Any]:
    ids = part.reading.mix_ids
    places = {mix: place for place, mix in enumerate(ids)}
    advised = part.rows["mix"].astype(np.int64)
    agreed, took, seen = advised.copy(), np.zeros(len(stands), bool), np.zeros(len(stands), bool)
    for at, (standing, tail) in enumerate(zip(stands, part.tails, strict=True)):
        # Who did not see the advice neither followed nor overrode it.
        seen[at] = standing.advice_seen(tail.disclosure)
        if standing.choice is not None:
            took[at] = True
            agreed[at] = places[standing.choice.mix]

    every = np.arange(len(stands))
    # Whole in the catalogue, but kept as floats: sums must not depend on their order.
    minutes = np.rint(part.rows["minutes"]).astype(np.int64)
    planned = minutes[every, agreed]
    # The catalogue's mixes differ in minutes, so that no difference is the same mix; -1 counts from
    # the end.
    names = np.array(["SAME", "MORE", "LESS"], object)[np.sign(planned - minutes[every, advised])]
    return {
        "mix": np.array(ids, object)[agreed],
        "planned": planned,
        "chosen": took,
        "direction": np.where(took & seen & (advised != NO_MIX), names, ""),
    }


def _outcomes(stands: Sequence[Standing]) -> dict[str, Any]:
    count = len(stands)
    outcome, spent = np.full(count, np.nan), np.full(count, NOT_SPENT, np.int64)
    contacts, minutes = np.zeros((count, len(CHANNELS))), np.zeros((count, len(CHANNELS)))
    column = {channel: place for place, channel in enumerate(CHANNELS)}
    for place, standing in enumerate(stands):
        reported = standing.outcome
        if reported is None:
            continue
        outcome[place] = reported.outcome
        if reported.adviser_minutes is not None:
            spent[place] = reported.adviser_minutes
        for part in reported.time:
            contacts[place, column[part.channel.value]] = part.contacts
            minutes[place, column[part.channel.value]] = part.minutes
    return {"outcome": outcome, "spent": spent, "contacts": contacts, "minutes": minutes}


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Puts the parts' columns behind each other."""
    found: dict[str, Any] = {
        name: np.concatenate([part[name] for part in parts]) for name in parts[0] if name != "group"
    }
    found["group"] = {
        name: np.concatenate([part["group"][name] for part in parts]) for name in GROUPS
    }
    return found
