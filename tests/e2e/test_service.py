"""The service as a case system meets it: a real process over real gRPC."""

import re
import subprocess

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from router.serving.server import SERVICES
from router.v1 import case_pb2, channel_router_pb2, models_pb2, recommendation_pb2
from tests.builders import KINDS_OF_VIEW, a_case
from tests.e2e.conftest import Server, of_bytes, tool

RECOMMENDED = recommendation_pb2.STATUS_RECOMMENDED
FULL = channel_router_pb2.VIEW_FULL


def ask(server: Server, case: case_pb2.Case, **options: int) -> recommendation_pb2.Recommendation:
    request = channel_router_pb2.RecommendRequest(case=case)
    for name, value in options.items():
        setattr(request, name, value)
    return server.router.Recommend(request, timeout=5).recommendation


def violations(error: grpc.RpcError) -> dict[str, str]:
    metadata = {one.key: one.value for one in error.trailing_metadata() or ()}
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    request = error_details_pb2.BadRequest()
    assert status.details[0].Unpack(request)
    return {violation.field: violation.description for violation in request.field_violations}


def test_a_basic_answer_names_status_mix_identity_and_versions(server: Server) -> None:
    advice = ask(server, a_case())
    assert advice.status == RECOMMENDED
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", advice.decision_id
    )
    assert advice.mix.elements
    assert advice.mix.adviser_minutes > 0
    assert advice.model_version
    assert advice.policy_version
    assert advice.case_ref == "c-1"
    assert "vedtak" in advice.notice
    assert not advice.options


@pytest.mark.parametrize("language", [1, 2, 3])
def test_a_full_answer_adds_options_reasons_and_safeguards_in_the_language_asked_for(
    server: Server, language: int
) -> None:
    advice = ask(server, a_case(health_hindrance="YES"), view=FULL, language=language)
    assert len(advice.options) == 12
    forbidden = [option for option in advice.options if not option.permitted]
    assert {option.forbidden_by for option in forbidden} == {"HEALTH_HINDRANCE"}
    assert [safeguard.name for safeguard in advice.safeguards] == ["HEALTH_HINDRANCE"]
    assert advice.safeguards[0].legal_basis
    assert all(reason.text for reason in advice.reasons)
    assert advice.synthetic_model
    minutes = [element.contacts * element.minutes for element in advice.mix.elements]
    assert sum(minutes) == advice.mix.adviser_minutes


def test_a_reserved_user_gets_nothing_digital(server: Server) -> None:
    for value in ("YES", None):
        mix = ask(server, a_case(digitally_reserved=value)).mix
        assert not mix.digital_demand
        assert mix.digital_share == 0


def test_a_shielded_case_is_manual_only_and_nothing_of_it_is_told_back(server: Server) -> None:
    advice = ask(server, a_case(shielded=True, case_ref="secret-ref"), view=FULL)
    assert advice.status == recommendation_pb2.STATUS_MANUAL_ONLY
    assert not advice.HasField("mix")
    assert not advice.options
    assert not advice.case_ref
    assert [safeguard.name for safeguard in advice.safeguards] == ["SHIELDED"]


def test_bad_fields_are_named_with_problem_and_bound(server: Server) -> None:
    with pytest.raises(grpc.RpcError) as error:
        ask(server, a_case(weeks_registered=-1, case_ref="010170 12345"))
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    found = violations(error.value)
    assert found["case.weeks_registered"] == (
        "-1 is outside the permitted values: 0 to 520 weeks; 520 means this or more"
    )
    assert "national identity" in found["case.case_ref"]
    assert "12345" not in str(found)


@pytest.mark.parametrize("method", ["Recommend", "RecommendBatch"])
@pytest.mark.parametrize("data", [b"\xff\xff\xff", b"\x0a\x05abc"])
def test_bytes_that_are_no_request_are_the_callers_error(
    server: Server, method: str, data: bytes
) -> None:
    call = of_bytes(server.channel, f"/router.v1.ChannelRouter/{method}")
    with pytest.raises(grpc.RpcError) as error:
        call(data, timeout=5)
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("option", KINDS_OF_VIEW)
def test_a_view_or_language_that_is_not_in_the_contract_is_refused(
    server: Server, option: str
) -> None:
    with pytest.raises(grpc.RpcError) as error:
        ask(server, a_case(), **{option: 77})
    assert option in violations(error.value)


