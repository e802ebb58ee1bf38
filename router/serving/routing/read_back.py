"""A recommendation read back: as it was answered where that is kept, else what is recorded."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from router.decision.decision import Doubt
from router.decision.probability import as_probability
from router.journal.answer import ANSWERED, read_answer
from router.journal.feedback import VIEW, WITHHELD
from router.journal.recommendation import (
    AFTER_OWN_VIEW,
    CONTROL,
    SHOWN,
    Recommended,
    read_recommendation,
    recommendations_of,
)
from router.journal.record import RECOMMENDATION, StoredRecord
from router.journal.store import JournalStore
from router.serving.paging import record_of
from router.serving.status import NoDecision
from router.v1 import channel_router_pb2, recommendation_pb2

MaySee = Callable[[str], bool]
"""Tells of an office whether what belongs to it may be seen."""
_DISCLOSURES = {
    SHOWN: recommendation_pb2.DISCLOSURE_UNSPECIFIED,
    AFTER_OWN_VIEW: recommendation_pb2.DISCLOSURE_AFTER_OWN_VIEW,
    CONTROL: recommendation_pb2.DISCLOSURE_CONTROL,
}


def read_back(
    store: JournalStore, decision_id: uuid.UUID, may_see: MaySee
) -> channel_router_pb2.RecordedRecommendation:
    """Reads one recommendation; it blocks.

    Raises:
        NoDecision: if there is none, it was erased, or it may not be seen.
        JournalUnavailable: if the journal cannot be read now.
        JournalBroken: if the record cannot be read.
    """
    found = store.find([decision_id.bytes])
    stored = found[0] if found else None
    # Ids are one space: that of an outcome is no decision's.
    known = stored is not None and stored.kind == RECOMMENDATION
    recommended = read_recommendation(stored) if stored is not None and known else None
    if stored is None or recommended is None or not may_see(recommended.office_ref):
        raise NoDecision(decision_id)
    return _message(recommended, store.about(stored.id))


def read_back_of_case(
    store: JournalStore, case_ref: str, after: str | None, most: int, may_see: MaySee
) -> tuple[list[channel_router_pb2.RecordedRecommendation], str]:
    """Reads recommendations of a case, the latest first; it blocks.

    Args:
        store: the journal.
        case_ref: as sent, not empty.
        after: position of the one behind which the page begins, None for the first page.
        most: of them.
        may_see: those of other offices are left out.

    Returns:
        The recommendations, and the position behind which there are more; "" if there are none.

    Raises:
        InvalidRequest: if there is nothing at that position.
        JournalUnavailable: if the journal cannot be read now.
        JournalBroken: if a record cannot be read.
    """
    found: list[channel_router_pb2.RecordedRecommendation] = []
    before = None if after is None else record_of(after, store)
    last = ""
    for stored, recommended in recommendations_of(store, case_ref, before):
        if not may_see(recommended.office_ref):
            continue
        if len(found) == most:
            return found, last
        found.append(_message(recommended, store.about(stored.id)))
        last = stored.id.hex()
    return found, ""


def _message(
    recommended: Recommended, about: Sequence[StoredRecord]
) -> channel_router_pb2.RecordedRecommendation:
    kept = _as_answered(recommended, about)
    answer = _recorded(recommended, about) if kept is None else kept
    moment = Timestamp()
    moment.FromMicroseconds(recommended.written_at)
    return channel_router_pb2.RecordedRecommendation(
        recommendation=answer,
        recorded_at=moment,
        office_ref=recommended.office_ref,
        as_answered=kept is not None,
    )


def _revealed(recommended: Recommended, about: Sequence[StoredRecord]) -> bool:
    return recommended.disclosure == SHOWN or (
        recommended.disclosure == AFTER_OWN_VIEW and any(one.kind == VIEW for one in about)
    )


def _as_answered(
    recommended: Recommended, about: Sequence[StoredRecord]
) -> recommendation_pb2.Recommendation | None:
    """Gives the answer as it was sent, or as it was revealed once an own view was recorded."""
    if recommended.disclosure == AFTER_OWN_VIEW and _revealed(recommended, about):
        for one in about:
            if one.kind == WITHHELD and one.payload is not None:
                return recommendation_pb2.Recommendation.FromString(one.payload)
    for one in about:
        answered = read_answer(one) if one.kind == ANSWERED else None
        if answered is not None:
            return recommendation_pb2.Recommendation.FromString(answered.answer)
    return None


def _recorded(
    recommended: Recommended, about: Sequence[StoredRecord]
) -> recommendation_pb2.Recommendation:
    found = recommendation_pb2.Recommendation(
        decision_id=recommended.decision_id,
        case_ref=recommended.case_ref,
        model_version=recommended.model_version,
        policy_version=recommended.policy_version,
        disclosure=_DISCLOSURES[recommended.disclosure],
        # A policy of the office's own is named behind the national one.
        office_unknown=bool(recommended.office_ref) and "/" not in recommended.policy_version,
    )
    if recommended.mix is not None:
        found.synthetic_model = recommended.synthetic_model
    if not _revealed(recommended, about):
        found.status = recommendation_pb2.STATUS_WITHHELD
        found.permitted_mixes.extend(recommended.permitted)
        return found

    found.status = recommendation_pb2.Status.Value(f"STATUS_{recommended.status}")
    found.safeguards.extend(
        recommendation_pb2.AppliedSafeguard(name=name) for name in recommended.safeguards
    )
    if recommended.mix is None:
        return found
    found.mix.id = recommended.mix
    found.mix.adviser_minutes = round(recommended.minutes_of(recommended.mix))
    found.doubts.extend(
        recommendation_pb2.Doubt.Value(f"DOUBT_{doubt.name}")
        for doubt in Doubt
        if recommended.doubts & doubt
    )
    if not math.isnan(recommended.expected[0]):
        found.options.extend(_options(recommended))
    return found


def _options(recommended: Recommended) -> list[recommendation_pb2.Option]:
    columns = (recommended.mixes, recommended.expected, recommended.error, recommended.minutes)
    return [
        recommendation_pb2.Option(
            mix_id=mix,
            expected_outcome=as_probability(expected),
            standard_error=error,
            adviser_minutes=minutes,
            permitted=mix in recommended.permitted,
        )
        for mix, expected, error, minutes in zip(*columns, strict=True)
    ]
