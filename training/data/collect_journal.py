"""What `collect` reads of the journal: who was advised, and their cases as columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import polars as pl

from router.cases.features import FEATURES
from router.decision.decision import NO_MIX
from router.journal.export_columns import columns, schema
from router.journal.recommendation import Reading, recommendations
from router.journal.store import JournalReader

_COLUMNS = ("case_ref", "office_ref", "mix", "propensity", *FEATURES.names)


# A tuple: of a year there may be millions, and all are held at once.
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


def read_advised(store: JournalReader) -> tuple[list[Advised], tuple[Reading, ...]]:
    """Reads every recommendation in chain order, erased ones left out.

    Returns:
        The recommendations, and a reading for each set of fields and mixes that they have.

    Raises:
        JournalBroken: if one cannot be read.
        JournalUnavailable: if the journal cannot be read now.
    """
    found: list[Advised] = []
    readings: dict[object, Reading] = {}
    for every in recommendations(store):
        # An erased record keeps its place in the chain, and nothing else.
        chunk = every.held()
        advised: dict[int, Advised] = {}
        for part in chunk.by_context():
            # Offices have contexts of their own, and nearly all tell the same fields and mixes.
            readings.setdefault((part.reading.features, part.reading.mixes), part.reading)
            columns = zip(
                part.places.tolist(), part.records, part.tails, part.rows["mix"].tolist(),
                strict=True,
            )  # fmt: skip
            for place, record, tail, mix in columns:
                case_ref = "" if mix == NO_MIX else tail.case_ref
                advised[place] = Advised(record.id, case_ref, tail.disclosure, record.written_at)
        # As they stand in the chain: which one was the first for a case matters.
        found += [advised[place] for place in range(len(chunk))]
    return found, tuple(readings.values())


def read_cases_of(
    store: JournalReader, readings: tuple[Reading, ...], wanted: Mapping[bytes, object]
) -> Iterator[tuple[list[bytes], pl.DataFrame]]:
    """Yields decision ids and their cases, in chain order.

    A case is its fields and references, the mix recommended and its propensity.

    Args:
        store: the journal.
        readings: from `read_advised`.
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
