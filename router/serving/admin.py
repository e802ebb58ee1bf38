"""The admin port, HTTP for those who run the server: /isalive, /isready and /metrics, no more.

It has a thread and a loop of its own, so that it answers also while calls keep theirs busy, and one
thread however many connections are open. Each connection has one request and little time for it;
when there are too many, the oldest goes, so that whoever comes next is heard.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from router.serving.settings import Address, SettingsError, cannot_listen

CONNECTIONS_AT_MOST = 100
"""Connections at once; one more ends the oldest."""
SECONDS = 5.0
"""Time for a request to arrive, and then for its answer to leave."""
_HEAD_BYTES_AT_MOST = 8 << 10
_BACKLOG = 128
_TEXT = "text/plain; charset=utf-8"


class Page(NamedTuple):
    """What is answered."""

    status: HTTPStatus
    body: bytes
    kind: str = _TEXT


Pages = Mapping[str, Callable[[str], Page]]
"""By path, what gives its page; it is told the request's Accept header."""


def metrics_page(registry: CollectorRegistry) -> Callable[[str], Page]:
    """Gives what answers with a registry's metrics, as text or OpenMetrics."""

    def page(accept: str) -> Page:
        encode, kind = choose_encoder(accept)
        return Page(HTTPStatus.OK, encode(registry), kind)

    return page


def check_page(problem: Callable[[], str]) -> Callable[[str], Page]:
    """Gives what answers 200 as long as there is no problem, and else 503 with it."""

    def page(_: str) -> Page:
        told = problem()
        status = HTTPStatus.SERVICE_UNAVAILABLE if told else HTTPStatus.OK
        return Page(status, f"{told or 'ok'}\n".encode())

    return page


class AdminPort:
    """Answers with pages. It listens once made, and answers once begun.

    Raises:
        SettingsError: if the address cannot be listened on.
    """

    def __init__(self, address: Address, pages: Pages, *, seconds: float = SECONDS) -> None:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        try:
            self._socket = socket.create_server(
                (address.host, address.port), family=family, backlog=_BACKLOG
            )
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else error
            raise SettingsError("metrics", cannot_listen(address, why)) from None
        self.address = Address(host=address.host, port=self._socket.getsockname()[1])
        self._pages = pages
        self._seconds = seconds
        # In the order in which they came.
        self._open: dict[asyncio.StreamWriter, None] = {}
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="admin", daemon=True)

    def begin(self) -> None:
        """Begins to answer."""
        self._thread.start()

    def end(self) -> None:
        """Ends, with whatever is open."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(
            self._connected, sock=self._socket, limit=_HEAD_BYTES_AT_MOST
        )
        await self._end.wait()
        server.close()
        for writer in list(self._open):
            writer.transport.abort()
        # Each ends by itself then; were they cancelled, each would be logged as an error.
        while self._open:
            await asyncio.sleep(0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open[writer] = None
        if len(self._open) > CONNECTIONS_AT_MOST:
            next(iter(self._open)).transport.abort()
        try:
            # Nobody is told why: too slow, or gone.
            with suppress(OSError, TimeoutError, EOFError):
                async with asyncio.timeout(self._seconds):
                    writer.write(await self._answered(reader))
                async with asyncio.timeout(self._seconds):
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
        finally:
            self._open.pop(writer, None)
            # Whatever was left of it.
            writer.transport.abort()

    async def _answered(self, reader: asyncio.StreamReader) -> bytes:
        """Reads a request and gives the answer to it."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            told = f"the head of a request has at most {_HEAD_BYTES_AT_MOST} bytes\n"
            return _written(Page(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, told.encode()))
        return self._answer(head.decode("latin-1"))

    def _answer(self, head: str) -> bytes:
        first, *headers = head.splitlines()
        method, _, rest = first.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        accept = ",".join(
            value
            for name, _, value in (line.partition(":") for line in headers)
            if name.lower() == "accept"
        )
        if method not in {"GET", "HEAD"}:
            page = Page(HTTPStatus.METHOD_NOT_ALLOWED, b"only GET and HEAD\n")
        elif path in self._pages:
            page = self._pages[path](accept)
        else:
            page = Page(HTTPStatus.NOT_FOUND, f"{', '.join(self._pages)}\n".encode())
        return _written(page, body=method != "HEAD")


def _written(page: Page, *, body: bool = True) -> bytes:
    lines = (
        f"HTTP/1.1 {page.status.value} {page.status.phrase}",
        f"Content-Type: {page.kind}",
        f"Content-Length: {len(page.body)}",
        "Cache-Control: no-store",
        "Connection: close",
        *(["Allow: GET, HEAD"] if page.status is HTTPStatus.METHOD_NOT_ALLOWED else []),
    )
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    return head + page.body if body else head
