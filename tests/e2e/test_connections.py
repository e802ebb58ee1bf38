"""Connections and calls that hold room and send nothing, over real sockets."""

from __future__ import annotations

import socket
from collections.abc import Callable

from router.v1 import channel_router_pb2
from tests.builders import a_case
from tests.e2e.conftest import Server

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
