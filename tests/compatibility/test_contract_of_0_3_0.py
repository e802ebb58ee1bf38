"""Callers and servers of two releases: 0.3.0's messages and today's understand one another.

Between 0.3.0 and the release after it the contract was broken once, in what `BROKEN` names; v1 is
frozen since.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import grpc
import pytest
from channel_router_client import ChannelRouterClient, ChannelRouterError, Unimplemented
from channel_router_client.v1 import case_pb2 as client_case_pb2
from channel_router_client.v1 import feedback_pb2 as client_feedback_pb2
from google.protobuf import any_pb2, descriptor_pb2, timestamp_pb2
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet
from google.rpc import status_pb2

from clients.contract import FILES
from tests.builders import PLAIN, a_case
from tests.compatibility.contracts import Call, Contract, ask, calls
from tests.compatibility.kept import a_server
from tests.e2e.conftest import Server

OLD = Contract.of_0_3_0()
KEPT = calls()
# Errors of single cases are google.rpc.Status now; the option's number is another.
BROKEN = {
    "router.v1.CaseError",
    "router.v1.FieldProblem",
    "router.v1.RecommendBatchResult.error",
    "router.v1.RecommendStreamResponse.error",
    "router.v1.feature",
}
LOST = ("results.error", "error", "recommendation.reasons.feature")
"""Where an older caller finds no error of a single case any more, and no field where the version
has no proof that effects vary.
"""
NEW_FIELD = 12_345


def facts(field: descriptor_pb2.FieldDescriptorProto) -> tuple[object, ...]:
    return field.number, field.type, field.label, field.type_name


def told(files: descriptor_pb2.FileDescriptorSet) -> dict[str, tuple[object, ...]]:
    """Gives what callers depend on, by full name: fields, values of enums, calls, options."""
    found: dict[str, tuple[object, ...]] = {}
    for file in files.file:
        package = file.package
        if package != "router.v1":
            continue
        for message in file.message_type:
            found[f"{package}.{message.name}"] = ()
            for field in message.field:
                found[f"{package}.{message.name}.{field.name}"] = facts(field)
        for enum in file.enum_type:
            for value in enum.value:
                found[f"{package}.{enum.name}.{value.name}"] = (value.number,)
        for service in file.service:
            for call in service.method:
                kinds = call.input_type, call.output_type
                streams = call.client_streaming, call.server_streaming
                found[f"{package}.{service.name}.{call.name}"] = (*kinds, *streams)
        for option in file.extension:
            found[f"{package}.{option.name}"] = facts(option)
    return found


def todays() -> descriptor_pb2.FileDescriptorSet:
    files = descriptor_pb2.FileDescriptorSet()
    for file in FILES:
        file.CopyToProto(files.file.add())
    return files


def paths(message: Message) -> set[str]:
    """Gives the paths of what a message says, those of repeated fields once."""
    found = set()
    for field, value in message.ListFields():
        found.add(field.name)
        if field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for one in value if field.is_repeated else [value]:
                found |= {f"{field.name}.{path}" for path in paths(one)}
    return found


def kinds_of_details(call: Call) -> set[str]:
    status = status_pb2.Status.FromString(base64.b64decode(call.details))
    return {detail.type_url.rpartition("/")[2] for detail in status.details}


def test_nothing_but_what_is_named_was_broken_since_0_3_0() -> None:
    before, now = told(OLD.files), told(todays())
    changed = {name for name, what in before.items() if now.get(name) != what}
    inside = {name for name in changed if name.rpartition(".")[0] in BROKEN}
    assert changed - inside == BROKEN


def test_a_contract_with_the_number_that_the_option_had_fits_beside_today_s() -> None:
    other = descriptor_pb2.FileDescriptorProto(
        name="other.proto", package="other", dependency=["google/protobuf/descriptor.proto"]
    )
    options = ".google.protobuf.FieldOptions"
    other.extension.add(name="note", number=50_001, type=9, label=1, extendee=options)
    files = newer_contract().files
    files.file.append(other)
    assert Contract(files).message("router.v1.Case")


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with a_server(tmp_path_factory.mktemp("today")) as server:
        yield server


def test_a_caller_of_0_3_0_gets_from_today_s_server_what_it_knows(today: Server) -> None:
    ids: dict[str, str] = {"$today": datetime.now(UTC).date().isoformat()}
    for call in KEPT:
        ids["$id"] = str(uuid.uuid4())
        text = json.dumps(call.requests)
        for name, value in ids.items():
            text = text.replace(name, value)
        found = ask(today.channel, OLD, call.method, json.loads(text))
        assert found.code == call.code, (call.method, found.message)
        assert kinds_of_details(found) >= kinds_of_details(call), call.method

        assert len(found.answers) == len(call.answers)
        pairs = zip(call.bytes_of_answers, found.bytes_of_answers, strict=True)
        for before, now in pairs:
            said: Any = OLD.answer(call.method, now)
            missing = paths(OLD.answer(call.method, before)) - paths(said)
            assert not {one for one in missing if not one.startswith(LOST)}, call.method
            if call.method.endswith("/Recommend") and said.recommendation.options:
                ids["$decision"] = said.recommendation.decision_id
            if call.method.endswith("/RequestReview"):
                ids["$review"] = said.review.review_id


def cases_of(request: Any) -> list[Any]:
    """Gives the cases of a request, whichever it is."""
    if hasattr(request, "case"):
        return [request.case]
    several = getattr(request, "cases", [])
    return list(getattr(several, "cases", several))


class Previous(grpc.GenericRpcHandler):
    """Serves 0.3.0's contract with the answers that 0.3.0 gave."""

    def __init__(self) -> None:
        self._kinds = {
            f"/{method.containing_service.full_name}/{method.name}": OLD.kind(method.input_type)
            for method in OLD.methods()
        }

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        kind = self._kinds.get(details.method)
        if kind is None:
            return None
        kept = next(call for call in KEPT if (call.path, call.code) == (details.method, "OK"))

        def answer(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[bytes]:
            for request in requests:
                for case in cases_of(request):
                    # As 0.3.0 did: what it does not know of a case it does not let in.
                    if len(UnknownFieldSet(case)):
                        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "fields not known")
            yield from kept.bytes_of_answers

        return grpc.stream_stream_rpc_method_handler(answer, request_deserializer=kind.FromString)


