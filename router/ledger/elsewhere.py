"""What ten hours would give elsewhere, as `router hours --json` wrote it, in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import msgspec

from router.decision.whole_tens import full_tens
from router.files.plain_files import plain_bytes
from router.ledger.account import LedgerRefused
from router.ledger.helps import Helps, Row
from router.ledger.words import Words

_BYTES_AT_MOST = 16 << 20
# Ten hours are a dozen steps: more than that help nobody.
_Gain = Annotated[float, msgspec.Meta(ge=-1_000, le=1_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """People who reach the goal, with the ends of the 90 per cent range."""

    value: _Gain
    low: _Gain
    high: _Gain


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeHours:
    """What ten hours more would give an office, and fewer take from it; None: it has none to give.

    `cases` are those that the hours are for.
    """

    cases: int
    more: People
    fewer: People | None


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """The best move of ten hours between two offices."""

    giver: str = msgspec.field(name="from")
    taker: str = msgspec.field(name="to")
    gain: People


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursElsewhere:
    """What the file says.

    Attributes:
        hours: that are moved.
        weeks: that the cases arrived in.
        until: the last day of these weeks.
        offices: by reference.
        best_move: None where no office can give hours to another.
    """

    hours: int
    weeks: float
    until: date
    offices: Mapping[str, OfficeHours]
    best_move: Move | None


# Made at import: see `router.journal.recommendation`.
_READER = msgspec.json.Decoder(HoursElsewhere)


def read_hours(path: Path) -> HoursElsewhere:
    """Reads the file; what it holds besides is passed over.

    Raises:
        LedgerRefused: if it cannot be read, or is not such a file, naming what is amiss.
    """
    try:
        data = plain_bytes(path, _BYTES_AT_MOST, links=True)
    except ValueError as problem:
        raise LedgerRefused(f"hours: {path}: {problem}") from None
    try:
        return _READER.decode(data)
    except msgspec.DecodeError as error:
        raise LedgerRefused(
            f"hours: {path}: is not what `router hours --json` writes ({error})"
        ) from error


def elsewhere(found: HoursElsewhere, offices: Collection[str], words: Words) -> Helps:
    """Tells what the hours would give elsewhere, or that it cannot be told.

    Args:
        found: what the file says.
        offices: that the page is about; of others nothing is told.
        words: of the page's language.
    """
    told = {name: one for name, one in found.offices.items() if name in offices}
    if not told:
        return Helps((words("elsewhere.unknown"),), ())
    sentences = []
    move = found.best_move
    if move is not None and {move.giver, move.taker} <= set(offices):
        key = "move" if move.gain.low > 0 else "unclear"
        sentences.append(
            words(
                f"elsewhere.{key}",
                hours=words.number(found.hours),
                giver=move.giver,
                taker=move.taker,
                gain=words.number(move.gain.value, 2),
                low=words.number(move.gain.low, 2),
                high=words.number(move.gain.high, 2),
            )
        )
    sentences.append(
        words("elsewhere.intro", weeks=words.number(found.weeks), until=words.date(found.until))
    )
    rows = []
    for name, one in told.items():
        basis = words.number(full_tens(one.cases))
        rows.append(_row("more", name, one.more, basis, words))
        if one.fewer is None:
            rows.append(
                Row(words("elsewhere.fewer", office=name), words("elsewhere.none"), "–", basis)
            )
        else:
            rows.append(_row("fewer", name, one.fewer, basis, words))
    return Helps(tuple(sentences), tuple(rows))


def _row(key: str, office: str, one: People, basis: str, words: Words) -> Row:
    sign = 1 if key == "more" else -1
    ends = sorted((sign * one.low, sign * one.high))
    low, high = (words.number(end, 2) for end in ends)
    return Row(
        words(f"elsewhere.{key}", office=office),
        words.number(sign * one.value, 2),
        words("interval", low=low, high=high),
        basis,
    )
