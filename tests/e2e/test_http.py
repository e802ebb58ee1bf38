"""JSON over HTTP as a case system without gRPC meets it: a real server, and a plain client."""

import base64
import gzip
import http.client
import json
import re
import select
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest
from google.protobuf import json_format
from google.rpc import error_details_pb2

from router.serving.http.door import BODIES_AT_MOST, BODY_AT_MOST
from router.v1 import channel_router_pb2
from tests.builders import ROOT, a_case
from tests.e2e.conftest import Server, closed, router_command, start, tool

RECOMMEND = "/router.v1.ChannelRouter/Recommend"
CASE = {"caseRef": "c-1", "shielded": False, "digitallyReserved": "TRI_STATE_NO"}
ORIGIN = "https://cases.example.org"
JSON = {"content-type": "application/json"}
StartServer = Callable[..., Server]


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    data: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.data)

    @property
    def code(self) -> tuple[int, str]:
        return self.status, self.body["code"]

    def problems(self) -> dict[str, str]:
        """Gives the problems by field, from the bytes of the detail and from what is readable."""
        (detail,) = (d for d in self.body["details"] if d["type"] == "google.rpc.BadRequest")
        packed = json_format.MessageToDict(unpacked(detail, error_details_pb2.BadRequest()))
        assert detail["debug"] == packed
        return {found["field"]: found["description"] for found in packed["fieldViolations"]}


def unpacked(detail: dict[str, str], message: Any) -> Any:
    message.ParseFromString(base64.b64decode(detail["value"] + "==="))
    return message


def ask(
    server: Server,
    path: str,
    body: object = None,
    *,
    verb: str = "POST",
    data: bytes | None = None,
    **headers: str,
) -> Answer:
    sent = JSON | {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection(server.http, timeout=20)
    try:
        content = json.dumps(body).encode() if data is None else data
        connection.request(verb, path, content, sent)
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read())
    finally:
        connection.close()


def counted(server: Server, code: str, method: str = "Recommend") -> int:
    text = server.scrape()
    found = re.search(
        rf'handled_total{{grpc_code="{code}",grpc_method="{method}",.*?}} (\d+)', text
    )
    return int(found[1]) if found else 0


