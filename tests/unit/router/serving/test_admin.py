"""The admin port as probes, Prometheus and those who mean harm meet it."""

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from prometheus_client import CollectorRegistry, Counter

from router.serving.admin import CONNECTIONS_AT_MOST, AdminPort, check_page, metrics_page
from router.serving.settings import Address, SettingsError

ANY = Address(host="127.0.0.1", port=0)
TROUBLE: list[str] = []


@pytest.fixture
def admin() -> Iterator[AdminPort]:
    registry = CollectorRegistry()
    Counter("asked", "Asked.", registry=registry)
    pages = {
        "/isready": check_page(lambda: "".join(TROUBLE)),
        "/metrics": metrics_page(registry),
    }
    port = AdminPort(ANY, pages, seconds=1.0)
    port.begin()
    yield port
    port.end()
    TROUBLE.clear()


def ask(
    admin: AdminPort, path: str, method: str = "GET", **headers: str
) -> tuple[int, str, http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(admin.address.host, admin.address.port, timeout=5)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body, answer


def test_metrics_are_text_for_everybody_and_openmetrics_for_who_asks(admin: AdminPort) -> None:
    status, body, answer = ask(admin, "/metrics?name=x")
    assert (status, "asked_total 0.0" in body) == (200, True)
    assert (answer.headers["Content-Type"] or "").startswith("text/plain; version=")
    _, body, answer = ask(admin, "/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert (answer.headers["Content-Type"] or "").startswith("application/openmetrics-text")
    assert body.endswith("# EOF\n")


def test_a_check_fails_with_its_reason(admin: AdminPort) -> None:
    assert ask(admin, "/isready")[:2] == (200, "ok\n")
    TROUBLE.append("the journal cannot be written")
    assert ask(admin, "/isready")[:2] == (503, "the journal cannot be written\n")


def test_anything_else_is_not_found_and_nothing_is_taken(admin: AdminPort) -> None:
    assert ask(admin, "/")[:2] == (404, "/isready, /metrics\n")
    status, _, answer = ask(admin, "/metrics", "POST")
    assert (status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert ask(admin, "/isready", "HEAD")[:2] == (200, "")


def test_many_half_open_connections_take_one_thread_and_keep_nobody_out(admin: AdminPort) -> None:
    threads = threading.active_count()
    where = (admin.address.host, admin.address.port)
    half_open = [socket.create_connection(where) for _ in range(3 * CONNECTIONS_AT_MOST)]
    for connection in half_open:
        # The first of them are pushed out by those behind, maybe before they said a word.
        with suppress(ConnectionError):
            connection.sendall(b"GET /metrics HTTP/1.1\r\n")
    assert ask(admin, "/metrics")[0] == 200
    # Not one more; of others' tests some may have ended.
    assert threading.active_count() <= threads
    # Those that were not pushed out are ended when their time is up.
    for connection in half_open:
        connection.settimeout(5)
        with suppress(ConnectionResetError):
            assert connection.recv(1) == b""
        connection.close()


def test_a_request_without_an_end_is_not_held_and_is_told_how_long_one_may_be(
    admin: AdminPort,
) -> None:
    with socket.create_connection((admin.address.host, admin.address.port), timeout=5) as endless:
        endless.sendall(b"GET /metrics HTTP/1.1\r\nx: " + b"y" * 9_000)
        told = b""
        with suppress(ConnectionResetError):
            while more := endless.recv(4096):
                told += more
    assert told.startswith(b"HTTP/1.1 431 ")
    assert told.endswith(b"at most 8192 bytes\n")


def test_a_long_path_is_told_how_long_one_may_be(admin: AdminPort) -> None:
    status, body, _ = ask(admin, "/metrics?" + "x" * 9_000)
    assert (status, "8192 bytes" in body) == (431, True)


def test_a_taken_port_is_told_by_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            SettingsError, match=rf"^--metrics: cannot listen on 127.0.0.1:{port}: "
        ):
            AdminPort(Address(host="127.0.0.1", port=port), {})
