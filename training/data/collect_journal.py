"""What `collect` reads of the journal: who was advised, and their cases as columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import polars as pl

from router.cases.features import FEATURES
from router.decision.decision import NO_MIX
from router.journal.export_columns import columns, schema
from router.journal.recommendation import Chunk, Reading, recommendations
from router.journal.standing import NOTHING, Standing, end_of_chain, read_standing
from router.journal.store import JournalReader

_COLUMNS = ("case_ref", "office_ref", "mix", "propensity", *FEATURES.names)


# A tuple: of a year there may be millions.
class Advised(NamedTuple):
    """One recommendation as far as it decides whether its case is taken.

    Attributes:
        decision: its id.
        case_ref: "" if people alone handle the case.
        disclosure: to whom the advice is shown.
        at: microseconds since 1970, UTC.
    """

    decision: bytes
    case_ref: str
    disclosure: str
    at: int


class Advice:
    """Every recommendation of a journal with what stands for it, in chain order.

    Erased ones are left out. They are read anew each time, some at a time: of a country's year they
    are more than memory holds.

    Attributes:
        count: recommendations that were read last.
        readings: one for each set of fields and mixes that they have.
    """

    def __init__(self, store: JournalReader) -> None:
        self._store = store
        self.count = 0
        self.readings: tuple[Reading, ...] = ()

    def __iter__(self) -> Iterator[tuple[Advised, Standing]]:
        """Reads them.

        Raises:
            JournalBroken: if one cannot be read.
            JournalUnavailable: if the journal cannot be read now.
        """
        self.count = 0
        readings: dict[object, Reading] = {}
        # What is answered while this reads is left out.
        last = end_of_chain(self._store)
        for every in recommendations(self._store):
            chunk = every.held()
            standing = read_standing(self._store, [one.id for one in chunk.records], last=last)
            advised = _advised(chunk, readings)
            self.count += len(chunk)
            self.readings = tuple(readings.values())
            for one in advised:
                yield one, standing.get(one.decision, NOTHING)


def _advised(chunk: Chunk, readings: dict[object, Reading]) -> list[Advised]:
    """Gives recommendations as they stand in the chain: which was the first for a case matters."""
    found: dict[int, Advised] = {}
    for part in chunk.by_context():
        # Offices have contexts of their own, and nearly all tell the same fields and mixes.
        readings.setdefault((part.reading.features, part.reading.mixes), part.reading)
        for place, record, tail, mix in zip(
            part.places.tolist(),
            part.records,
            part.tails,
            part.rows["mix"].tolist(),
            strict=True,
        ):
            case_ref = "" if mix == NO_MIX else tail.case_ref
            found[place] = Advised(record.id, case_ref, tail.disclosure, record.written_at)
    return [found[place] for place in range(len(chunk))]


def read_cases_of(
    store: JournalReader, readings: tuple[Reading, ...], wanted: Mapping[bytes, object]
) -> Iterator[tuple[list[bytes], pl.DataFrame]]:
    """Yields decision ids and their cases, in chain order.

    A case is its fields and references, the mix recommended and its propensity.

    Args:
        store: the journal.
        readings: from `Advice`.
        wanted: decisions, by id.

    Raises:
        JournalBroken: if one cannot be read.
        JournalUnavailable: if the journal cannot be read now.
    """
    # The columns of all readings, so that chunks of any time can be put below each other.
    target = schema(readings, lists=False)
    for every in recommendations(store):
        chunk = every.held().where(lambda record: record.id in wanted)
        if not len(chunk):
            continue
        frame = pl.DataFrame(pl.from_arrow(columns(chunk, target)))
        names = [name for name in _COLUMNS if name in frame.columns]
        yield [one.id for one in chunk.records], frame.select(names)
