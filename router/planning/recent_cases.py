"""The cases that arrived at an office lately, as the journal has them: rows of slots, each once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
    return read_arrivals_of(store, features, [office_ref], since, until)[office_ref]


def read_arrivals_of(
    store: JournalReader, features: FeatureSet, offices: Collection[str], since: int, until: int
) -> dict[str, Arrivals]:
    """Reads the cases that were scored for some offices, in one reading of the journal.

    Args:
        store: as for `read_arrivals`, and so are the others.
        features: of the cases.
        offices: references.
        since: microseconds since 1970, UTC.
        until: likewise.

    Raises:
        JournalBroken: if a record cannot be read, or has other values of a feature than now.
        JournalUnavailable: if the journal cannot be read now.
    """
    # Of any office: a journal younger than the weeks asked for holds fewer weeks' arrivals.
    first = next(iter(store.read(limit=1, kinds=(RECOMMENDATION,))), None)
    rows: dict[str, dict[str, NDArray[np.uint16]]] = {office: {} for office in offices}
    for run in recommendations(store):
        recent = [
            record
            for record in run
            if since <= record.written_at < until and record.payload is not None
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
            if tail.case_ref and tail.office_ref in rows:
                rows[tail.office_ref][tail.case_ref] = row

    # Of no case at all NumPy would not know the columns.
    return {
        office: Arrivals(
            rows=np.array(list(cases.values()), np.uint16).reshape(
                len(cases), len(features.features)
            ),
            began_at=first.written_at if first else None,
        )
        for office, cases in rows.items()
    }


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
