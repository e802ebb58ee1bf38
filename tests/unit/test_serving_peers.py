"""What could be wrong quietly in the benchmark beside other servers."""

import socket
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from google.protobuf.wrappers_pb2 import BytesValue

from bench.serving_peers.http1 import Http1, whole
from bench.serving_peers.problem import bare, in_bytes, in_json
from bench.serving_peers.summary import endings, ratio, share_wrong, spread, verdict
from bench.wire import WRONG, Call

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n0.75"


def test_a_summary_is_the_median_and_the_ends() -> None:
    assert spread([3.0, 1.0, 20.0]).told() == "3 (1–20)"
    assert spread([2.0]).told(1) == "2.0"


def test_a_summary_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        spread([])


def test_a_ratio_is_taken_within_each_turn() -> None:
    # The second turn was ten times as slow for both: it says the same as the first.
    assert ratio([100.0, 10.0], [50.0, 5.0]) == spread([2.0])


def test_a_ratio_of_other_turns_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratio([1.0, 2.0], [1.0])


def test_an_aim_is_reached_or_missed_only_if_every_turn_says_so() -> None:
    straddling, above = spread([0.4, 1.6, 1.0]), spread([1.1, 1.2])
    assert verdict([above], 1.0, at_least=True) == "yes"
    assert verdict([above], 1.0, at_least=False) == "**no**"
    assert verdict([above, straddling], 0.9, at_least=True) == "turns disagree"


def test_calls_that_end_otherwise_are_told() -> None:
    assert share_wrong({"OK": 3, WRONG: 1}) == 0.25
    assert share_wrong({}) == 1.0
    assert endings([{"OK": 3}, {"CANCELLED": 1}]) == "OK 75%, CANCELLED 25%"


def test_an_answer_is_whole_when_as_much_has_come_as_it_says() -> None:
    assert whole(ANSWER) == (200, b"0.75")
    assert whole(ANSWER[:-1]) is None


def test_numbers_are_written_as_protobuf_does() -> None:
    rows = np.arange(40.0).reshape(1, -1)
    assert BytesValue.FromString(bare(rows)).value == rows.tobytes()


def test_an_answer_rounded_in_its_last_digit_is_right_and_another_is_wrong() -> None:
    chances = np.array([0.25, 0.7164264599999])
    nearly, other = np.nextafter(chances, 1), chances + 1e-6
    assert in_bytes(chances) in nearly.tobytes()
    assert in_bytes(chances) not in other.tobytes()
    assert in_json(chances) in repr(nearly.tolist()).encode()
    assert in_json(chances) not in repr(other.tolist()).encode()


@pytest.fixture
def port() -> Iterator[int]:
    """Gives the port of a server that gives every call the same answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                while connection.recv(1 << 16):
                    connection.sendall(ANSWER)

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(listening.getsockname()[1])
        thread.join()


def test_the_client_looks_into_answers(port: int) -> None:
    client = Http1(port, "/", [Call(b"{}", b"0.75"), Call(b"{}", b"0.50")])
    seen = client.closed(in_flight=1, seconds=0.2)
    assert seen.codes["OK"] >= 1
    assert seen.codes[WRONG] >= 1
