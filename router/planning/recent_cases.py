"""The cases that arrived at an office lately, as the journal has them: rows of slots, each once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.decision.schema import FeatureSet, Rows
from router.journal.recommendation import CodedField, Unpacked, coded, recommendations
from router.journal.record import RECOMMENDATION, JournalBroken
from router.journal.store import JournalReader


class Arrivals(NamedTuple):
    """Cases that arrived.

    Attributes:
        rows: slots, shape (n, features); of a case that was asked about several times the last
            answer's.
        began_at: when the journal's first recommendation was written, microseconds since 1970; None
            if it has none.
    """

    rows: Rows
    began_at: int | None


def read_arrivals(
    store: JournalReader, features: FeatureSet, office_ref: str, since: int, until: int
) -> Arrivals:
    """Reads the cases that were scored for an office between two moments.

    Args:
        store: the journal; may be written to meanwhile.
        features: of the cases; one that a record does not have is unknown there.
        office_ref: whose.
        since: microseconds since 1970, UTC.
        until: likewise; what was written then or later is left out.

    Raises:
        JournalBroken: if a record cannot be read, or has other values of a feature than now.
        JournalUnavailable: if the journal cannot be read now.
    """
    # Of any office: a journal younger than the weeks asked for holds fewer weeks' arrivals.
    first = next(iter(store.read(limit=1, kinds=(RECOMMENDATION,))), None)
    rows: dict[str, NDArray[np.uint16]] = {}
    for every in recommendations(store):
        chunk = every.held().where(lambda record: since <= record.written_at < until)
        asked: dict[int, tuple[str, NDArray[np.uint16]]] = {}
        for part in chunk.by_context():
            # Without a reference a case was not scored: its minutes are outside the office's hours.
            its = [tail.office_ref == office_ref and bool(tail.case_ref) for tail in part.tails]
            if not any(its):
                continue
            rows_now = _rows_now(part, features)
            for which, place, row, tail in zip(its, part.places.tolist(), rows_now, part.tails,
                                               strict=True):  # fmt: skip
                if which:
                    asked[place] = tail.case_ref, row
        # As they stand in the chain: the last answer about a case counts.
        rows |= dict(asked[place] for place in sorted(asked))

    # Of no case at all NumPy would not know the columns.
    arrived = np.array(list(rows.values()), np.uint16)
    return Arrivals(
        rows=arrived.reshape(len(rows), len(features.features)),
        began_at=first.written_at if first else None,
    )


def _rows_now(part: Unpacked, features: FeatureSet) -> Rows:
    try:
        return _as_now(part.rows["row"], part.reading.features, features)
    except ValueError as problem:
        digest = part.records[0].context.digest.hex()[:12]
        raise JournalBroken(f"context {digest}: {problem}") from None


def _as_now(rows: Rows, then: Sequence[CodedField], features: FeatureSet) -> Rows:
    """Gives rows as slots of the features of now; one that there was not is unknown.

    Raises:
        ValueError: if a feature had other values then.
    """
    now = np.zeros((len(rows), len(features.features)), np.uint16)
    column_then = {one.name: column for column, one in enumerate(then)}
    for column, one in enumerate(coded(features.features)):
        if one.name not in column_then:
            continue
        if then[column_then[one.name]] != one:
            raise ValueError(f"{one.name} has other values than in this version of the service")
        now[:, column] = rows[:, column_then[one.name]]
    return now
