"""Connections and calls that hold room and send nothing, or next to nothing, over real sockets."""

from __future__ import annotations

import socket
from collections.abc import Callable

import grpc
import psutil
import pytest

from router.v1 import channel_router_pb2
from tests.builders import a_case
from tests.e2e.conftest import Server, of_bytes

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\0\0\0\4\0\0\0\0\0"
REQUEST = channel_router_pb2.RecommendRequest(case=a_case())
StartServer = Callable[..., Server]


def joined(address: str, *sent: bytes) -> socket.socket:
    """Opens a connection, and sends what is given."""
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=20)
    for data in sent:
        connection.sendall(data)
    return connection


def ended(connection: socket.socket) -> bool:
    """Tells whether the server has ended a connection; else it has said something on it."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_of_too_many_connections_one_more_is_closed_and_the_others_are_served(
    start_server: StartServer,
) -> None:
    # The server's own channel is one of them.
    server = start_server("--max-connections", "3")
    held = [joined(server.listen, PREFACE, SETTINGS) for _ in range(2)]
    assert not any(map(ended, held))
    with joined(server.listen) as another:
        assert ended(another)
    assert server.router.Recommend(REQUEST, timeout=20)
    for connection in held:
        connection.close()


@pytest.mark.parametrize(
    ("cases", "told"),
    [
        (49_000, "has 49,000 cases; 1 to 1,000 are permitted"),
        (520_000, "has 520,000 entries; 50,000 are permitted"),
    ],
)
def test_what_was_made_of_refused_requests_does_not_stay_in_memory(
    start_server: StartServer, cases: int, told: str
) -> None:
    server = start_server()
    batch = of_bytes(server.channel, "/router.v1.ChannelRouter/RecommendBatch")
    before = psutil.Process(server.process.pid).memory_info().rss
    for _ in range(60):
        with pytest.raises(grpc.RpcError) as refused:
            # An empty case is two bytes, and two hundred once it is read.
            batch(b"\x0a\x00" * cases, timeout=20)
        assert told in (refused.value.details() or "")
    grown = psutil.Process(server.process.pid).memory_info().rss - before
    assert grown < 200 << 20
