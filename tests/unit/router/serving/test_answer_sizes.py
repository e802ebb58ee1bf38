"""No legal request is answered with more than a client takes that was told nothing: 4 MiB."""

import random
import uuid
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from router.cases.features import FEATURES
from router.journal.recommendation import MOST_MIXES
from router.serving.paging import PAGE_AT_MOST
from router.serving.routing.service import CASES_AT_MOST, FULL_AT_MOST
from router.serving.server import _OPTIONS
from router.serving.small_details import STATUS_AT_MOST
from router.v1 import case_pb2, channel_router_pb2, models_pb2
from tests.builders import a_case
from tests.unit.router.serving.service_builder import (
    FULL,
    Service,
    a_plan_of,
    a_service,
    status_in,
    violations,
)

CLIENTS_TAKE = 4 << 20
BASIC = channel_router_pb2.VIEW_BASIC
# As long as a reference may be, each letter of two bytes.
WIDE = "ø" * 61
VIEWS = [(BASIC, CASES_AT_MOST), (FULL, FULL_AT_MOST)]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with a_service(tmp_path_factory.mktemp("sizes")) as found:
        yield found


def a_long_case(number: int, unknown: float) -> case_pb2.Case:
    """Gives a case with much to tell of: high numbers, rare values, fields that are not known."""
    chance = random.Random(number)
    changes: dict[str, Any] = {}
    for feature in FEATURES.features:
        if feature.name == "shielded":
            continue
        known = feature.values or (feature.lower, feature.upper)
        value = chance.choice(known)
        if feature.top_coded and chance.random() < 0.5:
            value = 2**31 - 1
        changes[feature.name] = None if chance.random() < unknown else value
    return a_case(case_ref=f"{WIDE}{number:03}"[:64], office_ref=f"{WIDE}xyz", **changes)


def a_request(
    cases: list[case_pb2.Case], view: channel_router_pb2.View.ValueType, language: int
) -> channel_router_pb2.RecommendBatchRequest:
    request = channel_router_pb2.RecommendBatchRequest(cases=cases, view=view)
    request.language = language  # type: ignore[assignment] # any of the contract's
    return request


def answered(
    service: Service,
    cases: list[case_pb2.Case],
    view: channel_router_pb2.View.ValueType,
    language: int,
) -> channel_router_pb2.RecommendBatchResponse:
    request = a_request(cases, view, language)
    return service.router.RecommendBatch(request, timeout=60)


@pytest.mark.parametrize("language", [1, 2, 3])
@pytest.mark.parametrize(("view", "most"), VIEWS)
def test_the_largest_batch_in_any_language_takes_less_than_two_thirds_of_what_clients_take(
    service: Service, view: channel_router_pb2.View.ValueType, most: int, language: int
) -> None:
    largest = 0
    for unknown in (0.0, 0.3, 0.9, 1.0):
        cases = [a_long_case(number, unknown) for number in range(50)]
        results = answered(service, cases, view, language).results
        assert all(one.HasField("recommendation") for one in results)
        largest = max(largest, *(one.ByteSize() for one in results))
    assert largest * most < CLIENTS_TAKE * 2 / 3


def test_the_largest_batch_that_is_permitted_fits_into_half_a_message() -> None:
    cases = [a_long_case(number, 0.0) for number in range(CASES_AT_MOST)]
    request = a_request(cases, BASIC, 3)
    request.request_ids.extend(str(uuid.UUID(int=number)) for number in range(CASES_AT_MOST))
    assert request.ByteSize() < dict(_OPTIONS)["grpc.max_receive_message_length"] / 2


def test_a_batch_of_a_thousand_cases_that_are_all_bad_in_every_field_arrives(
    service: Service,
) -> None:
    bad = a_case(**{feature.name: -1 for feature in FEATURES.features if not feature.values})
    for feature in FEATURES.features:
        if feature.values and feature.name != "shielded":
            setattr(bad, feature.name, 99)
    bad.case_ref = "x" * 100
    answer = answered(service, [bad] * CASES_AT_MOST, BASIC, 2)
    assert len(answer.results) == CASES_AT_MOST
    assert all(one.error.ByteSize() <= STATUS_AT_MOST for one in answer.results)
    assert answer.ByteSize() < CLIENTS_TAKE * 3 / 4


@pytest.mark.parametrize(("view", "most"), VIEWS)
def test_a_batch_has_a_bound_for_its_view(
    service: Service, view: channel_router_pb2.View.ValueType, most: int
) -> None:
    shielded = case_pb2.Case(shielded=True)
    assert len(answered(service, [shielded] * most, view, 0).results) == most
    for count in (0, most + 1):
        with pytest.raises(grpc.RpcError) as error:
            answered(service, [shielded] * count, view, 0)
        told = violations(status_in(error.value))["cases"]
        assert told.startswith(f"has {count:,} cases; 1 to {most:,} are permitted in the ")


def test_no_message_of_a_plan_is_large(service: Service) -> None:
    cases = [a_long_case(number, 0.5) for number in range(300)]
    for case in cases:
        case.office_ref = ""
    plan, planned = service.plan(*a_plan_of(cases, "", 10_000))
    largest = max(one.ByteSize() for one in planned)
    assert plan.ByteSize() < CLIENTS_TAKE / 64
    # So many come in one message.
    assert largest * 1_000 < CLIENTS_TAKE / 8


def test_no_page_of_a_list_is_large(service: Service) -> None:
    features = service.models.ListFeatures(models_pb2.ListFeaturesRequest(page_size=200))
    safeguards = service.models.ListSafeguards(models_pb2.ListSafeguardsRequest(page_size=200))
    mixes = service.models.ListMixes(models_pb2.ListMixesRequest(page_size=200))
    models = service.models.ListModels(models_pb2.ListModelsRequest(page_size=200))
    assert max(one.ByteSize() for one in mixes.mixes) * MOST_MIXES < CLIENTS_TAKE / 8
    # A refusal has 1,000 characters at most.
    largest = max(one.ByteSize() for one in models.models) + 4_000
    assert largest * PAGE_AT_MOST < CLIENTS_TAKE / 4
    assert features.ByteSize() < CLIENTS_TAKE / 8
    assert safeguards.ByteSize() < CLIENTS_TAKE / 8
