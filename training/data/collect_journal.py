"""What `collect` reads of the journal: who was advised, and their cases as columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import polars as pl

from router.cases.features import FEATURES
from router.decision.decision import NO_MIX
from router.journal.export_columns import columns, schema
from router.journal.recommendation import Reading, recommendations, unpacked
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
        The recommendations, and all the ways in which they are read.

    Raises:
        JournalBroken: if one cannot be read.
        JournalUnavailable: if the journal cannot be read now.
    """
    found: list[Advised] = []
    readings: dict[bytes, Reading] = {}
    for every in recommendations(store):
        # An erased record keeps its place in the chain, and nothing else.
        run = [record for record in every if record.payload is not None]
        if not run:
            continue
        reading, records, rows, tails = unpacked(run)
        # All of a run are read in one way, that of its context.
        readings[run[0].context.digest] = reading
        for record, tail, mix in zip(records, tails, rows["mix"].tolist(), strict=True):
            case_ref = "" if mix == NO_MIX else tail.case_ref
            found.append(Advised(record.id, case_ref, tail.disclosure, record.written_at))
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
    # The columns of all readings, so that runs of any time can be put below each other.
    target = schema(readings, lists=False)
    for run in recommendations(store):
        kept = [record for record in run if record.id in wanted and record.payload is not None]
        if not kept:
            continue
        frame = pl.DataFrame(pl.from_arrow(columns(kept, target)))
        names = [name for name in _COLUMNS if name in frame.columns]
        yield [one.id for one in kept], frame.select(names)
