"""Recommend, batches and streams as a case system meets them: how a case was read is told."""

import uuid
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from router.serving.paging import next_token
from router.v1 import case_pb2, channel_router_pb2
from router.v1 import recommendation_pb2 as pb
from tests.builders import a_case
from tests.unit.router.serving.service_builder import (
    FULL,
    WITHHOLDS,
    Service,
    a_service,
    status_in,
    violations,
)

VIEWS = [channel_router_pb2.VIEW_BASIC, FULL]
FAR = {
    "weeks_registered": 521,
    "days_waiting_for_agency_reply": 91,
    "days_since_personal_contact": 721,
    "messages_90d": 2**31 - 1,
}
TOP = {
    "weeks_registered": 520,
    "days_waiting_for_agency_reply": 90,
    "days_since_personal_contact": 720,
    "messages_90d": 50,
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with a_service(tmp_path_factory.mktemp("routing"), withholds=WITHHOLDS) as found:
        yield found


def of_the_group(service: Service, disclosure: int) -> case_pb2.Case:
    """Gives a case of the office that withholds, of one of its groups."""
    for number in range(200):
        case = a_case(case_ref=f"c-{number}", office_ref="withholds")
        if service.ask(case).disclosure == disclosure:
            return case
    raise AssertionError("no case of 200 is in the group")


GROUPS = [pb.DISCLOSURE_UNSPECIFIED, pb.DISCLOSURE_AFTER_OWN_VIEW, pb.DISCLOSURE_CONTROL]


@pytest.mark.parametrize("view", VIEWS)
def test_who_is_furthest_behind_is_answered_and_the_answer_names_the_fields(
    service: Service, view: channel_router_pb2.View
) -> None:
    far, top = (service.ask(a_case(**values), view=view) for values in (FAR, TOP))
    assert sorted(far.top_coded_fields) == sorted(FAR)
    assert not top.top_coded_fields
    for answer in (far, top):
        answer.ClearField("decision_id")
        answer.ClearField("top_coded_fields")
    assert far == top


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("view", VIEWS)
def test_withheld_or_not_an_answer_tells_whether_its_model_is_synthetic_and_how_it_was_read(
    service: Service, view: channel_router_pb2.View, group: int
) -> None:
    case = of_the_group(service, group)
    case.days_waiting_for_agency_reply = 91
    answer = service.ask(case, view=view)
    assert answer.disclosure == group
    assert answer.HasField("synthetic_model")
    assert answer.synthetic_model
    assert answer.top_coded_fields == ["days_waiting_for_agency_reply"]
    assert not answer.office_unknown


@pytest.mark.parametrize("view", VIEWS)
def test_of_a_case_that_no_model_judged_it_is_not_told_that_the_model_is_real(
    service: Service, view: channel_router_pb2.View
) -> None:
    answer = service.ask(case_pb2.Case(shielded=True, messages_90d=51), view=view)
    assert answer.status == pb.STATUS_MANUAL_ONLY
    assert not answer.HasField("synthetic_model")
    assert not answer.top_coded_fields


def test_an_office_without_a_policy_is_said_and_counted_but_not_named(service: Service) -> None:
    before = service.value("router_unknown_office_total")
    assert service.ask(a_case(office_ref="office-1")).office_unknown
    batch = channel_router_pb2.RecommendBatchRequest(
        cases=[a_case(office_ref=office) for office in ("", "office-01", "office-1", "office-1")]
    )
    results = service.router.RecommendBatch(batch, timeout=10).results
    assert [one.recommendation.office_unknown for one in results] == [False, False, True, True]
    assert service.value("router_unknown_office_total") == before + 3


def test_of_a_shielded_case_its_office_is_not_told(service: Service) -> None:
    before = service.value("router_unknown_office_total")
    assert not service.ask(case_pb2.Case(shielded=True, office_ref="nowhere")).office_unknown
    assert service.value("router_unknown_office_total") == before


@pytest.mark.parametrize("case", [None, case_pb2.Case()], ids=["absent", "empty"])
def test_a_call_without_a_case_is_refused_and_told_how_a_shielded_one_is_sent(
    service: Service, case: case_pb2.Case | None
) -> None:
    with pytest.raises(grpc.RpcError) as error:
        service.router.Recommend(channel_router_pb2.RecommendRequest(case=case), timeout=10)
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    told = violations(status_in(error.value))["case"]
    assert told.startswith("is missing or empty; a shielded case is sent as shielded = true")


def test_in_a_batch_and_on_a_stream_an_empty_case_fails_alone(service: Service) -> None:
    cases = [a_case(), case_pb2.Case(), case_pb2.Case(shielded=True)]
    batch = channel_router_pb2.RecommendBatchRequest(cases=cases)
    results = service.router.RecommendBatch(batch, timeout=10).results
    assert [one.WhichOneof("result") for one in results] == [
        "recommendation",
        "error",
        "recommendation",
    ]
    assert "is missing or empty" in violations(results[1].error)["cases[1]"]

    requests = (channel_router_pb2.RecommendStreamRequest(case=case) for case in cases)
    answers = list(service.router.RecommendStream(requests, timeout=10))
    assert [one.HasField("error") for one in answers] == [False, True, False]
    assert "is missing or empty" in violations(answers[1].error)["case"]


def test_on_a_stream_a_view_or_language_that_is_not_in_the_contract_fails_alone(
    service: Service,
) -> None:
    options: list[dict[str, Any]] = [{}, {"view": 77}, {"language": 77}, {}]
    requests = [channel_router_pb2.RecommendStreamRequest(case=a_case(), **one) for one in options]
    answers = list(service.router.RecommendStream(iter(requests), timeout=10))
    assert [one.HasField("error") for one in answers] == [False, True, True, False]
    assert "77 is not one of" in violations(answers[1].error)["view"]
    assert "77 is not one of" in violations(answers[2].error)["language"]


@pytest.mark.parametrize("language", [1, 2, 3])
def test_a_bad_case_is_told_to_people_in_the_language_asked_for_alone_and_among_others(
    service: Service, language: int
) -> None:
    case = a_case(weeks_registered=-1)
    options: dict[str, Any] = {"language": language}
    request = channel_router_pb2.RecommendRequest(case=case, **options)
    with pytest.raises(grpc.RpcError) as error:
        service.router.Recommend(request, timeout=10)
    batch = channel_router_pb2.RecommendBatchRequest(cases=[case], **options)
    stream = channel_router_pb2.RecommendStreamRequest(case=case, **options)
    (among,) = service.router.RecommendBatch(batch, timeout=10).results
    (on_stream,) = service.router.RecommendStream(iter([stream]), timeout=10)
    told = {localized(status) for status in (status_in(error.value), among.error, on_stream.error)}
    (one,) = told
    assert one[0] == ["", "nb", "nn", "en"][language]
    assert one[1].endswith(("520 eller mer.", "520 eller meir.", "520 or more."))


def localized(status: status_pb2.Status) -> tuple[str, str]:
    bad = error_details_pb2.BadRequest()
    assert status.details[0].Unpack(bad)
    message = bad.field_violations[0].localized_message
    return message.locale, message.message


@pytest.mark.parametrize("group", GROUPS[1:])
def test_no_metric_tells_the_mix_that_an_answer_withheld(service: Service, group: int) -> None:
    case = of_the_group(service, group)
    service.ask(case)
    before = samples(service)
    service.ask(case)
    changed = {name for name, value in samples(service).items() if before.get(name) != value}
    assert not {name for name in changed if "mix=" in name and "none" not in name}
    assert not {name for name in changed if name.startswith(("router_expected", "router_margin"))}
    assert any("WITHHELD" in name for name in changed)


def samples(service: Service) -> dict[str, float]:
    return {
        f"{sample.name} {' '.join(f'{key}={value}' for key, value in sample.labels.items())}": (
            sample.value
        )
        for family in service.registry.collect()
        for sample in family.samples
    }


@pytest.mark.parametrize("position", ["x", "-1", "1", "0" * 32])
def test_a_page_token_that_somebody_made_is_refused(service: Service, position: str) -> None:
    token = next_token("ListRecommendations", {"case_ref": "c-1"}, position)
    request = channel_router_pb2.ListRecommendationsRequest(case_ref="c-1", page_token=token)
    with pytest.raises(grpc.RpcError) as error:
        service.router.ListRecommendations(request, timeout=10)
    assert "page_token" in violations(status_in(error.value))


def recorded(service: Service, decision_id: str) -> channel_router_pb2.RecordedRecommendation:
    request = channel_router_pb2.GetRecommendationRequest(decision_id=decision_id)
    return service.router.GetRecommendation(request, timeout=10).recommendation


def decisions_of(service: Service, case_ref: str) -> list[str]:
    request = channel_router_pb2.ListRecommendationsRequest(case_ref=case_ref)
    found = service.router.ListRecommendations(request, timeout=10).recommendations
    return [one.recommendation.decision_id for one in found]


def test_an_id_of_two_cases_of_a_batch_is_decided_for_the_first_whatever_their_offices(
    service: Service,
) -> None:
    other, first, second = (
        a_case(case_ref=str(uuid.uuid4()), office_ref=office)
        for office in ("office-01", "", "office-01")
    )
    ids = [str(uuid.uuid4()), *[str(uuid.uuid4())] * 2]
    request = channel_router_pb2.RecommendBatchRequest(
        cases=[other, first, second], request_ids=ids
    )
    results = service.router.RecommendBatch(request, timeout=10).results
    assert [one.HasField("error") for one in results] == [False, False, True]
    answer = results[1].recommendation
    assert answer.case_ref == first.case_ref
    assert recorded(service, answer.decision_id).office_ref == first.office_ref
    assert decisions_of(service, first.case_ref) == [answer.decision_id]
    assert decisions_of(service, second.case_ref) == []


def test_an_id_used_for_another_case_reveals_nothing_of_its_advice(service: Service) -> None:
    shown = of_the_group(service, pb.DISCLOSURE_UNSPECIFIED)
    withheld = of_the_group(service, pb.DISCLOSURE_AFTER_OWN_VIEW)
    identity = str(uuid.uuid4())
    answer = service.ask(shown, request_id=identity)
    kept = len(service.store.about(uuid.UUID(answer.decision_id).bytes))
    with pytest.raises(grpc.RpcError) as error:
        service.ask(withheld, request_id=identity)
    assert error.value.code() == grpc.StatusCode.ABORTED
    assert recorded(service, answer.decision_id).recommendation == answer
    assert len(service.store.about(uuid.UUID(answer.decision_id).bytes)) == kept


@pytest.mark.parametrize("office", ["", "office-01", "office-1"])
@pytest.mark.parametrize("identity", ["", "new"])
def test_read_back_too_it_is_told_whether_the_office_was_unknown(
    service: Service, office: str, identity: str
) -> None:
    asked = identity and str(uuid.uuid4())
    answer = service.ask(a_case(office_ref=office), request_id=asked)
    read = recorded(service, answer.decision_id)
    assert read.as_answered == bool(asked)
    assert read.recommendation.office_unknown == answer.office_unknown == (office == "office-1")
