"""Outcomes, and what two servers on one journal do with feedback that contradicts."""

import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from router.v1 import feedback_pb2 as pb
from router.v1 import recommendation_pb2
from tests.unit.router.serving.feedback.feedback_builder import (
    DECIDED,
    Desk,
    a_desk,
    an_id,
    details,
    microseconds,
)

PHONE, OFFICE = recommendation_pb2.CHANNEL_PHONE, recommendation_pb2.CHANNEL_OFFICE_MEETING


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with a_desk(tmp_path_factory.mktemp("outcomes") / "journal.db") as found:
        yield found


def refused(desk: Desk, decision: str, code: grpc.StatusCode, **options: Any) -> dict[str, str]:
    with pytest.raises(grpc.RpcError) as error:
        desk.came(decision, **options)
    assert error.value.code() == code, error.value.details()
    return details(error.value)


def time(channel: int, contacts: int, minutes: int) -> pb.ChannelTime:
    return pb.ChannelTime(channel=channel, contacts=contacts, minutes=minutes)  # type: ignore[arg-type] # any number


def test_the_journal_keeps_minutes_by_channel_and_their_sum(desk: Desk) -> None:
    decision = desk.decide()
    record_id = desk.came(decision, time=[time(OFFICE, 2, 95), time(PHONE, 1, 20)]).record_id
    (record,) = desk.store.find([uuid.UUID(record_id).bytes])
    assert json.loads(record.payload or b"") == {
        "decision_id": decision,
        "outcome": 1.0,
        "adviser_minutes": 115,
        "time": [
            {"channel": "PHONE", "contacts": 1, "minutes": 20},
            {"channel": "OFFICE_MEETING", "contacts": 2, "minutes": 95},
        ],
        "observed_on": "2026-11-25",
        "corrects": None,
    }


def test_no_time_reported_is_not_zero_minutes(desk: Desk) -> None:
    kept = {}
    for told, options in {"nothing": {}, "zero": {"time": [time(PHONE, 0, 0)]}}.items():
        record_id = desk.came(desk.decide(), **options).record_id
        (record,) = desk.store.find([uuid.UUID(record_id).bytes])
        kept[told] = json.loads(record.payload or b"")["adviser_minutes"]
    assert kept == {"nothing": None, "zero": 0}


def test_a_goal_reached_is_1_and_one_not_reached_is_0(desk: Desk) -> None:
    for reached in (True, False):
        record_id = desk.came(desk.decide(), goal_reached=reached).record_id
        (record,) = desk.store.find([uuid.UUID(record_id).bytes])
        assert json.loads(record.payload or b"")["outcome"] == float(reached)


def test_an_outcome_needs_no_choice_before_it(desk: Desk) -> None:
    assert desk.came(desk.decide()).record_id


def test_the_same_outcome_again_is_answered_with_what_stands_in_whatever_order_its_channels_are(
    desk: Desk,
) -> None:
    decision = desk.decide()
    first = desk.came(decision, time=[time(OFFICE, 2, 95), time(PHONE, 1, 20)])
    assert desk.came(decision, time=[time(PHONE, 1, 20), time(OFFICE, 2, 95)]) == first
    assert desk.kinds(decision) == ["outcome"]


def test_first_outcomes_are_counted_and_corrections_apart(desk: Desk) -> None:
    decision = desk.decide()
    before = desk.value("router_outcomes_total")
    first = desk.came(decision, outcome=0.5).record_id
    desk.came(decision, outcome=0.75, corrects=first)
    assert desk.value("router_outcomes_total") == before + 1
    assert desk.value("router_corrections_total", kind="outcome") >= 1


def test_two_outcomes_that_differ_are_aborted_unless_the_second_corrects_the_first(
    desk: Desk,
) -> None:
    decision = desk.decide()
    stands = desk.came(decision, outcome=0.5).record_id
    found = refused(desk, decision, grpc.StatusCode.ABORTED, outcome=0.75)
    assert (found["why"], found["kind"]) == ("OUTCOME_RECORDED", "outcome")
    assert "0.5" not in str(found)
    assert stands not in str(found)
    assert desk.came(decision, outcome=0.75, corrects=stands).record_id
    found = refused(desk, decision, grpc.StatusCode.ABORTED, outcome=0.25, corrects=stands)
    assert found["why"] == "CORRECTS_ANOTHER"
    assert desk.kinds(decision) == ["outcome", "outcome"]


