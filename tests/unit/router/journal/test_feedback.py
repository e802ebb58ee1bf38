"""Feedback as the journal keeps it, and as the contract names it."""

import json
import uuid
from datetime import date
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.decision.catalogue import Channel
from router.journal import feedback
from router.journal.feedback import (
    Answer,
    ChannelTime,
    Choice,
    Feedback,
    Outcome,
    Review,
    View,
    claim_of,
    feedback_record,
    from_payload,
    read_feedback,
    to_payload,
)
from router.journal.record import Context, JournalBroken, StoredRecord
from router.v1 import feedback_pb2, recommendation_pb2

MIX = st.text(min_size=1, max_size=20)
VIEW = st.none() | MIX
TIMES = st.lists(
    st.builds(
        ChannelTime,
        channel=st.sampled_from(Channel),
        contacts=st.integers(0, 200),
        minutes=st.integers(0, 1_600),
    ),
    unique_by=lambda one: one.channel,
).map(tuple)
EVERY = (
    st.builds(Choice, mix=MIX, adviser_view=VIEW, user_view=VIEW)
    | st.builds(Outcome, outcome=st.floats(0, 1), time=TIMES)
    | st.builds(View, mix=MIX)
    | st.builds(Review)
    | st.builds(Answer)
)
AN_OUTCOME = Outcome(decision_id=uuid.UUID(int=1), outcome=1, observed_on=date(2026, 11, 25))


def kind_of(content: Feedback) -> str:
    return type(content).__name__.lower()


@given(EVERY)
def test_what_is_kept_is_read_back_equal(content: Feedback) -> None:
    payload = to_payload(content)
    assert from_payload(kind_of(content), payload) == content
    assert json.loads(payload)["decision_id"] == str(content.decision_id)


def test_equal_feedback_has_equal_bytes_whatever_way_its_numbers_were_written() -> None:
    same = Outcome(decision_id=uuid.UUID(int=1), outcome=1.0, observed_on=date(2026, 11, 25))
    assert to_payload(AN_OUTCOME) == to_payload(same)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"outcome": 1.5}, r"1\.5 is outside 0 to 1"),
        ({"outcome": True}, r"\$\.outcome"),
        ({"outcome": "1"}, r"\$\.outcome"),
        ({"adviser_minutes": 3}, "adviser_minutes: 3 is not the sum of time"),
        ({"time": {}}, r"\$\.time"),
        ({"time": [{"channel": "PIGEON", "contacts": 1, "minutes": 1}]}, r"time\[0\]\.channel"),
        ({"time": [{"channel": "PHONE", "contacts": 201, "minutes": 1}]}, r"\$\.time\[0\]"),
        ({"decision_id": "17"}, r"\$\.decision_id"),
        ({"decision_id": None}, r"\$\.decision_id"),
        ({"observed_on": "yesterday"}, r"\$\.observed_on"),
        ({"corrects": 1}, r"\$\.corrects"),
    ],
)
def test_a_payload_that_is_no_outcome_is_refused_where_it_is_wrong(
    changes: dict[str, Any], told: str
) -> None:
    content = json.loads(to_payload(AN_OUTCOME)) | changes
    with pytest.raises(ValueError, match=told):
        from_payload("outcome", json.dumps(content).encode())


@pytest.mark.parametrize("name", ["adviser_minutes", "corrects", "time", "observed_on"])
def test_a_payload_is_whole_or_refused(name: str) -> None:
    content = json.loads(to_payload(AN_OUTCOME))
    del content[name]
    with pytest.raises(ValueError, match=name):
        from_payload("outcome", json.dumps(content).encode())


def test_a_key_too_many_is_of_a_later_version() -> None:
    content = json.loads(to_payload(AN_OUTCOME)) | {"more": 1}
    assert from_payload("outcome", json.dumps(content).encode()) == AN_OUTCOME


def test_the_bytes_of_feedback_never_change() -> None:
    small = Outcome(decision_id=uuid.UUID(int=1), outcome=1e-5, observed_on=date(2026, 1, 2))
    assert to_payload(small) == (
        b'{"adviser_minutes":null,"corrects":null,'
        b'"decision_id":"00000000-0000-0000-0000-000000000001",'
        b'"observed_on":"2026-01-02","outcome":1e-05,"time":[]}'
    )


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b"\xff", b"null"])
def test_a_damaged_record_is_named_by_its_number(payload: bytes) -> None:
    stored = StoredRecord(7, b"", "choice", Context(document=""), 0, payload, b"", b"", b"", None)
    with pytest.raises(JournalBroken, match="record 7"):
        read_feedback(stored)
    assert read_feedback(stored._replace(payload=None)) is None


def test_first_ones_and_corrections_of_the_same_one_exclude_each_other() -> None:
    first = uuid.uuid4()
    kind_and_claim = {
        claim_of(AN_OUTCOME): "outcome",
        claim_of(
            Outcome(decision_id=first, outcome=1, observed_on=date.min, corrects=first)
        ): f"outcome:{first.hex}",
        claim_of(View(decision_id=first, mix="A")): "view",
        claim_of(
            Answer(decision_id=first, review_id=first, result=feedback.ReviewResult.UPHELD)
        ): f"answer:{first.hex}",
    }
    assert all(found == expected for found, expected in kind_and_claim.items())
    record = feedback_record(first, AN_OUTCOME, 5, claim_of(AN_OUTCOME))
    assert (record.id, record.kind, record.about, record.claim) == (
        first.bytes,
        "outcome",
        uuid.UUID(int=1).bytes,
        "outcome",
    )


@pytest.mark.parametrize(
    ("contract", "kind"),
    [
        (feedback_pb2.WishedBy, feedback.WishedBy),
        (feedback_pb2.ChoiceDirection, feedback.Direction),
        (feedback_pb2.ChoiceReason, feedback.ChoiceReason),
        (feedback_pb2.AskedBy, feedback.AskedBy),
        (feedback_pb2.ReviewReason, feedback.ReviewReason),
        (feedback_pb2.ReviewResult, feedback.ReviewResult),
        (recommendation_pb2.Channel, Channel),
    ],
)
def test_the_contract_and_the_journal_have_the_same_codes(contract: Any, kind: type[Enum]) -> None:
    names = [value.name for value in contract.DESCRIPTOR.values]
    prefix = names[0].removesuffix("UNSPECIFIED")
    assert [name.removeprefix(prefix) for name in names[1:]] == [
        member.value for member in kind if member.value
    ]


def test_no_request_has_a_field_for_free_text_or_for_who_the_adviser_is() -> None:
    texts = {
        f"{message.name}.{field.name}"
        for message in feedback_pb2.DESCRIPTOR.message_types_by_name.values()
        if message.name.endswith("Request")
        for field in message.fields
        if field.type == field.TYPE_STRING and not field.name.endswith("_id")
    }
    assert texts == {
        "RecordChoiceRequest.adviser_view",  # a mix
        "RecordChoiceRequest.user_view",
        "AnswerReviewRequest.corrects",
        "RecordChoiceRequest.corrects",
        "RecordOutcomeRequest.observed_on",
        "RecordOutcomeRequest.corrects",
        "ListReviewsRequest.page_token",
        "ListReviewsRequest.office_ref",
    }
