"""The Python client: its stubs, its channel, and what it makes of retries and errors."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from channel_router_client import (
    ChannelRouterClient,
    InvalidRequest,
    Overloaded,
    Stands,
    Unavailable,
    Unimplemented,
    new_case_ref,
)
from channel_router_client.channels import is_loopback, service_config
from channel_router_client.v1 import case_pb2
from channel_router_client.v1 import channel_router_pb2 as client_pb2

from clients import stubs
from router.cases.features import REFERENCES
from router.serving.status import Overloaded as TooMany
from router.serving.status import Stands as Standing
from router.serving.status import refuse, status_of, trailers
from router.v1 import channel_router_pb2
from tests.builders import ROOT, a_case

Answering = Callable[[channel_router_pb2.RecommendRequest], channel_router_pb2.RecommendResponse]


class Router:
    """A server's one method, which answers as a test says and remembers what it was asked."""

    def __init__(self, answering: Answering) -> None:
        self.asked: list[channel_router_pb2.RecommendRequest] = []
        self._answering = answering

    def recommend(
        self, request: channel_router_pb2.RecommendRequest, context: grpc.ServicerContext
    ) -> channel_router_pb2.RecommendResponse:
        self.asked.append(request)
        try:
            return self._answering(request)
        except Exception as error:
            code, message, details = status_of(error)
            context.set_trailing_metadata(trailers(code, message, details))
            context.abort(code, message)
            raise


@contextmanager
def asking(router: Router, office: str = "") -> Iterator[ChannelRouterClient]:
    """Serves the method and gives a client of it."""
    method = grpc.unary_unary_rpc_method_handler(
        router.recommend,
        channel_router_pb2.RecommendRequest.FromString,
        channel_router_pb2.RecommendResponse.SerializeToString,
    )
    handlers = grpc.method_handlers_generic_handler(
        "router.v1.ChannelRouter", {"Recommend": method}
    )
    server = grpc.server(ThreadPoolExecutor(1), handlers=[handlers])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with ChannelRouterClient(f"127.0.0.1:{port}", office=office) as client:
        yield client
    server.stop(None).wait()


def a_client_case() -> case_pb2.Case:
    return case_pb2.Case.FromString(a_case().SerializeToString())


def good(_: channel_router_pb2.RecommendRequest) -> channel_router_pb2.RecommendResponse:
    response = channel_router_pb2.RecommendResponse()
    response.recommendation.decision_id = "d-1"
    return response


def test_its_stubs_are_what_the_contract_generates(tmp_path: Path) -> None:
    stubs.write_python(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {path.name for path in stubs.PYTHON.iterdir() if path.is_file()}
    for name in names:
        assert (tmp_path / name).read_text() == (stubs.PYTHON / name).read_text(), name


def test_the_clients_have_the_server_s_version() -> None:
    versions = {
        tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]["version"]
        for folder in (".", "clients/python")
    }
    for name in ("package.json", "package-lock.json"):
        version = json.loads((ROOT / "clients/typescript" / name).read_text())["version"]
        # What npm writes 0.4.0-dev.0 Python writes 0.4.0.dev0.
        versions.add(version.replace("-dev.", ".dev"))
    assert len(versions) == 1


def test_the_clients_and_their_page_say_the_same_of_retries() -> None:
    (calls,) = service_config(health_check=True)["methodConfig"]
    policy = calls["retryPolicy"]
    for name in ("typescript/src/channel.ts", "java/src/org/channelrouter/example/Channels.java"):
        text = (ROOT / "clients" / name).read_text()
        for key in ("maxAttempts", "initialBackoff", "maxBackoff", "backoffMultiplier"):
            (said,) = re.findall(rf'{key}"?[:,] "?([\d.]+)', text)
            assert float(said) == float(str(policy[key]).rstrip("s")), (name, key)
        assert (
            re.findall(r"UNAVAILABLE|RESOURCE_EXHAUSTED|CANCELLED", text.partition("retryable")[2])[
                :3
            ]
            == (policy["retryableStatusCodes"])
        )
        for one in calls["name"]:
            assert one.get("method", one["service"]) in text

    least, most = (policy[key].rstrip("s") for key in ("initialBackoff", "maxBackoff"))
    told = f"up to {policy['maxAttempts']} tries, {least} to {most} s apart"
    assert told in (ROOT / "docs/clients.md").read_text()


def test_the_npm_packages_are_locked_by_hash_and_by_no_address() -> None:
    lock = (ROOT / "clients/typescript/package-lock.json").read_text()
    assert "://" not in re.sub(r'"funding": \{[^}]*\}', "", lock)
    packages = json.loads(lock)["packages"]
    assert all(one["integrity"] for name, one in packages.items() if name)


