"""A client of grpcio for what is larger than a window of HTTP/2: batches, and streams.

It counts calls of batches and messages of streams, as `bench.wire` counts calls.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import grpc

from bench.wire import WRONG, Call, Seen, read_calls, told_of

# A server is never idle while a client reads an answer.
AT_ONCE = 4
# Messages of a stream that wait for their answers.
AHEAD = 16


def batches(channel: grpc.Channel, method: str, calls: Sequence[Call], seconds: float) -> Seen:
    """Keeps some calls under way for so many seconds."""
    ask: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
        method, request_serializer=None, response_deserializer=None
    )
    seen = Seen()

    def asking(first: int) -> None:
        number = first
        while (began := time.perf_counter()) < until:
            call = calls[number % len(calls)]
            number += AT_ONCE
            try:
                answer = ask(call.request, timeout=60)
            except grpc.RpcError as error:
                count(seen, str(error.code()), None)
            else:
                took = time.perf_counter() - began
                count(seen, "OK" if call.holds in answer else WRONG, took)

    ask(calls[0].request, timeout=60)
    began = time.perf_counter()
    until = began + seconds
    in_threads(asking)
    seen.seconds = time.perf_counter() - began
    seen.ended = seen.codes.total()
    return seen


def streams(channel: grpc.Channel, method: str, calls: Sequence[Call], seconds: float) -> Seen:
    """Keeps some streams going for so many seconds, each with some messages ahead."""
    open_: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
        method, request_serializer=None, response_deserializer=None
    )
    seen = Seen()
    began = time.perf_counter()
    until = began + seconds

    def asking(first: int) -> None:
        room, sent = threading.Semaphore(AHEAD), []

        def requests() -> Iterator[bytes]:
            number = first
            while time.perf_counter() < until:
                room.acquire()
                sent.append(time.perf_counter())
                yield calls[number % len(calls)].request
                number += 1

        for place, answer in enumerate(open_(requests())):
            room.release()
            right = calls[(first + place) % len(calls)].holds in answer
            count(seen, "OK" if right else WRONG, time.perf_counter() - sent[place])

    in_threads(asking)
    seen.seconds = time.perf_counter() - began
    seen.ended = seen.codes.total()
    return seen


def count(seen: Seen, code: str, took: float | None) -> None:
    # One thread at a time runs Python, and a counter's sum is no more than that: a lock is for it.
    with _lock:
        seen.codes[code] += 1
        if code == "OK" and took is not None:
            seen.times.append(took)


_lock = threading.Lock()


def in_threads(asking: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=asking, args=(number,)) for number in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main(told: str) -> None:
    """Sends what the one word of JSON tells, and prints what was seen."""
    asked = json.loads(told)
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    send = {"batches": batches, "streams": streams}[asked["mode"]]
    with grpc.insecure_channel(f"127.0.0.1:{asked['port']}", options=options) as channel:
        calls = read_calls(Path(asked["calls"]))
        print(told_of(send(channel, asked["method"], calls, **asked["values"])))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.serving_peers.rpc", description=__doc__)
    parser.add_argument("told", help="JSON: where and what to call, and how; see `main`")
    asked = parser.parse_args()
    main(asked.told)
