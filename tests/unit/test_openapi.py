"""The OpenAPI document is what the contract says, by a validator that is not ours."""

import json
import tomllib
from typing import Any

import pytest
from google.protobuf import json_format

from docs import openapi
from router.cases.features import FEATURES
from router.serving.http.calls import path_of
from router.serving.server import SERVICES
from router.v1 import case_pb2, channel_router_pb2
from tests.builders import ROOT, a_case

DOCUMENT: dict[str, Any] = json.loads(openapi.WRITTEN.read_text())
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


def judged(body: object, message: str) -> list[str]:
    """Gives what the schema of a message says against a body."""
    from openapi_schema_validator import OAS31Validator

    schema = {"$ref": f"#/components/schemas/{message}", "components": DOCUMENT["components"]}
    return [error.message for error in OAS31Validator(schema).iter_errors(body)]


def test_the_committed_document_is_the_one_that_the_contract_gives() -> None:
    assert openapi.WRITTEN.read_text() == openapi.text(), "run `make openapi`"


def test_it_is_valid() -> None:
    from openapi_spec_validator import validate

    validate(DOCUMENT)


def test_it_ships_with_the_server() -> None:
    files = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert str(openapi.WRITTEN.relative_to(ROOT / "router")) in files["package-data"]["router"]


def test_every_method_without_streams_is_in_it() -> None:
    methods = {
        path_of(method)
        for service in SERVICES
        for method in service.methods
        if not method.client_streaming and not method.server_streaming
    }
    assert set(DOCUMENT["paths"]) == methods


def test_everything_in_it_is_explained() -> None:
    for name, schema in SCHEMAS.items():
        if name.startswith("router.v1."):
            assert schema["description"].strip(), name
            for field, its in schema.get("properties", {}).items():
                assert its["description"], f"{name}.{field}"
    for path, item in DOCUMENT["paths"].items():
        assert item["post"]["description"], path


def test_a_case_has_the_bounds_of_the_contract() -> None:
    case = SCHEMAS["router.v1.Case"]["properties"]
    for feature in FEATURES.features:
        if feature.unit:
            (field,) = (
                field for field in case_pb2.Case.DESCRIPTOR.fields if field.name == feature.name
            )
            its = case[field.json_name]
            assert its["minimum"] == feature.lower
            assert feature.unit in its["description"]
            assert str(feature.upper) in its["description"] or its["maximum"] == feature.upper
    assert case["caseRef"]["maxLength"] == 64


def test_generators_learn_how_a_caller_is_known() -> None:
    named = {name for way in DOCUMENT["security"] for name in way}
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert named == set(schemes)
    assert schemes["token"]["scheme"] == "bearer"
    # A server on one's own machine needs none.
    assert {} in DOCUMENT["security"]


def test_every_call_has_a_summary_of_one_line() -> None:
    for path, item in DOCUMENT["paths"].items():
        summary = item["post"]["summary"]
        assert item["post"]["description"].startswith(summary), path
        assert "\n" not in summary, path
        assert not summary.endswith("."), path


def test_a_day_is_a_date() -> None:
    day = SCHEMAS["router.v1.RecordOutcomeRequest"]["properties"]["observedOn"]
    assert day["format"] == "date"


def test_a_batch_without_cases_is_refused_as_the_server_refuses_it() -> None:
    assert judged({}, "router.v1.RecommendBatchRequest")
    assert judged({"cases": []}, "router.v1.RecommendBatchRequest")


def test_it_accepts_what_the_server_accepts() -> None:
    request = channel_router_pb2.RecommendRequest(case=a_case())
    assert judged(json_format.MessageToDict(request), "router.v1.RecommendRequest") == []


@pytest.mark.parametrize(
    "case",
    [
        {"weeksRegistered": -1},
        {"weeksRegistered": "ten"},
        {"needGroup": "NEED_GROUP_UNHEARD_OF"},
        {"sheilded": False},
        {"caseRef": "x" * 65},
    ],
)
def test_it_refuses_what_the_server_refuses(case: dict[str, object]) -> None:
    assert judged({"case": case}, "router.v1.RecommendRequest")