def test_it_imports_nothing_of_the_server() -> None:
    code = (
        "import sys, channel_router_client\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('router', 'numpy')])"
    )
    source = str(ROOT / "clients/python/src")
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": source},
        cwd=ROOT / "clients",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_its_messages_are_the_server_s_to_protobuf_so_that_both_may_be_imported() -> None:
    assert client_pb2.RecommendRequest.DESCRIPTOR is channel_router_pb2.RecommendRequest.DESCRIPTOR


@pytest.mark.parametrize(
    ("target", "near"),
    [
        ("127.0.0.1:50051", True),
        ("127.1.2.3:1", True),
        ("localhost:50051", True),
        ("dns:///localhost:50051", True),
        ("ipv4:127.0.0.1:50051", True),
        ("ipv6:[::1]:50051", True),
        ("ipv4:127.0.0.1:50051,127.0.0.1:50052", True),
        ("ipv4:127.0.0.1:50051,10.0.0.7:50051", False),
        ("[::1]:50051", True),
        ("::1", True),
        ("unix:/run/router.sock", True),
        ("LocalHost:50051", True),
        ("router.example:50051", False),
        ("dns:///localhost.example:50051", False),
        ("10.0.0.7:50051", False),
        ("[2001:db8::1]:50051", False),
    ],
)
def test_it_knows_which_targets_are_on_this_machine(target: str, near: bool) -> None:
    assert is_loopback(target) == near


def test_a_new_reference_is_one_that_the_server_takes() -> None:
    assert not REFERENCES["case_ref"].problem(new_case_ref())


def test_a_call_sent_again_has_the_request_id_that_it_had() -> None:
    def later(_: channel_router_pb2.RecommendRequest) -> channel_router_pb2.RecommendResponse:
        if len(router.asked) < 3:
            raise TooMany
        return good(_)

    router = Router(later)
    with asking(router) as client:
        assert client.recommend(a_client_case()).decision_id == "d-1"
        client.recommend(a_client_case())
    ids = [request.request_id for request in router.asked]
    assert ids[0]
    assert ids[:3] == [ids[0]] * 3
    assert ids[3] != ids[0]


def test_a_case_without_an_office_gets_the_client_s_and_the_caller_s_case_is_left_alone() -> None:
    router, case = Router(good), a_client_case()
    with asking(router, office="office-7") as client:
        client.recommend(case)
        client.recommend(case_pb2.Case(office_ref="office-8", shielded=True))
    assert [request.case.office_ref for request in router.asked] == ["office-7", "office-8"]
    assert not case.office_ref


def test_errors_have_kinds_and_name_fields_reasons_and_facts() -> None:
    def bad(request: channel_router_pb2.RecommendRequest) -> channel_router_pb2.RecommendResponse:
        if request.case.weeks_registered == 1:
            raise Standing("REQUEST_ID_USED", "used", {"kind": "recommendation"})
        refuse("case.weeks_registered", "-1 is outside 0 to 520 weeks")

    with asking(Router(bad)) as client:
        with pytest.raises(InvalidRequest) as refused:
            client.recommend(a_client_case(), request_id="r-1")
        (violation,) = refused.value.violations
        assert violation.field == "case.weeks_registered"
        assert "0 to 520" in violation.description
        assert refused.value.request_ids == ("r-1",)
        assert refused.value.reason == "INVALID_ARGUMENT"

        case = a_client_case()
        case.weeks_registered = 1
        with pytest.raises(Stands) as stands:
            client.recommend(case)
        assert (stands.value.reason, stands.value.facts) == (
            "REQUEST_ID_USED",
            {"kind": "recommendation"},
        )


def test_a_server_without_room_is_asked_four_times_and_then_it_is_said() -> None:
    def full(_: channel_router_pb2.RecommendRequest) -> channel_router_pb2.RecommendResponse:
        raise TooMany

    router = Router(full)
    with asking(router) as client, pytest.raises(Overloaded) as told:
        client.recommend(a_client_case())
    assert len(router.asked) == 4
    assert told.value.retry_after_seconds == pytest.approx(0.2)


def test_no_server_is_unavailable_and_an_older_one_says_that_it_does_not_know_the_call() -> None:
    with ChannelRouterClient("127.0.0.1:1") as client, pytest.raises(Unavailable):
        client.recommend(a_client_case())
    with asking(Router(good)) as client, pytest.raises(Unimplemented):
        client.get_recommendation("d-1")


def test_an_answer_may_hold_values_and_fields_that_the_client_does_not_know() -> None:
    newer = bytes.fromhex("0a051063c03e01")

    def later(_: channel_router_pb2.RecommendRequest) -> channel_router_pb2.RecommendResponse:
        return channel_router_pb2.RecommendResponse.FromString(newer)

    with asking(Router(later)) as client:
        assert client.recommend(a_client_case()).status == 99