@pytest.mark.parametrize(
    ("options", "field", "told"),
    [
        ({"outcome": 1.01}, "outcome", "0 to 1"),
        ({"outcome": float("nan")}, "outcome", "0 to 1"),
        ({"outcome": None}, "outcome", "is missing"),
        ({"observed_on": ""}, "observed_on", "YYYY-MM-DD"),
        ({"observed_on": "25.11.2026"}, "observed_on", "YYYY-MM-DD"),
        ({"observed_on": "2026-02-30"}, "observed_on", "YYYY-MM-DD"),
        ({"time": [time(0, 1, 1)]}, "time[0].channel", "PHONE"),
        ({"time": [time(PHONE, 1, 1), time(PHONE, 1, 2)]}, "time[1].channel", "twice"),
        ({"time": [time(PHONE, 201, 1)]}, "time[0].contacts", "0 to 200"),
        ({"time": [time(PHONE, 1, -1)]}, "time[0].minutes", "0 to 10000"),
        ({"time": [time(PHONE, 0, 5)]}, "time[0].minutes", "0 contacts"),
        ({"time": [time(PHONE, 9, 9_000), time(OFFICE, 9, 1_001)]}, "time", "10001 minutes"),
    ],
)
def test_a_bad_field_is_named_with_its_bound(
    desk: Desk, options: dict[str, object], field: str, told: str
) -> None:
    assert told in refused(desk, desk.decide(), grpc.StatusCode.INVALID_ARGUMENT, **options)[field]


@pytest.mark.parametrize(("days", "fine"), [(-2, False), (0, True), (40, True), (42, False)])
def test_an_outcome_is_seen_neither_before_the_decision_nor_in_the_future(
    desk: Desk, days: int, fine: bool
) -> None:
    desk.now = microseconds(DECIDED + timedelta(days=40))
    day = (DECIDED + timedelta(days=days)).date().isoformat()
    if fine:
        assert desk.came(desk.decide(), observed_on=day).record_id
    else:
        code = grpc.StatusCode.INVALID_ARGUMENT
        assert day in refused(desk, desk.decide(), code, observed_on=day)["observed_on"]


def choosing(server: Desk, decision: str, mix: str) -> Any:
    """Starts a choice; gives grpc's future, which is an error of its own too."""
    asked = pb.RecordChoiceRequest(
        request_id=an_id(), decision_id=decision, mix_id=mix, wished_by=pb.WISHED_BY_BOTH
    )
    return server.feedback.RecordChoice.future(asked, timeout=20)


def test_of_contradicting_choices_on_two_servers_one_stands_and_the_others_are_told(
    desk: Desk, tmp_path: Path
) -> None:
    with a_desk(tmp_path / "journal.db") as one, a_desk(tmp_path / "journal.db") as other:
        decisions = [one.decide("SELF_SERVICE") for _ in range(20)]
        chosen = [(one, "BLENDED_VIDEO"), (other, "BLENDED_OFFICE"), (one, "DIGITAL_DIALOGUE")]
        calls = [
            (decision, choosing(server, decision, mix))
            for decision in decisions
            for server, mix in chosen
        ]
        told: dict[str, set[str]] = {decision: set() for decision in decisions}
        for decision, call in calls:
            error = call.exception()
            if error is None:
                told[decision].add(call.result().record_id)
            else:
                assert error.code() == grpc.StatusCode.ABORTED
                assert details(error)["why"] == "CHOICE_RECORDED"
        for decision, records in told.items():
            (record,) = one.store.about(uuid.UUID(decision).bytes)
            assert records == {str(uuid.UUID(bytes=record.id))}


def test_of_equal_choices_on_two_servers_one_is_written_and_all_are_answered_with_it(
    desk: Desk, tmp_path: Path
) -> None:
    with a_desk(tmp_path / "journal.db") as one, a_desk(tmp_path / "journal.db") as other:
        decision = one.decide()
        calls = [choosing(server, decision, "BLENDED_VIDEO") for server in (one, other) * 8]
        assert len({call.result().record_id for call in calls}) == 1
        assert one.kinds(decision) == ["choice"]
        counted = [
            d.value("router_choices_total", direction="SAME", reason="NONE", office_band="NATIONAL")
            for d in (one, other)
        ]
        assert sum(counted) == 1
