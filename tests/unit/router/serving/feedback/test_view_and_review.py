"""Own views before withheld advice, the control group, and reviews."""

import json
import uuid
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from router.v1 import feedback_pb2 as pb
from tests.unit.router.serving.feedback.feedback_builder import Desk, a_desk, an_id, details


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with a_desk(tmp_path_factory.mktemp("views") / "journal.db") as found:
        yield found


def view(
    desk: Desk, decision: str, mix: str = "BLENDED_OFFICE", request: str = ""
) -> pb.RecordOwnViewResponse:
    asked = pb.RecordOwnViewRequest(request_id=request or an_id(), decision_id=decision, mix_id=mix)
    return desk.feedback.RecordOwnView(asked, timeout=5)


def ask(
    desk: Desk, decision: str, reason: int = pb.REVIEW_REASON_FACTS_WRONG, request: str = ""
) -> pb.Review:
    asked = pb.RequestReviewRequest(
        request_id=request or an_id(),
        decision_id=decision,
        asked_by=pb.ASKED_BY_USER,
        reason=reason,  # type: ignore[arg-type] # a number that may be none of the contract's
    )
    return desk.feedback.RequestReview(asked, timeout=5).review


def answer(
    desk: Desk,
    review: str,
    result: int = pb.REVIEW_RESULT_UPHELD,
    request: str = "",
    corrects: str = "",
) -> pb.AnswerReviewResponse:
    asked = pb.AnswerReviewRequest(
        request_id=request or an_id(),
        review_id=review,
        result=result,  # type: ignore[arg-type] # a number that may be none of the contract's
        corrects=corrects,
    )
    return desk.feedback.AnswerReview(asked, timeout=5)


def listed(desk: Desk, size: int = 0, token: str = "") -> pb.ListReviewsResponse:
    return desk.feedback.ListReviews(
        pb.ListReviewsRequest(page_size=size, page_token=token), timeout=5
    )


def why(code: grpc.StatusCode, call: Callable[..., object], *words: object) -> dict[str, str]:
    with pytest.raises(grpc.RpcError) as error:
        call(*words)
    assert error.value.code() == code, error.value.details()
    return details(error.value)


def test_an_own_view_reveals_the_advice_and_does_so_again(desk: Desk) -> None:
    decision = desk.decide(disclosure="AFTER_OWN_VIEW")
    advice = view(desk, decision)
    assert (advice.recommendation.decision_id, advice.recommendation.notice) == (decision, "advice")
    assert view(desk, decision) == advice
    assert desk.kinds(decision) == ["withheld", "view"]


def test_an_own_view_cannot_be_changed_once_the_advice_is_known(desk: Desk) -> None:
    decision = desk.decide(disclosure="AFTER_OWN_VIEW")
    view(desk, decision, "BLENDED_OFFICE")
    found = why(grpc.StatusCode.ABORTED, view, desk, decision, "SELF_SERVICE")
    assert (found["why"], found["kind"]) == ("VIEW_RECORDED", "view")


@pytest.mark.parametrize(
    ("disclosure", "reason"), [("SHOWN", "ADVICE_SHOWN"), ("CONTROL", "CONTROL_GROUP")]
)
def test_nothing_is_revealed_that_was_shown_or_is_never_given(
    desk: Desk, disclosure: str, reason: str
) -> None:
    decision = desk.decide(disclosure=disclosure)
    assert why(grpc.StatusCode.FAILED_PRECONDITION, view, desk, decision)["why"] == reason
    assert not desk.kinds(decision)


def test_an_own_view_must_come_before_the_choice(desk: Desk) -> None:
    decision = desk.decide(disclosure="AFTER_OWN_VIEW")
    desk.choose(decision)
    assert (
        why(grpc.StatusCode.FAILED_PRECONDITION, view, desk, decision)["why"] == "CHOICE_RECORDED"
    )


def test_an_own_view_is_a_mix_of_the_decision(desk: Desk) -> None:
    decision = desk.decide(disclosure="AFTER_OWN_VIEW")
    assert (
        "SELF_SERVICE"
        in why(grpc.StatusCode.INVALID_ARGUMENT, view, desk, decision, "SOMETHING")["mix_id"]
    )


def test_advice_that_was_erased_is_not_revealed(desk: Desk) -> None:
    decision = desk.decide(disclosure="AFTER_OWN_VIEW")
    desk.store.erase([record.id for record in desk.store.about(uuid.UUID(decision).bytes)])
    why(grpc.StatusCode.NOT_FOUND, view, desk, decision)