@contextmanager
def a_client_of_the_previous_server() -> Iterator[ChannelRouterClient]:
    server = grpc.server(ThreadPoolExecutor(4), handlers=[Previous()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with ChannelRouterClient(f"127.0.0.1:{port}") as client:
        yield client
    server.stop(None).wait()


def test_today_s_client_gets_from_a_server_of_0_3_0_what_that_has() -> None:
    # Of fields that it knows: what it does not know it refuses.
    known = OLD.message("router.v1.Case").DESCRIPTOR.fields_by_name
    unknown = [name for name in PLAIN if name not in known]
    case = client_case_pb2.Case.FromString(a_case(**dict.fromkeys(unknown)).SerializeToString())
    with a_client_of_the_previous_server() as router:
        advice = router.recommend(case)
        assert advice.mix.adviser_minutes
        good, bad = router.recommend_batch([case, case])
        assert not isinstance(good, ChannelRouterError)
        # What was wrong with it is where only 0.3.0's own clients look.
        assert isinstance(bad, ChannelRouterError)
        assert bad.code is grpc.StatusCode.UNKNOWN
        streamed = list(router.recommend_stream([case]))
        failed = [isinstance(one, ChannelRouterError) for one in streamed]
        assert failed == [False, True, False]
        assert router.plan_caseload([case, case]).whole.cases == 2

        assert router.promoted_model().version
        for things in (router.list_models(), router.list_mixes(), router.list_safeguards()):
            assert list(things)
        assert next(one.name for one in router.list_features()) == "case_ref"

        decision, mix = advice.decision_id, advice.mix.id
        wished = client_feedback_pb2.WISHED_BY_BOTH
        assert router.record_choice(decision, mix, wished_by=wished).record_id
        assert router.record_outcome(decision, observed_on=date.today(), outcome=1).record_id
        review = router.request_review(
            decision,
            asked_by=client_feedback_pb2.ASKED_BY_USER,
            reason=client_feedback_pb2.REVIEW_REASON_OTHER,
        )
        assert list(router.list_reviews())
        upheld = client_feedback_pb2.REVIEW_RESULT_UPHELD
        assert router.answer_review(review.review_id, upheld).record_id

        for newer in (
            lambda: router.get_recommendation(decision),
            lambda: list(router.list_recommendations(case.case_ref)),
            lambda: router.get_review(review.review_id),
        ):
            with pytest.raises(Unimplemented):
                newer()


def newer_contract() -> Contract:
    """Gives today's contract as a later release might have it: a field and a value more."""
    files = todays()
    for file in files.file:
        for message in file.message_type:
            if message.name in {"Case", "RecommendRequest"}:
                message.field.add(name="later", number=NEW_FIELD, type=8, label=1)
        for enum in file.enum_type:
            if enum.name == "AgeBand":
                enum.value.add(name="AGE_BAND_LATER", number=NEW_FIELD)
    known = {file.name for file in files.file}
    for module in (descriptor_pb2, timestamp_pb2, any_pb2, status_pb2):
        if module.DESCRIPTOR.name not in known:
            module.DESCRIPTOR.CopyToProto(files.file.add())
    # A pool takes a file once it has what the file imports.
    google = [file for file in files.file if file.package.startswith("google")]
    ours = {file.name: file for file in files.file if file.package == "router.v1"}
    order = ("feature", "case", "recommendation", "caseload", "channel_router", "feedback")
    rest = [ours[f"router/v1/{name}.proto"] for name in (*order, "models")]
    google.sort(key=lambda file: len(file.dependency))
    return Contract(descriptor_pb2.FileDescriptorSet(file=[*google, *rest]))


@pytest.mark.parametrize(
    ("changes", "beside", "told"),
    [
        ({"later": True}, {}, "fields that the contract does not know"),
        ({"age_band": "AGE_BAND_LATER"}, {}, "one of 18_24"),
        ({}, {"later": True}, ""),
    ],
)
def test_of_a_newer_caller_what_is_not_known_of_a_case_is_refused_and_the_rest_passed_over(
    today: Server, changes: dict[str, Any], beside: dict[str, Any], told: str
) -> None:
    case = {"case_ref": "c-1", "shielded": False} | changes
    method = "router.v1.ChannelRouter/Recommend"
    found = ask(today.channel, newer_contract(), method, [{"case": case} | beside])
    assert (found.code, told in found.message) == ("INVALID_ARGUMENT" if told else "OK", True)
