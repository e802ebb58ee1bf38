"""The cases that arrived at offices lately, as the journal has them: rows of slots, each once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.decision.schema import FeatureSet, Rows
from router.journal.form import sound
from router.journal.recommendation import CodedField, Tail, Unpacked, coded, recommendations
from router.journal.record import RECOMMENDATION, JournalBroken
from router.journal.store import JournalReader


class Arrivals(NamedTuple):
    """Cases that arrived.

    Attributes:
        rows: by office, slots, shape (n, features); of a case that was asked about several times
            the last answer's.
        began_at: when the journal's first recommendation was written, microseconds since 1970; None
            if it has none.
    """

    rows: Mapping[str, Rows]
    began_at: int | None


def read_arrivals(
    store: JournalReader, features: FeatureSet, offices: Collection[str], since: int, until: int
) -> Arrivals:
    """Reads the cases that were scored for some offices between two moments, in one pass.

    Args:
        store: the journal; may be written to meanwhile.
        features: of the cases; one that a record does not have is unknown there.
        offices: their references.
        since: microseconds since 1970, UTC.
        until: likewise; what was written then or later is left out.

    Raises:
        JournalBroken: if a record cannot be read, or has other values of a feature than now.
        JournalUnavailable: if the journal cannot be read now.
    """
    # Of any office: a journal younger than the weeks asked for holds fewer weeks' arrivals.
    first = next(map(sound, store.read(limit=1, kinds=(RECOMMENDATION,))), None)
    # As bytes, half the memory of a row of NumPy: of a country they are millions.
    rows: dict[str, dict[str, bytes]] = {office: {} for office in offices}
    for every in recommendations(store, since):
        chunk = every.held().where(lambda record: record.written_at < until)
        asked: dict[int, tuple[Tail, NDArray[np.uint16]]] = {}
        for part in chunk.by_context():
            rows_now = _rows_now(part, features)
            asked |= zip(part.places.tolist(), zip(part.tails, rows_now, strict=True), strict=True)
        # As they stand in the chain: the last answer about a case counts.
        for place in range(len(chunk)):
            tail, row = asked[place]
            # Without a reference a case was not scored: its minutes are outside the office's hours.
            if tail.case_ref and tail.office_ref in rows:
                rows[tail.office_ref][tail.case_ref] = row.tobytes()

    return Arrivals(
        rows={office: _table(its.values(), features) for office, its in rows.items()},
        began_at=first.written_at if first else None,
    )


def _table(rows: Collection[bytes], features: FeatureSet) -> Rows:
    return np.frombuffer(b"".join(rows), np.uint16).reshape(len(rows), len(features.features))


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