def test_the_choice_after_an_own_view_keeps_that_view(desk: Desk) -> None:
    decision = desk.decide(disclosure="AFTER_OWN_VIEW")
    view(desk, decision, "BLENDED_OFFICE")
    with pytest.raises(grpc.RpcError) as error:
        desk.choose(decision, adviser_view="SELF_SERVICE")
    assert "BLENDED_OFFICE" in details(error.value)["adviser_view"]
    assert desk.choose(decision).direction == pb.CHOICE_DIRECTION_SAME
    record = desk.store.about(uuid.UUID(decision).bytes)[-1]
    assert json.loads(record.payload or b"")["adviser_view"] == "BLENDED_OFFICE"


@pytest.mark.parametrize("disclosure", ["CONTROL", "AFTER_OWN_VIEW"])
def test_who_has_not_seen_the_advice_needs_no_reason_and_is_not_told_it(
    desk: Desk, disclosure: str
) -> None:
    labels = {"direction": "NOT_ADVISED", "reason": "NONE", "office_band": "NATIONAL"}
    before = desk.value("router_choices_total", **labels)
    answered = desk.choose(desk.decide(disclosure=disclosure), "SELF_SERVICE")
    assert answered.direction == pb.CHOICE_DIRECTION_UNSPECIFIED
    assert desk.value("router_choices_total", **labels) == before + 1


def test_the_safeguards_hold_in_the_control_group_too(desk: Desk) -> None:
    decision = desk.decide(disclosure="CONTROL", lightest="DIALOGUE_AND_PHONE")
    with pytest.raises(grpc.RpcError) as error:
        desk.choose(decision, "SELF_SERVICE", wished_by=pb.WISHED_BY_ADVISER)
    assert "DIALOGUE_AND_PHONE" in details(error.value)["wished_by"]
    assert "BLENDED_VIDEO" not in (error.value.details() or "")


def test_a_review_is_listed_until_it_is_answered_once(desk: Desk) -> None:
    review = ask(desk, desk.decide())
    assert review in listed(desk, 200).reviews
    first = answer(desk, review.review_id)
    assert review not in listed(desk, 200).reviews
    assert answer(desk, review.review_id) == first
    found = why(grpc.StatusCode.ABORTED, answer, desk, review.review_id, pb.REVIEW_RESULT_CHANGED)
    assert (found["why"], found["kind"]) == ("ANSWER_RECORDED", "answer")
    assert first.record_id not in str(found)


def test_a_wrong_answer_to_a_review_is_corrected_by_who_has_its_id(desk: Desk) -> None:
    review = ask(desk, desk.decide()).review_id
    first = answer(desk, review).record_id
    changed = pb.REVIEW_RESULT_CHANGED
    second = answer(desk, review, changed, corrects=first).record_id
    asked = pb.GetReviewRequest(review_id=review)
    assert desk.feedback.GetReview(asked, timeout=5).review.result == changed
    assert review not in {one.review_id for one in listed(desk, 200).reviews}
    found = why(
        grpc.StatusCode.ABORTED, answer, desk, review, pb.REVIEW_RESULT_WITHDRAWN, "", first
    )
    assert found["why"] == "CORRECTS_ANOTHER"
    assert answer(desk, review, pb.REVIEW_RESULT_UPHELD, corrects=second).record_id


def test_asking_again_while_a_review_is_open_gives_the_open_one_and_afterwards_a_new_one(
    desk: Desk,
) -> None:
    decision = desk.decide()
    review = ask(desk, decision)
    assert ask(desk, decision) == review
    assert ask(desk, decision, pb.REVIEW_REASON_NOT_EXPLAINED) != review
    answer(desk, review.review_id)
    assert ask(desk, decision).review_id != review.review_id
    assert ask(desk, decision, request=review.review_id) == review


def test_a_review_may_be_asked_for_where_people_alone_handle_the_case(desk: Desk) -> None:
    assert ask(desk, desk.decide(None, status="MANUAL_ONLY")).review_id


def test_an_unknown_or_erased_review_is_not_found(desk: Desk) -> None:
    decision = desk.decide()
    why(grpc.StatusCode.NOT_FOUND, answer, desk, an_id())
    why(grpc.StatusCode.NOT_FOUND, answer, desk, decision)
    review = ask(desk, decision)
    desk.store.erase([uuid.UUID(review.review_id).bytes])
    why(grpc.StatusCode.NOT_FOUND, answer, desk, review.review_id)
    assert review not in listed(desk, 200).reviews


def test_a_review_whose_decision_was_erased_waits_for_nobody(tmp_path: Path) -> None:
    with a_desk(tmp_path / "journal.db") as desk, a_desk(tmp_path / "journal.db") as later:
        decisions = [desk.decide(), desk.decide()]
        reviews = [ask(desk, decision).review_id for decision in decisions]
        # By age: the decision is older than what was said of it.
        desk.store.erase([uuid.UUID(decisions[0]).bytes])
        why(grpc.StatusCode.NOT_FOUND, answer, desk, reviews[0])
        for server in (desk, later):
            page = listed(server)
            assert [one.review_id for one in page.reviews] == reviews[1:]
            assert (page.open, server.value("router_reviews_open")) == (1, 1)


