"""A client of bare HTTP/2 frames that reads grpc-status, and can send more than is answered.

A client of grpcio takes as long for a call as the server does, and h2load takes every refusal for
an answer. This one sends bytes that were written beforehand, under another stream's number, and
looks into each answer for what it must hold.
"""

from __future__ import annotations

import argparse
import json
import selectors
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GO_AWAY, _WINDOW = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_TABLE_SIZE, _STREAM_WINDOW = 1, 4
_MOST = 2**31 - 1
_FIRST_WINDOW = 65_535
_CANCEL = 8
# As gRPC's clients take a stream that ends without a status.
_OF_RESET = {7: "UNAVAILABLE", _CANCEL: "CANCELLED", 11: "RESOURCE_EXHAUSTED"}
_NAMES = (
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND"),
    *("ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"),
    *("ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"),
    "UNAUTHENTICATED",
)
_REFUSED = ("RESOURCE_EXHAUSTED", "CANCELLED", "UNAVAILABLE")
_STATUS, _DETAILS = b"grpc-status", b"grpc-status-details-bin"
_HEAD = struct.Struct(">HBBBI")


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Writes a frame."""
    size = len(payload)
    return _HEAD.pack(size >> 8, size & 255, kind, flags, stream) + payload


def _text(text: str) -> bytes:
    """Writes a text as it is, behind its length: in one byte, or in steps of seven bits."""
    data, rest = text.encode(), len(text) - 127
    if rest < 0:
        return bytes((len(data),)) + data
    size = bytearray((127,))
    while rest >= 128:
        size.append(rest & 127 | 128)
        rest >>= 7
    size.append(rest)
    return bytes(size) + data


def headers(method: str, deadline: float | None, more: dict[str, str]) -> bytes:
    """Writes the headers of a call."""
    sent = {":method": "POST", ":scheme": "http", ":path": method, ":authority": "localhost"}
    sent |= {"content-type": "application/grpc", "te": "trailers"}
    if deadline is not None:
        sent["grpc-timeout"] = f"{round(deadline * 1000)}m"
    # None that a table keeps: each call's headers are the same bytes.
    return b"".join(b"\0" + _text(name) + _text(value) for name, value in (sent | more).items())


@dataclass(frozen=True, slots=True)
class Call:
    """A request, and what is looked for in its answer: no bytes are in every answer."""

    request: bytes
    holds: bytes = b""


def write_calls(path: Path, calls: Sequence[Call]) -> None:
    """Writes calls to the file that `main` reads."""
    path.write_text(json.dumps([(call.request.hex(), call.holds.hex()) for call in calls]))


def read_calls(path: Path) -> list[Call]:
    """Reads what `write_calls` wrote."""
    return [Call(*map(bytes.fromhex, pair)) for pair in json.loads(path.read_text())]


WRONG = "WRONG ANSWER"
"""The code of a call that ended well with another answer than it should."""


@dataclass(slots=True, kw_only=True)
class Seen:
    """What was seen of calls.

    Attributes:
        codes: calls by code; "RESOURCE_EXHAUSTED without details" and `WRONG` apart.
        times: seconds of the calls that were answered.
        sent: calls.
        again: times that calls were sent again.
        seconds: that calls were begun for.
        ended: calls that have ended, also before and after those that are told of.
    """

    codes: Counter[str] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    sent: int = 0
    again: int = 0
    seconds: float = 0.0
    ended: int = 0


class _Connection:
    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        settings = struct.pack(">HIHI", _TABLE_SIZE, 0, _STREAM_WINDOW, _MOST)
        self.out = bytearray(PREFACE + frame(_SETTINGS, 0, 0, settings))
        self.out += frame(_WINDOW, 0, 0, struct.pack(">I", _MOST - _FIRST_WINDOW))
        self.read = b""
        self.next = 1
        self.window = _FIRST_WINDOW
        self.waiting = 0
        # When a call began, how often it was refused before, and which it is.
        self.begun: dict[int, tuple[float, int, int]] = {}
        self.answers: dict[int, bytes] = {}


class Wire:
    """Sends calls over and over, one after the other, on several connections."""

    def __init__(
        self,
        port: int,
        method: str,
        calls: Sequence[Call],
        *,
        connections: int = 16,
        deadline: float | None = None,
        more: dict[str, str] | None = None,
    ) -> None:
        """Connects.

        Args:
            port: of the server, on this machine.
            method: its path.
            calls: each at most as large as a window of HTTP/2 is at first, 65,535 bytes.
            connections: over which calls are spread.
            deadline: seconds, that the server is told of; a call not ended by then is given up.
            more: metadata.
        """
        self._headers = headers(method, deadline, more or {})
        self._bodies = [
            b"\0" + struct.pack(">I", len(call.request)) + call.request for call in calls
        ]
        self._holds = [call.holds for call in calls]
        self._largest = max(map(len, self._bodies))
        self._next = 0
        self._deadline = deadline
        self._all = [_Connection(("127.0.0.1", port)) for _ in range(connections)]
        self._selector = selectors.DefaultSelector()
        for one in self._all:
            self._selector.register(one.socket, selectors.EVENT_READ, one)
        self._turn = 0
        self._due: deque[tuple[float, _Connection, int]] = deque()
        self._known: dict[bytes, str | None] = {}
        self._again = False
        self._tries = 1
        self._counting = True
        self._all_ended = 0
        self.under_way = 0
        self.seen = Seen()

    def closed(self, in_flight: int, seconds: float, warm: float = 0.0) -> Seen:
        """Keeps so many calls under way: whoever has its answer asks again at once."""
        self._again = True
        self._begin(in_flight)
        if warm:
            self._run(time.perf_counter() + warm)
            self.seen = Seen()
        began = time.perf_counter()
        self._run(began + seconds)
        self.seen.seconds = time.perf_counter() - began
        self._counting = False
        return self._finish()

    def open(self, rate: float, seconds: float, warm: float = 0.0, tries: int = 1) -> Seen:
        """Begins so many calls a second, whatever becomes of them.

        Only what ends while calls are begun is counted as answered. Those that are refused are sent
        again at once, until they have been sent as often as `tries` says.
        """
        self._tries = tries
        if warm:
            self._pour(rate, warm)
            self.seen = Seen()
        self.seen.seconds = self._pour(rate, seconds)
        self._counting = False
        return self._finish()

    def burst(self, calls: int) -> Seen:
        """Begins so many calls at once, and waits for all."""
        began = time.perf_counter()
        self._begin(calls)
        found = self._finish()
        found.seconds = time.perf_counter() - began
        return found

    def _pour(self, rate: float, seconds: float) -> float:
        began, done = time.perf_counter(), 0
        while (now := time.perf_counter() - began) < seconds:
            due = int(now * rate)
            self._begin(due - done)
            done = due
            self._step(0.001)
        return time.perf_counter() - began

    def _run(self, until: float) -> None:
        while time.perf_counter() < until:
            self._step(0.01)

    def _finish(self) -> Seen:
        self._again = False
        until = time.perf_counter() + 60
        while self.under_way and time.perf_counter() < until:
            self._step(0.01)
        if self.under_way:
            self.seen.codes["never ended"] += self.under_way
        for one in self._all:
            one.socket.close()
        self.seen.ended = self._all_ended
        return self.seen

    def _begin(self, calls: int) -> None:
        for _ in range(calls):
            self._turn = (self._turn + 1) % len(self._all)
            self._send(self._all[self._turn])
        self.under_way += calls
        self.seen.sent += calls

    def _send(self, one: _Connection, began: float | None = None, refused: int = 0) -> None:
        began = began or time.perf_counter()
        if one.window < self._largest:
            one.waiting += 1
            return
        self._next = (self._next + 1) % len(self._bodies)
        body = self._bodies[self._next]
        one.window -= len(body)
        stream = one.next
        one.next += 2
        one.out += frame(_HEADERS, _END_HEADERS, stream, self._headers)
        one.out += frame(_DATA, _END_STREAM, stream, body)
        one.begun[stream] = began, refused, self._next
        if self._deadline is not None:
            self._due.append((began + self._deadline, one, stream))

    def _step(self, wait: float) -> None:
        now = time.perf_counter()
        while self._due and self._due[0][0] <= now:
            _, one, stream = self._due.popleft()
            if stream in one.begun:
                one.out += frame(_RESET, 0, stream, struct.pack(">I", _CANCEL))
                self._ended(one, stream, "DEADLINE_EXCEEDED", now)
        for one in self._all:
            self._flush(one)
        for key, _ in self._selector.select(wait):
            self._read(key.data)

    def _flush(self, one: _Connection) -> None:
        while one.out:
            try:
                sent = one.socket.send(memoryview(one.out)[: 1 << 18])
            except BlockingIOError:
                return
            del one.out[:sent]

    def _read(self, one: _Connection) -> None:
        try:
            data = one.socket.recv(1 << 20)
        except BlockingIOError:
            return
        if not data:
            raise SystemExit("the server closed a connection")
        data = one.read + data
        at, end, now = 0, len(data), time.perf_counter()
        while end - at >= _HEAD.size:
            high, low, kind, flags, stream = _HEAD.unpack_from(data, at)
            size = high << 8 | low
            if end - at < _HEAD.size + size:
                break
            at += _HEAD.size
            if kind == _HEADERS:
                if flags & _END_STREAM:
                    self._ended(one, stream, self._code(data[at : at + size]), now)
            elif kind == _DATA:
                one.answers[stream] = one.answers.get(stream, b"") + data[at : at + size]
            else:
                self._control(one, kind, flags, stream, data[at : at + size], now)
            at += size
        one.read = data[at:]

    def _control(
        self, one: _Connection, kind: int, flags: int, stream: int, payload: bytes, now: float
    ) -> None:
        if kind == _RESET:
            reset = int.from_bytes(payload)
            self._ended(one, stream, _OF_RESET.get(reset, f"INTERNAL (reset {reset})"), now)
        elif kind == _WINDOW and not stream:
            one.window += int.from_bytes(payload)
            while one.waiting and one.window >= self._largest:
                one.waiting -= 1
                self._send(one)
        elif kind == _SETTINGS and not flags & _ACK:
            one.out += frame(_SETTINGS, _ACK, 0)
        elif kind == _PING and not flags & _ACK:
            one.out += frame(_PING, _ACK, 0, payload)
        elif kind == _GO_AWAY:
            raise SystemExit(f"the server sent a connection away: {payload!r}")

    def _code(self, block: bytes) -> str:
        known = self._known.get(block)
        if known is None:
            at = block.find(_STATUS + b"\1"), block.find(_STATUS + b"\2")
            if max(at) < 0:
                raise SystemExit(f"no grpc-status in {block!r}")
            start = max(at) + len(_STATUS)
            number = int(block[start + 1 : start + 1 + block[start]])
            known = _NAMES[number]
            if known == "RESOURCE_EXHAUSTED" and _DETAILS not in block:
                known += " without details"
            self._known[block] = known
        return known

    def _ended(self, one: _Connection, stream: int, code: str, now: float) -> None:
        known, answer = one.begun.pop(stream, None), one.answers.pop(stream, b"")
        # Given up before: what comes after is not heard.
        if known is None:
            return
        began, refused, number = known
        if code == "OK" and self._holds[number] not in answer:
            code = WRONG
        if code in _REFUSED and refused + 1 < self._tries and self._counting:
            self.seen.again += 1
            self._send(one, began, refused + 1)
            return
        self.under_way -= 1
        self._all_ended += 1
        if self._counting:
            self.seen.codes[code] += 1
            if code == "OK":
                self.seen.times.append(now - began)
        elif code != "OK":
            self.seen.codes[code] += 1
        if self._again:
            self.under_way += 1
            self.seen.sent += 1
            self._send(one)


def told_of(seen: Seen) -> str:
    """Writes what was seen as one line of JSON: rates a second, times in seconds."""
    times = sorted(seen.times)
    return json.dumps(
        {
            "codes": seen.codes,
            "rate": len(times) / seen.seconds,
            "p50": times[len(times) // 2] if times else None,
            "p99": times[len(times) * 99 // 100] if times else None,
            "sent": seen.sent,
            "again": seen.again,
            "seconds": seen.seconds,
            "ended": seen.ended,
        }
    )


def main(told: str, *, client: Callable[..., object] | None = None) -> None:
    """Sends what the one word of JSON tells, and prints what was seen.

    Args:
        told: port, method and the rest of what makes a client; calls; and what it is to do.
        client: makes one; `Wire` if None.
    """
    asked = json.loads(told)
    calls = read_calls(Path(asked.pop("calls")))
    mode, values = asked.pop("mode"), asked.pop("values")
    made = (client or Wire)(asked.pop("port"), asked.pop("method"), calls, **asked)
    print(told_of(getattr(made, mode)(**values)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.wire", description=__doc__)
    parser.add_argument("told", help="JSON: where and what to call, and how; see `main`")
    asked = parser.parse_args()
    main(asked.told)
