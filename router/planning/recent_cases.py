"""The cases that arrived at an office lately, as the journal has them: rows of slots, each once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.decision.schema import FeatureSet, Rows
from router.journal.recommendation import CodedField, coded, recommendations, unpacked
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
    store: JournalReader, features: FeatureSet, office_ref: str, since: int
) -> Arrivals:
    """Reads the cases that were scored for an office since a moment.

    Args:
        store: the journal; may be written to meanwhile.
        features: of the cases; one that a record does not have is unknown there.
        office_ref: whose.
        since: microseconds since 1970, UTC.

    Raises:
        JournalBroken: if a record cannot be read, or has other values of a feature than now.
        JournalUnavailable: if the journal cannot be read now.
    """
    # Of any office: a journal younger than the weeks asked for holds fewer weeks' arrivals.
    first = next(iter(store.read(limit=1, kinds=(RECOMMENDATION,))), None)
    rows: dict[str, NDArray[np.uint16]] = {}
    for run in recommendations(store):
        recent = [
            record for record in run if record.written_at >= since and record.payload is not None
        ]
        if not recent:
            continue
        found = unpacked(recent)
        try:
            rows_now = _as_now(found.rows["row"], found.reading.features, features)
        except ValueError as problem:
            digest = recent[0].context.digest.hex()[:12]
            raise JournalBroken(f"context {digest}: {problem}") from None
        for row, tail in zip(rows_now, found.tails, strict=True):
            # Without a reference a case was not scored: its minutes are outside the office's hours.
            if tail.case_ref and tail.office_ref == office_ref:
                rows[tail.case_ref] = row

    # Of no case at all NumPy would not know the columns.
    arrived = np.array(list(rows.values()), np.uint16)
    return Arrivals(
        rows=arrived.reshape(len(rows), len(features.features)),
        began_at=first.written_at if first else None,
    )


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