def test_a_page_is_full_though_reviews_on_it_were_erased(tmp_path: Path) -> None:
    with a_desk(tmp_path / "journal.db") as desk:
        reviews = [ask(desk, desk.decide()).review_id for _ in range(6)]
        assert listed(desk, 2).open == 6
        # Where one on the page was erased, those behind it are not counted either.
        gone = [*reviews[:3], reviews[5]]
        desk.store.erase([uuid.UUID(review).bytes for review in gone])
        page = listed(desk, 2)
        assert [one.review_id for one in page.reviews] == reviews[3:5]
        assert (page.open, page.next_page_token) == (2, "")
        assert desk.value("router_reviews_open") == 2


def test_what_is_left_of_an_erased_review_tells_neither_who_asked_nor_why(desk: Desk) -> None:
    decisions = [desk.decide(), desk.decide()]
    reviews = [ask(desk, decision).review_id for decision in decisions]
    about = [uuid.UUID(decision).bytes for decision in decisions]
    desk.store.erase([*about, *(uuid.UUID(review).bytes for review in reviews)])
    (one,), (other,) = (desk.store.about(decision) for decision in about)
    assert one.payload is None
    assert not any(word in str(one) for word in ("USER", "FACTS_WRONG"))
    # Nor can it be told by comparing: the same review leaves something else of another decision.
    assert one.claim != other.claim


def test_of_equal_reviews_on_two_servers_one_is_written_and_another_one_beside_it(
    tmp_path: Path,
) -> None:
    with a_desk(tmp_path / "journal.db") as one, a_desk(tmp_path / "journal.db") as other:
        decision = one.decide()
        reasons = [pb.REVIEW_REASON_FACTS_WRONG, pb.REVIEW_REASON_NOT_EXPLAINED]
        with ThreadPoolExecutor(8) as pool:
            calls = [
                (reason, pool.submit(ask, server, decision, reason))
                for server in (one, other) * 2
                for reason in reasons
            ]
            told = {(reason, call.result().review_id) for reason, call in calls}
        assert len(told) == len(reasons)
        assert one.kinds(decision) == ["review", "review"]


def test_open_reviews_come_oldest_first_in_pages_whichever_server_wrote_them(
    tmp_path: Path,
) -> None:
    with a_desk(tmp_path / "journal.db") as one, a_desk(tmp_path / "journal.db") as other:
        asked = [ask((one, other)[number % 2], one.decide()) for number in range(7)]
        answer(other, asked[2].review_id)
        del asked[2]
        found: list[pb.Review] = []
        token = ""
        while not found or token:
            page = listed(one, 4, token)
            assert page.open == 6
            found += page.reviews
            token = page.next_page_token
            # It tells of the last one that is shown, and not how many records others have.
            shown = uuid.UUID(page.reviews[-1].review_id).bytes.hex()
            assert not token or urlsafe_b64decode(token + "==")[9:].decode() == shown
        assert found == asked
        other.now = one.now + 86_400_000_000
        listed(other)
        assert other.value("router_reviews_open") == 6
        assert other.value("router_reviews_oldest_seconds") == 86_400


def test_a_server_that_looks_often_lists_what_one_that_looks_once_does(tmp_path: Path) -> None:
    with a_desk(tmp_path / "journal.db") as often, a_desk(tmp_path / "journal.db") as once:
        asked: list[str] = []
        for number in range(6):
            decision = once.decide(office="other" if number % 2 else "")
            asked.append(ask(once, decision).review_id)
            listed(often)
            if number % 3 == 0:
                answer(once, asked.pop())
                asked.append(ask(once, decision).review_id)
                listed(often)
        assert listed(often) == listed(once)
        assert len(listed(once).reviews) == len(asked)


@pytest.mark.parametrize(
    ("size", "token", "field"),
    [(-1, "", "page_size"), (1, "x", "page_token")],
)
def test_a_page_that_cannot_be_is_refused(desk: Desk, size: int, token: str, field: str) -> None:
    assert field in why(grpc.StatusCode.INVALID_ARGUMENT, listed, desk, size, token)


def test_who_asks_and_why_must_be_said(desk: Desk) -> None:
    with pytest.raises(grpc.RpcError) as error:
        desk.feedback.RequestReview(
            pb.RequestReviewRequest(request_id=an_id(), decision_id=an_id()), timeout=5
        )
    assert set(details(error.value)) - {"why"} == {"asked_by", "reason"}
    with pytest.raises(grpc.RpcError) as error:
        desk.feedback.AnswerReview(
            pb.AnswerReviewRequest(request_id=an_id(), review_id=an_id()), timeout=5
        )
    assert set(details(error.value)) - {"why"} == {"result"}