def test_a_method_that_does_not_exist_is_unimplemented(server: Server) -> None:
    with pytest.raises(grpc.RpcError) as error:
        of_bytes(server.channel, "/router.v1.ChannelRouter/Guess")(b"", timeout=5)
    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_in_a_batch_a_bad_case_fails_alone_and_the_others_get_the_single_answer(
    server: Server,
) -> None:
    cases = [a_case(case_ref=f"c-{i}", weeks_registered=i) for i in range(250)]
    cases[120] = a_case(weeks_registered=-1)
    request = channel_router_pb2.RecommendBatchRequest(cases=cases, view=FULL)
    results = server.router.RecommendBatch(request, timeout=20).results
    assert [result.index for result in results] == list(range(250))
    assert [result.index for result in results if result.HasField("error")] == [120]
    bad = error_details_pb2.BadRequest()
    assert any(detail.Unpack(bad) for detail in results[120].error.details)
    assert bad.field_violations[0].field == "cases[120].weeks_registered"
    for index in (0, 119, 249):
        one, among = ask(server, cases[index], view=FULL), results[index].recommendation
        for advice in (one, among):
            advice.ClearField("decision_id")
        assert one == among


@pytest.mark.parametrize("count", [0, 1001])
def test_a_batch_holds_1_to_1000_cases(server: Server, count: int) -> None:
    request = channel_router_pb2.RecommendBatchRequest(cases=[case_pb2.Case(shielded=True)] * count)
    with pytest.raises(grpc.RpcError) as error:
        server.router.RecommendBatch(request, timeout=5)
    assert "1 to 1,000" in violations(error.value)["cases"]


def test_a_stream_is_answered_in_order_and_goes_on_after_a_bad_case(server: Server) -> None:
    cases = [a_case(case_ref=f"c-{i}", weeks_registered=-1 if i == 5 else i) for i in range(100)]
    requests = (channel_router_pb2.RecommendStreamRequest(case=case) for case in cases)
    answers = list(server.router.RecommendStream(requests, timeout=20))
    assert [answer.HasField("error") for answer in answers] == [i == 5 for i in range(100)]
    refs = [
        answer.recommendation.case_ref for answer in answers if answer.HasField("recommendation")
    ]
    assert refs == [f"c-{i}" for i in range(100) if i != 5]


def test_an_expired_deadline_is_reported_as_such(server: Server) -> None:
    # Deadlines are rounded up to milliseconds, in which one case may well be answered; a thousand
    # are not.
    request = channel_router_pb2.RecommendBatchRequest(cases=[a_case() for _ in range(1000)])
    with pytest.raises(grpc.RpcError) as error:
        server.router.RecommendBatch(request, timeout=0.000001)
    assert error.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_message_over_the_limit_is_resource_exhausted(server: Server) -> None:
    request = channel_router_pb2.RecommendRequest(case=case_pb2.Case(case_ref="x" * (2 << 20)))
    with pytest.raises(grpc.RpcError) as error:
        server.router.Recommend(request, timeout=5)
    assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("name", ["", "router.v1.ChannelRouter", "router.v1.Models"])
def test_health_serves_liveness_and_one_name_per_service(server: Server, name: str) -> None:
    stub = health_pb2_grpc.HealthStub(server.channel)
    answer = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_health_lists_every_service_as_reflection_says_that_it_can(server: Server) -> None:
    stub = health_pb2_grpc.HealthStub(server.channel)
    listed = stub.List(health_pb2.HealthListRequest(), timeout=5).statuses
    assert set(listed) == {"", *(service.full_name for service in SERVICES)}
    assert {one.status for one in listed.values()} == {health_pb2.HealthCheckResponse.SERVING}


def test_what_the_service_decides_with_is_public(server: Server) -> None:
    model = server.models.GetPromotedModel(models_pb2.GetPromotedModelRequest(), timeout=5).model
    assert model.synthetic
    assert model.promoted
    assert len(model.sha256) == 64
    models = server.models.ListModels(models_pb2.ListModelsRequest(), timeout=5).models
    assert model in models
    features = server.models.ListFeatures(
        models_pb2.ListFeaturesRequest(language=recommendation_pb2.LANGUAGE_EN), timeout=5
    ).features
    assert [f.name for f in features] == [f.name for f in case_pb2.Case.DESCRIPTOR.fields]
    mixes = server.models.ListMixes(models_pb2.ListMixesRequest(), timeout=5).mixes
    minutes = [mix.adviser_minutes for mix in mixes]
    assert minutes == [8, 26, 29, 43, 50, 58, 62, 83, 108, 120, 150, 408]
    safeguards = server.models.ListSafeguards(
        models_pb2.ListSafeguardsRequest(), timeout=5
    ).safeguards
    assert all(safeguard.legal_basis and safeguard.text for safeguard in safeguards)


def test_the_exposition_is_clean_and_counts_real_outcomes(server: Server) -> None:
    ask(server, a_case())
    with pytest.raises(grpc.RpcError):
        ask(server, a_case(weeks_registered=-1))
    text = server.scrape()
    assert 'grpc_code="InvalidArgument",grpc_method="Recommend"' in text
    assert not re.search(r"^\S*_created[{ ]", text, re.MULTILINE)
    lint = subprocess.run(
        [tool("promtool"), "check", "metrics"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (lint.returncode, lint.stdout + lint.stderr) == (0, "")
