"""A client of HTTP/1.1 that looks at status and answer, and can send more than is answered.

It counts as `bench.wire` does, whose sibling it is: a connection has one call at a time, so calls
that find none free open another.
"""

from __future__ import annotations

import argparse
import selectors
import socket
import time
from collections import deque
from collections.abc import Sequence

from bench.wire import WRONG, Call, Seen, main

_HEAD_ENDS = b"\r\n\r\n"
_LENGTH = b"content-length: "
# Of open files a process may have more, and a server of one core never answers so many.
_CONNECTIONS = 8_000


def whole(data: bytes) -> tuple[int, bytes] | None:
    """Reads an answer: its status and body; None while some of it is still to come.

    Raises:
        SystemExit: if it does not say how long it is.
    """
    head, ends, body = data.partition(_HEAD_ENDS)
    if not ends:
        return None
    _, told, rest = head.lower().partition(_LENGTH)
    if not told:
        raise SystemExit(f"no content-length in {head!r}")
    if len(body) < int(rest.partition(b"\r\n")[0]):
        return None
    return int(head[9:12]), body


class _Connection:
    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.out = b""
        self.read = b""
        self.began: float | None = None
        self.number = 0


class Http1:
    """Posts JSON over and over, one call after the other."""

    def __init__(
        self, port: int, method: str, calls: Sequence[Call], *, deadline: float | None = None
    ) -> None:
        """Prepares.

        Args:
            port: of the server, on this machine.
            method: the path.
            calls: bodies in JSON.
            deadline: seconds after which a call that has not ended is given up.
        """
        self._address, self._deadline = ("127.0.0.1", port), deadline
        head = f"POST {method} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        self._requests = [
            f"{head}content-length: {len(call.request)}\r\n\r\n".encode() + call.request
            for call in calls
        ]
        self._holds = [call.holds for call in calls]
        self._selector = selectors.DefaultSelector()
        self._free: list[_Connection] = []
        self._due: deque[tuple[float, _Connection]] = deque()
        self._next = 0
        self._again = False
        self._counting = True
        self._all_ended = 0
        self.under_way = 0
        self.seen = Seen()

    def closed(self, in_flight: int, seconds: float, warm: float = 0.0) -> Seen:
        """Keeps so many calls under way: whoever has its answer asks again at once."""
        self._again = True
        for _ in range(in_flight):
            self._begin()
        self._run(time.perf_counter() + warm)
        self.seen = Seen()
        began = time.perf_counter()
        self._run(began + seconds)
        self.seen.seconds = time.perf_counter() - began
        return self._finish()

    def open(self, rate: float, seconds: float) -> Seen:
        """Begins so many calls a second, and counts as answered what ends while they are begun."""
        began, done = time.perf_counter(), 0
        while (now := time.perf_counter() - began) < seconds:
            for _ in range(int(now * rate) - done):
                self._begin()
            done = int(now * rate)
            self._step(0.001)
        self.seen.seconds = time.perf_counter() - began
        return self._finish()

    def burst(self, calls: int) -> Seen:
        """Begins so many calls at once, and waits for all."""
        began = time.perf_counter()
        for _ in range(calls):
            self._begin()
        while self.under_way:
            self._step(0.01)
        self.seen.seconds = time.perf_counter() - began
        return self._finish()

    def _finish(self) -> Seen:
        self._again = self._counting = False
        until = time.perf_counter() + 60
        while self.under_way and time.perf_counter() < until:
            self._step(0.01)
        if self.under_way:
            self.seen.codes["never ended"] += self.under_way
        self.seen.ended = self._all_ended
        for key in list(self._selector.get_map().values()):
            key.data.socket.close()
        self._selector.close()
        return self.seen

    def _run(self, until: float) -> None:
        while time.perf_counter() < until:
            self._step(0.01)

    def _begin(self) -> None:
        self.seen.sent += 1
        if not self._free:
            if self.under_way >= _CONNECTIONS:
                self.seen.codes["no connection left"] += 1
                return
            try:
                one = _Connection(self._address)
            except OSError:
                self.seen.codes["refused to connect"] += 1
                return
            self._selector.register(one.socket, selectors.EVENT_READ, one)
            self._free.append(one)
        one = self._free.pop()
        self._next = (self._next + 1) % len(self._requests)
        one.number, one.began, one.read = self._next, time.perf_counter(), b""
        one.out = self._requests[self._next]
        self.under_way += 1
        if self._deadline:
            self._due.append((one.began + self._deadline, one))
        self._flush(one)

    def _flush(self, one: _Connection) -> None:
        try:
            one.out = one.out[one.socket.send(one.out) :]
        except BlockingIOError:
            pass
        except OSError:
            self._gone(one, "closed by the server")
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if one.out else 0)
        self._selector.modify(one.socket, wanted, one)

    def _step(self, wait: float) -> None:
        now = time.perf_counter()
        while self._due and self._due[0][0] <= now:
            due, one = self._due.popleft()
            # A connection that had its answer may have another call by now.
            if one.began is not None and one.began + (self._deadline or 0) == due:
                self._gone(one, "DEADLINE_EXCEEDED")
        for key, events in self._selector.select(wait):
            one = key.data
            if events & selectors.EVENT_WRITE:
                self._flush(one)
            if events & selectors.EVENT_READ and one.socket.fileno() >= 0:
                self._read(one)

    def _read(self, one: _Connection) -> None:
        try:
            data = one.socket.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._gone(one, "closed by the server")
            return
        one.read += data
        if one.began is None or (answer := whole(one.read)) is None:
            return
        status, body = answer
        code = "OK" if status == 200 else f"HTTP {status}"
        if code == "OK" and self._holds[one.number] not in body:
            code = WRONG
        self._ended(one, code)
        self._free.append(one)
        if self._again:
            self._begin()

    def _gone(self, one: _Connection, code: str) -> None:
        """Counts a call that got no answer; its connection is of no more use."""
        if one.began is not None:
            self._ended(one, code)
        elif one in self._free:
            self._free.remove(one)
        self._selector.unregister(one.socket)
        one.socket.close()

    def _ended(self, one: _Connection, code: str) -> None:
        began, one.began = one.began or 0.0, None
        self.under_way -= 1
        self._all_ended += 1
        if self._counting:
            self.seen.codes[code] += 1
            if code == "OK":
                self.seen.times.append(time.perf_counter() - began)
        elif code != "OK":
            self.seen.codes[code] += 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m bench.serving_peers.http1", description=__doc__
    )
    parser.add_argument("told", help="JSON: where and what to call, and how; see `main`")
    asked = parser.parse_args()
    main(asked.told, client=Http1)
