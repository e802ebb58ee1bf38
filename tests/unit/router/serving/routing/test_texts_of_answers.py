"""What a user and an adviser read of an answer, over real gRPC."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from router.v1 import channel_router_pb2
from router.v1 import recommendation_pb2 as pb
from tests.builders import a_case, a_catalogue
from tests.unit.router.serving.service_builder import Service, a_service

FULL = channel_router_pb2.VIEW_FULL
LANGUAGES = (pb.LANGUAGE_NB, pb.LANGUAGE_NN, pb.LANGUAGE_EN)
READERS = (pb.READER_USER, pb.READER_ADVISER)
SITUATIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "signs": {"language_support": "SIGN_INTERPRETER", "can_use_phone": "NO"},
    "opted out": {"digitally_reserved": "YES"},
    "signs, opted out": {
        "language_support": "SIGN_INTERPRETER",
        "can_use_phone": "NO",
        "digitally_reserved": "YES",
    },
    "new job": {"job_situation": "NEW_JOB"},
    "contradiction": {"goal_by_user": "YES", "plan_has_goal": "NO"},
    "health": {"health_hindrance": "YES", "need_group": "SMALL_OPPORTUNITY"},
    "far, wishes a meeting": {
        "travel_minutes_band": "OVER_60",
        "channel_preference": "PREFERS_MEETING",
    },
    "little known": {"age_band": None, "education_level": None, "has_eid": None},
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with a_service(tmp_path_factory.mktemp("texts")) as found:
        yield found


def asked(
    service: Service, reader: int, language: int = pb.LANGUAGE_EN, **facts: Any
) -> pb.Recommendation:
    return service.ask(a_case(**facts), view=FULL, language=language, reader=reader)


@pytest.mark.parametrize("name", SITUATIONS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reader", READERS)
def test_every_answer_says_test_what_happens_and_that_it_is_advice_each_sentence_once(
    service: Service, name: str, language: int, reader: int
) -> None:
    answer = asked(service, reader, language, **SITUATIONS[name])
    assert answer.synthetic_model
    assert answer.text.startswith("TEST")
    assert answer.plan.startswith("TEST")
    paragraphs = answer.text.split("\n\n")
    assert paragraphs[-1] in answer.notice or answer.notice in answer.text
    for doubt in answer.doubt_texts:
        assert doubt in answer.text
    sentences = [one for one in answer.text.replace("\n\n", " ").split(". ") if one]
    assert len(sentences) == len(set(sentences))


def test_without_a_mix_the_answer_says_so_and_does_not_call_itself_advice(service: Service) -> None:
    for reader in READERS:
        answer = asked(service, reader, shielded="YES")
        assert not answer.mix.id
        assert "gives no advice in this case" in answer.text
        assert "This is advice" not in answer.text
        assert "within five days" in answer.text


def test_nothing_tells_a_user_that_a_case_is_protected(service: Service) -> None:
    answer = asked(service, pb.READER_USER, shielded="YES")
    assert not answer.reasons
    assert "protected" not in answer.text.lower()
    assert "protected" in asked(service, pb.READER_ADVISER, shielded="YES").text.lower()


@pytest.mark.parametrize("name", ["signs", "signs, opted out"])
def test_who_cannot_use_the_phone_is_neither_called_nor_told_to_call(
    service: Service, name: str
) -> None:
    answer = asked(service, pb.READER_USER, **SITUATIONS[name])
    assert pb.CHANNEL_PHONE not in [one.channel for one in answer.mix.elements]
    assert "call you" not in answer.text
    assert "call us" not in answer.text
    assert "00 00 00 00" not in answer.text.replace("\u00a0", " ")


def test_what_takes_the_place_of_a_call_is_told_and_takes_its_minutes(service: Service) -> None:
    signs = asked(service, pb.READER_USER, **SITUATIONS["signs, opted out"])
    mixes = {mix.id: mix.adviser_minutes for mix in a_catalogue().mixes}
    assert signs.mix.id == "INTENSIVE_PERSONAL"
    assert signs.mix.adviser_minutes == mixes["INTENSIVE_PERSONAL"]
    replaced = [one for one in signs.mix.elements if one.in_place_of]
    assert [one.in_place_of for one in replaced] == [pb.CHANNEL_PHONE]
    assert [one.channel for one in replaced] == [pb.CHANNEL_OFFICE_MEETING]


def test_where_a_person_must_look_first_that_comes_first(service: Service) -> None:
    answer = asked(service, pb.READER_USER, **SITUATIONS["contradiction"])
    assert answer.status == pb.STATUS_NEEDS_ASSESSMENT
    assert list(answer.doubts) == [pb.DOUBT_CONTRADICTION]
    [contradiction] = answer.contradictions
    assert set(contradiction.fields) == {"goal_by_user", "plan_has_goal"}
    assert contradiction.text in answer.text
    assert answer.plan.index("Your adviser will contact you") < answer.plan.index("Over the next")


def test_what_contradicts_itself_in_one_way_is_told_once_with_all_its_fields(
    service: Service,
) -> None:
    talks = {"phone_talks_90d": 1, "video_talks_90d": 2, "office_talks_90d": 0}
    answer = asked(service, pb.READER_USER, days_since_personal_contact=400, **talks)
    told = {frozenset(one.fields): one.text for one in answer.contradictions}
    [text] = [text for fields, text in told.items() if "phone_talks_90d" in fields]
    fields = frozenset({"phone_talks_90d", "video_talks_90d", "days_since_personal_contact"})
    assert told[fields] == text
    assert answer.text.count(text.split(". ")[0]) == 1


def test_what_rests_on_facts_that_contradict_each_other_is_said_to_be_as_the_case_stands(
    service: Service,
) -> None:
    gap = {"weeks_registered": 80, "days_since_personal_contact": 400}
    none = {"phone_talks_90d": 0, "video_talks_90d": 0, "office_talks_90d": 0}
    one = {**none, "phone_talks_90d": 1}
    certain = asked(service, pb.READER_USER, **gap, **none)
    assert "It is a long time since" in certain.text
    assert "as it stands now" not in certain.text

    unsure = asked(service, pb.READER_USER, **gap, **one)
    before, after = unsure.text.split("What follows is from your case as it stands now.")
    assert unsure.contradictions[0].text in before
    assert "It is a long time since" in after
    told = asked(service, pb.READER_ADVISER, **gap, **one)
    assert "What follows is from the case as it stands now." in told.text


def test_a_user_reads_nothing_of_health_and_need_and_an_adviser_reads_it_with_the_law(
    service: Service,
) -> None:
    user = asked(service, pb.READER_USER, **SITUATIONS["health"])
    adviser = asked(service, pb.READER_ADVISER, **SITUATIONS["health"])
    hidden = {"SAFEGUARD.HEALTH_HINDRANCE", "SAFEGUARD.NEED_GROUP"}
    assert not hidden & {one.code for one in user.reasons}
    assert "health" not in user.text.lower()
    assert hidden <= {one.code for one in adviser.reasons}
    assert "Legal basis: " in adviser.text
    assert "Legal basis: " not in user.text


def test_what_was_too_far_and_is_wished_for_is_no_reason(service: Service) -> None:
    answer = asked(service, pb.READER_USER, **SITUATIONS["far, wishes a meeting"])
    assert pb.CHANNEL_OFFICE_MEETING in [one.channel for one in answer.mix.elements]
    assert "hour" not in answer.text


def test_without_a_reader_the_user_reads_and_another_number_is_refused(service: Service) -> None:
    def text(reader: int) -> str:
        return asked(service, reader).text

    assert text(pb.READER_UNSPECIFIED) == text(pb.READER_USER) != text(pb.READER_ADVISER)
    with pytest.raises(grpc.RpcError, match="reader: 7 is not one of READER_UNSPECIFIED"):
        asked(service, 7)


@pytest.mark.parametrize("view", [channel_router_pb2.VIEW_BASIC, FULL])
def test_a_plan_is_told_in_every_view(service: Service, view: int) -> None:
    answer = service.ask(a_case(), view=view, language=pb.LANGUAGE_NB)
    assert "De neste tolv ukene" in answer.plan
    assert bool(answer.text) == (view == FULL)
