"""Connections by the thousand: idle, slow, half open, reset, or not speaking HTTP/2 at all."""

from __future__ import annotations

import random
import resource
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import psutil

from router.v1 import channel_router_pb2_grpc
from tests.e2e.callers import REQUEST
from tests.faults.fault import NotAllowed, fault
from tests.faults.served import Served

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\0\0\0\4\0\0\0\0\0"
LINGER_NOT = struct.pack("ii", 1, 0)
MEMORY_MIB = 300.0
SLOW_SHARE = 100
SPARE = 200
CALLS = 20


@contextmanager
def many_files(count: int) -> Iterator[None]:
    """Lets this process and those that it starts hold so many files open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count + SPARE:
        raise NotAllowed(
            f"a process may hold {hard} files open, and {count} connections are too many"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + SPARE), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def joined(server: Served, *sent: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    for data in sent:
        connection.sendall(data)
    return connection


@fault(
    row="9",
    done="{} idle connections, one in a hundred more that send a byte for each answer that others "
    "get, as many half open, as many reset at once, as many that send noise",
    passes="others are answered all the while; memory stays below "
    f"{MEMORY_MIB:.0f} MiB; file descriptors are given back when they leave",
    full=10_000,
    short=100,
)
def connections(idle: int, folder: Path) -> str:
    slow, chance = max(1, idle // SLOW_SHARE), random.Random(9)
    with many_files(idle + 4 * slow):
        server = Served(folder)
        held: list[socket.socket] = []
        try:
            with server.channel() as channel:
                router = channel_router_pb2_grpc.ChannelRouterStub(channel)
                asked(router)
                process = psutil.Process(server.process.pid)
                before = process.num_fds()

                held += [joined(server, PREFACE, SETTINGS) for _ in range(idle)]
                asked(router)
                slowly = [joined(server) for _ in range(slow)]
                held += slowly
                for byte in PREFACE[:CALLS]:
                    for connection in slowly:
                        connection.sendall(bytes([byte]))
                    router.Recommend(REQUEST, timeout=20)
                held += [joined(server) for _ in range(slow)]
                for _ in range(slow):
                    connection = joined(server, PREFACE)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
                    connection.close()
                for _ in range(slow):
                    noise = joined(server, chance.choice((PREFACE, b"")), chance.randbytes(300))
                    held.append(noise)
                asked(router)
                memory = server.memory()

                for connection in held:
                    connection.close()
                # One by one, as the server sees that they have left.
                for _ in range(10_000):
                    router.Recommend(REQUEST, timeout=20)
                    if process.num_fds() <= before + SPARE // 10:
                        break
                left = process.num_fds() - before
                assert left <= SPARE // 10, f"{left} file descriptors were not given back"
                assert not server.errors(), server.errors()
        except grpc.RpcError as error:
            raise AssertionError(f"{error.code().name}: {error.details()}") from error
        finally:
            for connection in held:
                connection.close()
            server.end()
    assert memory < MEMORY_MIB, f"memory of {memory:.0f} MiB"
    return f"no failed call, memory {memory:.0f} MiB, {left} file descriptors more afterwards"


def asked(router: channel_router_pb2_grpc.ChannelRouterStub) -> None:
    """Asks a few times; each must be answered."""
    for _ in range(CALLS):
        router.Recommend(REQUEST, timeout=20)
