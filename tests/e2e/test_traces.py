"""Traces and access log of the real process, as a collector receives them."""

import gzip
import http.server
import json
import threading
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from queue import Queue

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from router.v1 import channel_router_pb2
from tests.builders import a_case
from tests.e2e.conftest import Server

StartServer = Callable[..., Server]
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


class Collector:
    """Receives spans as an OpenTelemetry collector does."""

    def __init__(self) -> None:
        self.received: Queue[bytes] = Queue()
        received = self.received

        class Receiver(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"]))
                packed = self.headers.get("Content-Encoding") == "gzip"
                received.put(gzip.decompress(data) if packed else data)
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}/v1/traces"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()
    yield found
    found.server.shutdown()
    found.server.server_close()


def test_a_call_is_traced_logged_and_told_as_an_exemplar_without_its_case(
    start_server: StartServer, collector: Collector
) -> None:
    server = start_server("--traces", collector.address, "--access-log", "all")
    own = str(uuid.uuid4())
    request = channel_router_pb2.RecommendRequest(
        case=a_case(case_ref="find-me-not"), request_id=own
    )
    server.router.Recommend(request, timeout=10, metadata=(("traceparent", PARENT),))

    asked = urllib.request.Request(
        f"http://{server.metrics}/metrics",
        headers={"Accept": "application/openmetrics-text; version=1.0.0"},
    )
    with urllib.request.urlopen(asked, timeout=5) as answer:
        assert f'# {{trace_id="{TRACE}"}}' in answer.read().decode()

    assert server.stop() == 0
    data = collector.received.get(timeout=10)
    assert b"find-me-not" not in data
    spans = {
        span.name: span
        for part in ExportTraceServiceRequest.FromString(data).resource_spans
        for scope in part.scope_spans
        for span in scope.spans
    }
    call = spans["router.v1.ChannelRouter/Recommend"]
    assert call.trace_id.hex() == TRACE
    assert {spans["decide"].parent_span_id, spans["journal"].parent_span_id} == {call.span_id}

    assert server.process.stderr is not None
    log = [json.loads(line) for line in server.process.stderr.read().splitlines()]
    (line,) = (one for one in log if one.get("method") == "router.v1.ChannelRouter/Recommend")
    assert (line["code"], line["request_id"], line["trace_id"]) == ("OK", own, TRACE)
    assert "find-me-not" not in json.dumps(log)


def test_no_proxy_is_asked_for_a_collector_on_this_machine(
    start_server: StartServer, collector: Collector
) -> None:
    address = collector.address.replace("127.0.0.1", "localhost")
    server = start_server("--traces", address, env={"http_proxy": "http://127.0.0.1:1"})
    server.router.Recommend(channel_router_pb2.RecommendRequest(case=a_case()), timeout=10)
    assert server.stop() == 0
    assert ExportTraceServiceRequest.FromString(collector.received.get(timeout=10)).resource_spans
