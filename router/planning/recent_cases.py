"""The cases that arrived at an office lately, as the journal has them: rows of slots, each case once."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np

from router.decision.schema import FeatureSet, Rows
from router.journal.payload import layout, unpack
from router.journal.recommendation import recommendations
from router.journal.record import RECOMMENDATION, Context, JournalBroken
from router.journal.store import JournalStore


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
    store: JournalStore, features: FeatureSet, office_ref: str, since: int
) -> Arrivals:
    """Reads the cases that were scored for an office since a moment.

    Args:
        store: the journal; may be written to meanwhile.
        features: of the cases; what was written with other ones cannot be planned now.
        office_ref: whose.
        since: microseconds since 1970, UTC.

    Raises:
        JournalBroken: if a record cannot be read, or was written with other features.
        JournalUnavailable: if the journal cannot be read now.
    """
    first = next(iter(store.read(limit=1, kinds=(RECOMMENDATION,))), None)
    rows: dict[str, np.ndarray[tuple[int], np.dtype[np.uint16]]] = {}
    for run in recommendations(store):
        recent = [
            record.payload
            for record in run
            if record.written_at >= since and record.payload is not None
        ]
        if not recent:
            continue
        try:
            packed, tails = unpack(
                layout(len(features.features), _mixes(run[0].context, features)), recent
            )
        except ValueError as problem:
            raise JournalBroken(
                f"record {run[0].seq} or behind: cannot be read: {problem}"
            ) from problem
        for row, tail in zip(packed["row"], tails, strict=True):
            if tail.case_ref and tail.office_ref == office_ref:
                rows[tail.case_ref] = row
    found = np.array(list(rows.values()), np.uint16).reshape(len(rows), len(features.features))
    return Arrivals(rows=found, began_at=first.written_at if first else None)


def _mixes(context: Context, features: FeatureSet) -> int:
    """Number of mixes that records of a context have."""
    try:
        content: dict[str, Any] = json.loads(context.document)
        written = [
            (one["name"], one["lower"], one["upper"], one["values"] or [])
            for one in content["features"]
        ]
        mixes = len(content["mixes"])
    except (ValueError, KeyError, TypeError) as problem:
        raise JournalBroken(
            f"context {context.digest.hex()[:12]}: cannot be read: {problem!r}"
        ) from problem
    now = [(one.name, one.lower, one.upper, list(one.values)) for one in features.features]
    if written != now:
        raise JournalBroken(
            f"context {context.digest.hex()[:12]}: has other features than this version of the service"
        )
    return mixes
