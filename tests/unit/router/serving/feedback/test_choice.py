"""Choices as a case system records them."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from router.serving.feedback.history import RECORDS_AT_MOST
from router.v1 import feedback_pb2 as pb
from tests.unit.router.serving.feedback.feedback_builder import MIXES, Desk, a_desk, an_id, details

DAY = 24 * 3600 * 1_000_000

LESS: dict[str, Any] = {
    "mix": "DIALOGUE_AND_PHONE",
    "reason": pb.CHOICE_REASON_CAPACITY,
    "wished_by": pb.WISHED_BY_AGENCY,
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with a_desk(tmp_path_factory.mktemp("choices") / "journal.db") as found:
        yield found


def refused(desk: Desk, decision: str, code: grpc.StatusCode, **options: Any) -> dict[str, str]:
    with pytest.raises(grpc.RpcError) as error:
        desk.choose(decision, **options)
    assert error.value.code() == code, error.value.details()
    return details(error.value)


def test_a_choice_tells_its_direction_by_adviser_minutes(desk: Desk) -> None:
    assert desk.choose(desk.decide()).direction == pb.CHOICE_DIRECTION_SAME
    assert desk.choose(desk.decide(), "INTENSIVE_PERSONAL").direction == pb.CHOICE_DIRECTION_MORE
    assert desk.choose(desk.decide(), **LESS).direction == pb.CHOICE_DIRECTION_LESS


def test_what_the_journal_keeps_is_codes_only_under_the_request_id(desk: Desk) -> None:
    decision, request = desk.decide(), an_id()
    desk.choose(
        decision,
        "BLENDED_OFFICE",
        request_id=request,
        user_view="BLENDED_OFFICE",
        adviser_view="BLENDED_VIDEO",
    )
    (record,) = desk.store.find([uuid.UUID(request).bytes])
    assert json.loads(record.payload or b"") == {
        "decision_id": decision,
        "mix": "BLENDED_OFFICE",
        "wished_by": "BOTH",
        "reason": "",
        "adviser_view": "BLENDED_VIDEO",
        "user_view": "BLENDED_OFFICE",
        "direction": "MORE",
        "corrects": None,
    }


@pytest.mark.parametrize("mix", MIXES[MIXES.index("BLENDED_VIDEO") :])
def test_as_much_personal_contact_as_advised_or_more_never_needs_a_reason(
    desk: Desk, mix: str
) -> None:
    assert not desk.choose(desk.decide(), mix, wished_by=pb.WISHED_BY_ADVISER).below_floor


def test_less_personal_contact_than_advised_needs_a_reason(desk: Desk) -> None:
    decision = desk.decide()
    found = refused(desk, decision, grpc.StatusCode.INVALID_ARGUMENT, mix="SELF_SERVICE")
    assert "SELF_SERVICE is less personal contact than BLENDED_VIDEO" in found["reason"]
    assert desk.choose(decision, "SELF_SERVICE", reason=pb.CHOICE_REASON_OTHER).record_id


@pytest.mark.parametrize("wished_by", [pb.WISHED_BY_ADVISER, pb.WISHED_BY_AGENCY])
def test_only_the_user_may_go_below_the_safeguards(desk: Desk, wished_by: int) -> None:
    decision = desk.decide(lightest="DIALOGUE_AND_PHONE")
    options = {
        "mix": "SELF_SERVICE",
        "reason": pb.CHOICE_REASON_USER_WISHES_LESS,
        "wished_by": wished_by,
    }
    found = refused(desk, decision, grpc.StatusCode.INVALID_ARGUMENT, **options)
    assert "DIALOGUE_AND_PHONE" in found["wished_by"]


@pytest.mark.parametrize("reason", [0, pb.CHOICE_REASON_CAPACITY, pb.CHOICE_REASON_OTHER])
def test_below_the_safeguards_the_reason_must_be_the_users_own(desk: Desk, reason: int) -> None:
    decision = desk.decide(lightest="DIALOGUE_AND_PHONE")
    found = refused(
        desk, decision, grpc.StatusCode.INVALID_ARGUMENT, mix="SELF_SERVICE", reason=reason
    )
    assert "USER_WISHES_LESS" in found["reason"]


def test_a_choice_below_the_safeguards_at_the_users_wish_is_kept_and_counted_apart(
    desk: Desk,
) -> None:
    before = desk.value("router_choices_below_floor_total")
    decision = desk.decide(lightest="DIALOGUE_AND_PHONE")
    answer = desk.choose(decision, "SELF_SERVICE", reason=pb.CHOICE_REASON_USER_WISHES_LESS)
    assert answer.below_floor
    assert desk.value("router_choices_below_floor_total") == before + 1


@pytest.mark.parametrize(
    ("mix", "reason"),
    [
        ("SELF_SERVICE", pb.CHOICE_REASON_USER_WISHES_MORE),
        ("INTENSIVE_PERSONAL", pb.CHOICE_REASON_USER_WISHES_LESS),
        ("INTENSIVE_PERSONAL", pb.CHOICE_REASON_CAPACITY),
    ],
)
def test_a_reason_that_contradicts_the_direction_is_refused_unless_that_would_tell_the_advice(
    desk: Desk, mix: str, reason: int
) -> None:
    options: dict[str, Any] = {"mix": mix, "reason": reason}
    found = refused(desk, desk.decide(), grpc.StatusCode.INVALID_ARGUMENT, **options)
    assert mix in found["reason"]
    assert "BLENDED_VIDEO" in found["reason"]
    for disclosure in ("CONTROL", "AFTER_OWN_VIEW"):
        answer = desk.choose(desk.decide(disclosure=disclosure), **options)
        assert answer.direction == pb.CHOICE_DIRECTION_UNSPECIFIED


def test_the_same_request_again_is_answered_the_same_and_written_once(desk: Desk) -> None:
    decision, request = desk.decide(), an_id()
    first = desk.choose(decision, request_id=request)
    desk.now += 60_000_000
    assert desk.choose(decision, request_id=request) == first
    assert desk.kinds(decision) == ["choice"]


def test_the_same_choice_under_another_request_id_is_answered_with_what_stands(desk: Desk) -> None:
    decision = desk.decide()
    assert desk.choose(decision) == desk.choose(decision)
    assert desk.kinds(decision) == ["choice"]


def test_a_request_id_used_again_for_something_else_is_aborted(desk: Desk) -> None:
    decision, request = desk.decide(), an_id()
    desk.choose(decision, request_id=request)
    for other in (decision, desk.decide()):
        found = refused(
            desk, other, grpc.StatusCode.ABORTED, mix="BLENDED_OFFICE", request_id=request
        )
        assert found == {"why": "REQUEST_ID_USED"}
    assert (
        refused(desk, decision, grpc.StatusCode.ABORTED, request_id=decision)["why"]
        == "REQUEST_ID_USED"
    )


def test_a_second_choice_that_differs_is_aborted_with_what_stands(desk: Desk) -> None:
    decision = desk.decide()
    desk.choose(decision)
    found = refused(desk, decision, grpc.StatusCode.ABORTED, mix="BLENDED_OFFICE")
    # Neither its id nor what it says: whoever recorded it has both.
    assert (found["why"], found["kind"]) == ("CHOICE_RECORDED", "choice")
    assert found.keys() == {"why", "kind", "recorded_at"}


def test_a_correction_is_a_new_record_and_must_name_the_one_that_stands(desk: Desk) -> None:
    decision = desk.decide()
    assert (
        refused(desk, decision, grpc.StatusCode.ABORTED, corrects=an_id())["why"]
        == "NOTHING_TO_CORRECT"
    )
    first = desk.choose(decision).record_id
    second = desk.choose(decision, "BLENDED_OFFICE", corrects=first).record_id
    assert desk.kinds(decision) == ["choice", "choice"]
    found = refused(
        desk, decision, grpc.StatusCode.ABORTED, mix="INTENSIVE_PERSONAL", corrects=first
    )
    assert (found["why"], found["kind"]) == ("CORRECTS_ANOTHER", "choice")
    assert desk.choose(decision, "INTENSIVE_PERSONAL", corrects=second).record_id
    assert desk.choose(decision, request_id=first).record_id == first


def test_a_choice_after_an_outcome_is_aborted_with_the_outcome(desk: Desk) -> None:
    decision = desk.decide()
    with desk.later(DAY):
        desk.came(decision, outcome=0.25)
        found = refused(desk, decision, grpc.StatusCode.ABORTED)
    assert (found["why"], found["kind"]) == ("OUTCOME_RECORDED", "outcome")
    assert found.keys() == {"why", "kind", "recorded_at"}


def test_an_outcome_on_the_day_of_the_advice_keeps_nobody_from_choosing(desk: Desk) -> None:
    decision = desk.decide()
    desk.came(decision, outcome=0.25)
    with desk.later(DAY):
        assert desk.choose(decision).record_id


def test_corrections_of_a_choice_come_to_an_end(desk: Desk) -> None:
    decision = desk.decide()
    stands = desk.choose(decision).record_id
    for at in range(RECORDS_AT_MOST - 1):
        mix = ("BLENDED_OFFICE", "BLENDED_VIDEO")[at % 2]
        stands = desk.choose(decision, mix, corrects=stands).record_id
    mix = "INTENSIVE_PERSONAL"
    ended = grpc.StatusCode.FAILED_PRECONDITION
    assert refused(desk, decision, ended, mix=mix, corrects=stands)["why"] == "TOO_MANY_RECORDS"


@pytest.mark.parametrize("one", ["0", "f", "F"])
def test_a_request_id_that_everyone_has_is_refused(desk: Desk, one: str) -> None:
    request = "-".join(one * length for length in (8, 4, 4, 4, 12))
    found = refused(desk, desk.decide(), grpc.StatusCode.INVALID_ARGUMENT, request_id=request)
    assert "is the same for everyone" in found["request_id"]


def test_a_choice_made_before_the_outcome_is_still_answered_after_it(desk: Desk) -> None:
    decision, request = desk.decide(), an_id()
    first = desk.choose(decision, request_id=request)
    desk.came(decision)
    assert desk.choose(decision, request_id=request) == first


def test_an_unknown_or_erased_decision_is_not_found(desk: Desk) -> None:
    refused(desk, an_id(), grpc.StatusCode.NOT_FOUND)
    erased, chosen = desk.decide(), desk.decide()
    desk.store.erase([uuid.UUID(erased).bytes])
    refused(desk, erased, grpc.StatusCode.NOT_FOUND)
    refused(desk, desk.choose(chosen).record_id, grpc.StatusCode.NOT_FOUND)


def test_nothing_is_recorded_of_a_case_that_people_alone_handle(desk: Desk) -> None:
    decision = desk.decide(None, status="MANUAL_ONLY")
    assert refused(desk, decision, grpc.StatusCode.FAILED_PRECONDITION)["why"] == "MANUAL_ONLY"
    with pytest.raises(grpc.RpcError) as error:
        desk.came(decision)
    assert error.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert not desk.kinds(decision)


def test_every_bad_field_is_named_with_its_problem(desk: Desk) -> None:
    options: dict[str, Any] = {"request_id": "17", "wished_by": 0, "reason": 77, "corrects": "x"}
    found = refused(desk, "", grpc.StatusCode.INVALID_ARGUMENT, **options)
    assert set(found) - {"why"} == {"request_id", "decision_id", "wished_by", "reason", "corrects"}
    options = {"mix": "NONE", "user_view": "A", "adviser_view": "B"}
    found = refused(desk, desk.decide(), grpc.StatusCode.INVALID_ARGUMENT, **options)
    assert set(found) - {"why"} == {"mix_id", "user_view", "adviser_view"}
    assert "SELF_SERVICE" in found["mix_id"]


def test_bytes_that_are_no_request_are_the_callers_error_and_counted(desk: Desk) -> None:
    before = desk.value("router_feedback_refused_total", reason="INVALID")
    with pytest.raises(grpc.RpcError) as error:
        record: Any = desk.channel.unary_unary("/router.v1.Feedback/RecordChoice")
        record(b"\xff\xff", timeout=5)
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert desk.value("router_feedback_refused_total", reason="INVALID") == before + 1


def test_a_choice_whose_content_was_erased_still_stands_and_may_be_corrected(desk: Desk) -> None:
    decision = desk.decide()
    erased = desk.choose(decision).record_id
    desk.store.erase([uuid.UUID(erased).bytes])
    found = refused(desk, decision, grpc.StatusCode.ABORTED)
    assert (found["why"], found["erased"]) == ("CHOICE_RECORDED", "true")
    assert desk.choose(decision, corrects=erased).record_id


def test_choices_are_counted_once_by_direction_reason_and_size_of_office(desk: Desk) -> None:
    def counted() -> tuple[float, ...]:
        same = desk.value(
            "router_choices_total", direction="SAME", reason="NONE", office_band="SMALL"
        )
        less = desk.value(
            "router_choices_total", direction="LESS", reason="CAPACITY", office_band="LARGE"
        )
        return same, less, desk.value("router_corrections_total", kind="choice")

    same, less, corrections = counted()
    small, large, request = (
        desk.decide(office="office-small"),
        desk.decide(office="office-large"),
        an_id(),
    )
    for _ in range(3):
        first = desk.choose(small, request_id=request).record_id
    desk.choose(large, **LESS)
    desk.choose(small, "INTENSIVE_PERSONAL", corrects=first)
    assert counted() == (same + 1, less + 1, corrections + 1)