def until_begun(server: Server, method: str = "Recommend") -> None:
    """Waits until a call of a method has begun."""
    begun = re.compile(rf'grpc_server_started_total{{grpc_method="{method}",.*}} [1-9]')
    while not begun.search(server.scrape()):
        pass


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Gives one server for the tests that leave it as it was."""
    folder = tmp_path_factory.mktemp("http")
    running = start(folder, "--http", "127.0.0.1:0", "--http-origin", ORIGIN)
    yield running
    running.channel.close()
    running.process.kill()
    running.process.wait()
    closed(running)


def test_the_answer_is_that_of_grpc_and_on_record(served: Server) -> None:
    body = {"case": CASE, "view": "VIEW_FULL", "language": "LANGUAGE_EN"}
    answer = ask(served, RECOMMEND, body)
    assert answer.status == 200
    request = json_format.ParseDict(body, channel_router_pb2.RecommendRequest())
    same = served.router.Recommend(request, timeout=5)
    over_http = json_format.ParseDict(answer.body, channel_router_pb2.RecommendResponse())
    recorded = bytes.fromhex(over_http.recommendation.decision_id.replace("-", ""))
    for response in (same, over_http):
        response.recommendation.ClearField("decision_id")
    assert over_http == same
    with sqlite3.connect(served.journal) as database:
        assert database.execute("SELECT 1 FROM record WHERE id = ?", (recorded,)).fetchone()
    database.close()


def test_fields_are_read_in_either_spelling(served: Server) -> None:
    plain = {"case_ref": "c-1", "shielded": False, "digitally_reserved": "TRI_STATE_NO"}
    assert ask(served, RECOMMEND, {"case": plain}).status == 200


def test_a_batch_answers_each_case_in_order(served: Server) -> None:
    cases = [{**CASE, "caseRef": f"c-{number}"} for number in range(5)]
    cases[3]["weeksRegistered"] = -1
    results = ask(served, "/router.v1.ChannelRouter/RecommendBatch", {"cases": cases}).body[
        "results"
    ]
    assert [result.get("index", 0) for result in results] == list(range(5))
    assert ["error" in result for result in results] == [number == 3 for number in range(5)]


def test_every_method_without_streams_is_served(served: Server) -> None:
    document = ask(served, "/openapi.json", verb="GET", data=b"").body
    schemas = document["components"]["schemas"]
    for path, item in document["paths"].items():
        answer = ask(served, path, {})
        content = item["post"]["requestBody"]["content"]["application/json"]
        name = content["schema"]["$ref"].rpartition("/")[2]
        if "required" in schemas[name]:
            assert answer.code == (400, "invalid_argument"), path
        else:
            assert answer.status in {200, 400}, path
    assert "/router.v1.Feedback/RecordChoice" in document["paths"]


def test_bad_fields_are_named_with_problem_and_bound(served: Server) -> None:
    case = {**CASE, "weeksRegistered": -5, "caseRef": "010170 12345"}
    answer = ask(served, RECOMMEND, {"case": case})
    assert answer.code == (400, "invalid_argument")
    problems = answer.problems()
    assert "-5 is outside the permitted values: 0 to 520 weeks" in problems["case.weeks_registered"]
    assert "national identity" in problems["case.case_ref"]
    assert b"12345" not in answer.data


def test_what_the_contract_cannot_read_is_named_and_never_repeated(served: Server) -> None:
    case: dict[str, Any] = {
        "caseRef": ["01017012345"],
        "weeksRegistered": "010170 12345",
        "needGroup": "u01017012345",
        "shielded": "01017012345",
        "01017012345": 1,
    }
    answer = ask(served, RECOMMEND, {"case": case, "views": "VIEW_FULL"})
    assert answer.code == (400, "invalid_argument")
    problems = answer.problems()
    assert problems["case.case_ref"] == "must be a text"
    assert problems["case.weeks_registered"] == "must be a whole number of 32 bits"
    assert "NEED_GROUP_GOOD_OPPORTUNITIES" in problems["case.need_group"]
    assert problems["case.shielded"] == "must be true or false"
    assert "looks like a national identity number" in problems["case"]
    assert problems["request"] == (
        "has a field 'views', which router.v1.RecommendRequest does not have"
    )
    assert b"01017012345" not in answer.data
    assert b"010170 12345" not in answer.data


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is not JSON: Expecting value, line 1 column 1"),
        (b'{"case": {}} x', "is not JSON: Extra data, line 1 column 14"),
        (b'{"case": {}, "case": {}}', "has the name 'case' twice in one object"),
        (b'{"requestId": "", "request_id": ""}', "has the name 'request_id' twice in one object"),
        (b"[1]", "must be an object, a router.v1.RecommendRequest"),
        (b"[]", "must be an object, a router.v1.RecommendRequest"),
        (b"null", "must be an object, a router.v1.RecommendRequest"),
        (b"true", "must be an object, a router.v1.RecommendRequest"),
        (b"1", "must be an object, a router.v1.RecommendRequest"),
        (b'"case"', "must be an object, a router.v1.RecommendRequest"),
        (b'"\xff"', "is not UTF-8 from byte 1 on"),
        (b"[" * 40_000, "is JSON that is nested too deep"),
        (b'{"view": ' + b"9" * 5000 + b"}", "too long a number"),
        (b'{"case": [1]}', "must be an object, a router.v1.Case"),
    ],
)
def test_a_body_that_is_no_request_is_the_callers_error(
    served: Server, data: bytes, told: str
) -> None:
    answer = ask(served, RECOMMEND, data=data)
    assert answer.code == (400, "invalid_argument")
    assert told in next(iter(answer.problems().values()))


# A false tri-state would be read as 0, which is unknown.
NO_CHOICES: list[object] = [True, False, 2.0, 2.7, "2", []]
NO_NUMBERS: list[object] = [True, 2.5, "1_2", "\u0661", " 1", ""]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("digitally_reserved", one) for one in NO_CHOICES],
        *[("weeks_registered", one) for one in NO_NUMBERS],
    ],
)
def test_a_value_is_not_guessed_at(served: Server, field: str, value: object) -> None:
    answer = ask(served, RECOMMEND, {"case": {"caseRef": "c-1", "shielded": False, field: value}})
    assert answer.code == (400, "invalid_argument")
    assert answer.problems()[f"case.{field}"].startswith("must be ")


def test_numbers_may_be_texts_and_values_numbers(served: Server) -> None:
    values: list[object] = [12, 12.0, "12"]
    for value in values:
        case = {**CASE, "weeks_registered": value, "need_group": 2}
        assert ask(served, RECOMMEND, {"case": case}).status == 200


def test_what_could_not_be_read_is_counted_as_the_callers_error(served: Server) -> None:
    before = counted(served, "InvalidArgument")
    ask(served, RECOMMEND, data=b"{")
    assert counted(served, "InvalidArgument") == before + 1


@pytest.mark.parametrize(
    ("verb", "path", "kind", "code"),
    [
        ("POST", "/router.v1.ChannelRouter/Guess", "application/json", (404, "unimplemented")),
        ("POST", "/", "application/json", (404, "unimplemented")),
        ("GET", RECOMMEND, "application/json", (405, "unimplemented")),
        ("DELETE", RECOMMEND, "application/json", (405, "unimplemented")),
        ("POST", "/openapi.json", "application/json", (405, "unimplemented")),
        ("POST", RECOMMEND, "text/plain", (415, "invalid_argument")),
        ("POST", RECOMMEND, "application/grpc", (415, "invalid_argument")),
        (
            "POST",
            "/router.v1.ChannelRouter/RecommendStream",
            *JSON.values(),
            (415, "invalid_argument"),
        ),
    ],
)
def test_what_is_no_call_is_refused_in_words(
    served: Server, verb: str, path: str, kind: str, code: tuple[int, str]
) -> None:
    answer = ask(served, path, {}, verb=verb, content_type=kind)
    assert answer.code == code
    assert answer.body["message"]


def test_a_body_over_the_limit_is_refused_before_and_while_it_is_read(served: Server) -> None:
    big = json.dumps({"case": {"caseRef": "x" * (4 << 20)}}).encode()
    assert ask(served, RECOMMEND, data=big).code == (413, "resource_exhausted")
    # It is small until it is unpacked.
    packed = ask(served, RECOMMEND, data=gzip.compress(big), content_encoding="gzip")
    assert packed.code == (429, "resource_exhausted")


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "Identity"])
def test_the_name_of_a_coding_has_no_case(served: Server, coding: str) -> None:
    data = json.dumps({"case": CASE}).encode()
    packed = gzip.compress(data) if coding.lower() == "gzip" else data
    assert ask(served, RECOMMEND, data=packed, content_encoding=coding).status == 200


def test_a_deadline_that_passes_is_told_and_counted(start_server: StartServer) -> None:
    server = start_server("--http", "127.0.0.1:0")
    lock = sqlite3.connect(server.journal, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    answer = ask(server, RECOMMEND, {"case": CASE}, connect_timeout_ms="300")
    assert answer.code == (504, "deadline_exceeded")
    assert counted(server, "DeadlineExceeded") == 1
    # Without one it hears of the journal.
    assert ask(server, RECOMMEND, {"case": CASE}).code == (503, "unavailable")
    lock.execute("ROLLBACK")
    lock.close()


def test_a_body_whose_end_is_told_in_two_ways_ends_the_connection(served: Server) -> None:
    host, _, port = served.http.rpartition(":")
    head = HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n"
    behind = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as caller:
        caller.sendall(head + b"0\r\n\r\n" + behind)
        # Up to where the server has closed it.
        answer = b"".join(iter(lambda: caller.recv(1 << 16), b""))
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1
    assert b"exclude each other" in answer


def test_a_caller_who_goes_is_counted_as_such(start_server: StartServer) -> None:
    server = start_server("--http", "127.0.0.1:0")
    lock = sqlite3.connect(server.journal, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    body = json.dumps({"case": CASE}).encode()
    head = f"POST {RECOMMEND} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    host, _, port = server.http.rpartition(":")
    # Again, for one that was slow to go has heard of the journal.
    while not counted(server, "Cancelled"):
        with socket.create_connection((host, int(port))) as caller:
            caller.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
            # It has begun: the journal makes it wait.
            until_begun(server)
    lock.execute("ROLLBACK")
    lock.close()


def test_over_the_limit_of_calls_in_flight_the_caller_is_told_when_to_retry(
    start_server: StartServer,
) -> None:
    server = start_server("--http", "127.0.0.1:0", "--max-in-flight", "1")
    lock = sqlite3.connect(server.journal, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    # Each waits for the journal, and a second at most: another takes its turn.
    request, stop = channel_router_pb2.RecommendRequest(case=a_case()), threading.Event()

    def keep_it_full() -> None:
        while not stop.is_set():
            with suppress(grpc.RpcError):
                server.router.Recommend(request, timeout=10)

    caller = threading.Thread(target=keep_it_full)
    caller.start()
    try:
        answer = ask(server, RECOMMEND, {"case": CASE})
        while answer.code != (429, "resource_exhausted"):
            answer = ask(server, RECOMMEND, {"case": CASE})
    finally:
        stop.set()
        caller.join()
    (retry,) = (d for d in answer.body["details"] if d["type"] == "google.rpc.RetryInfo")
    assert retry["debug"] == {"retryDelay": "0.200s"}
    lock.execute("ROLLBACK")
    lock.close()


HEAD = f"POST {RECOMMEND} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n".encode()
TOLD = HEAD + f"content-length: {BODY_AT_MOST}\r\n\r\n".encode() + b"{"
UNTOLD = HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n"
PACKED = HEAD + b"content-encoding: gzip\r\ncontent-length: 100\r\n\r\n\x1f"
FULL_HOUSE = BODIES_AT_MOST // BODY_AT_MOST


@pytest.mark.parametrize("sent", [TOLD, UNTOLD, PACKED], ids=["told", "untold", "packed"])
def test_bodies_that_have_not_come_keep_nobody_out(served: Server, sent: bytes) -> None:
    host, _, port = served.http.rpartition(":")
    held = [socket.create_connection((host, int(port))) for _ in range(2 * FULL_HOUSE)]
    for one in held:
        one.sendall(sent)
    assert ask(served, RECOMMEND, {"case": CASE}).status == 200
    for one in held:
        one.close()


def test_bodies_that_come_in_part_hold_bounded_room_together(start_server: StartServer) -> None:
    server = start_server("--http", "127.0.0.1:0")
    host, _, port = server.http.rpartition(":")
    held = [socket.create_connection((host, int(port))) for _ in range(FULL_HOUSE + 1)]
    for one in held:
        # Whichever comes last is answered before it is whole.
        with suppress(ConnectionError):
            one.sendall(TOLD + b" " * (BODY_AT_MOST - 2))
    answered, _, _ = select.select(held, (), (), 30)
    assert len(answered) == 1
    told = b""
    while not told.endswith(b"0\r\n\r\n"):
        told += answered[0].recv(4096)
    assert told.startswith(b"HTTP/1.1 429 ")
    assert b"google.rpc.RetryInfo" in told
    assert counted(server, "ResourceExhausted") == 1
    for one in held:
        one.close()
    while ask(server, RECOMMEND, {"case": CASE}).status == 429:
        pass
    assert ask(server, RECOMMEND, {"case": CASE}).status == 200


STREAM = (
    b"POST /router.v1.ChannelRouter/RecommendStream HTTP/1.1\r\nhost: x\r\n"
    b"content-type: application/connect+json\r\ntransfer-encoding: chunked\r\n"
)
MUCH = BODY_AT_MOST - 10


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n%x\r\n\0%s%s\r\n" % (MUCH + 5, MUCH.to_bytes(4), b" " * MUCH),
        b"connect-content-encoding: gzip\r\n\r\n6\r\n\1\0\0\0\xff\x1f\r\n",
    ],
    ids=["large", "packed"],
)
def test_streams_whose_callers_go_give_their_room_back(
    start_server: StartServer, sent: bytes
) -> None:
    server = start_server("--http", "127.0.0.1:0")
    host, _, port = server.http.rpartition(":")
    for _ in range(2):
        for _ in range(FULL_HOUSE):
            with (
                suppress(ConnectionError),
                socket.create_connection((host, int(port))) as caller,
            ):
                caller.sendall(STREAM + sent)
        # Those who have gone are heard of one after the other.
        codes = (ask(server, RECOMMEND, {"case": CASE}).status for _ in range(2_000))
        assert 200 in codes
    assert server.stop() == 0


def test_what_failed_calls_sent_does_not_stay_in_memory(start_server: StartServer) -> None:
    server = start_server("--http", "127.0.0.1:0")
    before = psutil.Process(server.process.pid).memory_info().rss
    for _ in range(80):
        bad = b'{"case": "' + b"x" * (BODY_AT_MOST - 100)
        assert ask(server, RECOMMEND, data=bad).status == 400
    grown = psutil.Process(server.process.pid).memory_info().rss - before
    assert grown < 80 * BODY_AT_MOST


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"cases": [' + b"{}," * 60_000 + b"{}]}", "has 60,002 objects; 50,000 are permitted"),
        (b'{"cases": [' + b"[]," * 60_000 + b"[]]}", "has 60,002 lists; 50,000 are permitted"),
        (b'{"requestIds": [' + b'"",' * 500_000 + b'""]}', "has 500,000 values; 400,000 are"),
    ],
    ids=["objects", "lists", "values"],
)
def test_a_body_of_many_small_values_is_refused_unread(
    served: Server, body: bytes, told: str
) -> None:
    refused = ask(served, "/router.v1.ChannelRouter/RecommendBatch", data=body)
    assert refused.code == (400, "invalid_argument")
    assert told in refused.problems()["request"]


def test_a_stream_is_answered_in_the_framing_of_connect(served: Server) -> None:
    def frame(value: object) -> bytes:
        data = json.dumps(value).encode()
        return struct.pack(">BI", 0, len(data)) + data

    cases = [{"case": CASE}, {"case": {**CASE, "weeksRegistered": -1}}, {"case": CASE}]
    answer = ask(
        served,
        "/router.v1.ChannelRouter/RecommendStream",
        data=b"".join(map(frame, cases)),
        content_type="application/connect+json",
    )
    frames, rest = [], answer.data
    while rest:
        flags, size = struct.unpack(">BI", rest[:5])
        frames.append((flags, json.loads(rest[5 : 5 + size])))
        rest = rest[5 + size :]
    assert [flags for flags, _ in frames] == [0, 0, 0, 2]
    assert [list(body) for _, body in frames] == [
        ["recommendation"],
        ["error"],
        ["recommendation"],
        [],
    ]


EXAMPLES = [
    block
    for page in ("README.md", "docs/http.md")
    for block in re.findall(
        r"```\n((?:curl|[^`]*buf curl).*?)```", (ROOT / page).read_text(), re.DOTALL
    )
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_the_pages_runs_as_written(served: Server, example: str) -> None:
    # But for the port.
    words = example.replace("127.0.0.1:8080", served.http).replace(".venv/bin/buf", tool("buf"))
    ended = subprocess.run(words, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    answer = json.loads(ended.stdout)
    assert ("code" in answer) == ('"weeksRegistered": -1' in example)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 7


@pytest.mark.parametrize("protocol", ["connect", "grpcweb"])
def test_buf_curl_gets_answers_and_errors(served: Server, protocol: str) -> None:
    words = [tool("buf"), "curl", "--protocol", protocol, "--schema", "proto"]
    words += ["--schema", "proto", f"http://{served.http}{RECOMMEND}", "-d"]
    good, bad = (
        subprocess.run(
            [*words, json.dumps({"case": case})],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        for case in (CASE, {**CASE, "weeksRegistered": -1})
    )
    assert json.loads(good.stdout)["recommendation"]["status"] == "STATUS_NEEDS_ASSESSMENT"
    told = json.loads(bad.stderr)
    assert told["code"] == "invalid_argument"
    assert told["details"][0]["type"] == "google.rpc.BadRequest"


def test_only_pages_of_the_origins_that_are_named_may_call(served: Server) -> None:
    asked = {
        "access_control_request_method": "POST",
        "access_control_request_headers": "content-type",
    }
    known = ask(served, RECOMMEND, verb="OPTIONS", data=b"", origin=ORIGIN, **asked)
    assert known.status == 200
    assert known.headers["access-control-allow-origin"] == ORIGIN
    other = ask(served, RECOMMEND, verb="OPTIONS", data=b"", origin="https://evil.example", **asked)
    assert "access-control-allow-origin" not in other.headers


def test_no_page_may_call_unless_an_origin_is_named(start_server: StartServer) -> None:
    server = start_server("--http", "127.0.0.1:0")
    answer = ask(server, RECOMMEND, {"case": CASE}, origin=ORIGIN)
    assert "access-control-allow-origin" not in answer.headers


def test_it_is_off_unless_asked_for_and_read_from_the_environment(
    start_server: StartServer,
) -> None:
    assert not start_server().http
    env = {"ROUTER_HTTP": "127.0.0.1:0", "ROUTER_HTTP_ORIGIN": ORIGIN}
    assert ask(start_server(env=env), RECOMMEND, {"case": CASE}).status == 200


def test_a_drain_answers_what_is_in_flight(start_server: StartServer) -> None:
    server = start_server("--http", "127.0.0.1:0")
    connection = http.client.HTTPConnection(server.http, timeout=20)
    cases = [{**CASE, "caseRef": f"c-{number}"} for number in range(1000)]
    connection.request(
        "POST",
        "/router.v1.ChannelRouter/RecommendBatch",
        json.dumps({"cases": cases}).encode(),
        JSON,
    )
    until_begun(server, "RecommendBatch")
    server.process.terminate()
    answer = connection.getresponse()
    assert answer.status == 200
    assert len(json.loads(answer.read())["results"]) == 1000
    connection.close()
    assert server.process.wait(10) == 0


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--http", "nowhere"), "error: --http: 'nowhere' is not HOST:PORT"),
        (
            ("--http", "127.0.0.1:0", "--http-origin", "*"),
            "error: --http-origin: '*' is not SCHEME",
        ),
        (("--http-origin", ORIGIN), "error: --http-origin: is given without --http"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(flags: tuple[str, ...], told: str) -> None:
    ended = subprocess.run(
        router_command("serve", *flags), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert ended.stderr.startswith(told)


def test_a_taken_port_is_one_line_that_names_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        journal = f"sqlite:///{tmp_path}/journal.db"
        ended = subprocess.run(
            router_command("serve", "--http", address, "--journal", journal),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"error: --http: cannot listen on {address}: Address already in use; ")
    assert line.endswith("give another address (port 0 is any that is free)")
    # Closed, and not as if a server had it open.
    assert {path.name for path in tmp_path.iterdir()} == {"journal.db", "journal.db.draw-key"}


def test_without_its_libraries_it_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['connectrpc'] = None\n"
        "sys.argv = ['router', 'serve', '--http', '127.0.0.1:0', '--journal', sys.argv[1]]\n"
        "from router.__main__ import run; run()"
    )
    words = [sys.executable, "-c", code, f"sqlite:///{tmp_path}/journal.db"]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "install channel-router[http]" in line
