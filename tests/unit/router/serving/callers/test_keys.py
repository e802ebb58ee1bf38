"""Keys of tokens come from an address aside from calls; what was good stands when they do not."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from router.serving.callers.access import TokenRefused
from router.serving.callers.keys import (
    KEYS_BYTES_AT_MOST,
    UNKNOWN_KEY_SECONDS,
    Keys,
    KeysRefused,
    _fetched,
    check_source,
)
from router.serving.callers.tokens import Tokens
from router.serving.settings import SettingsError
from tests.authority import AUDIENCE, ISSUER, Issuer, key_set


class Address:
    """An issuer's address that answers what it is told to, and counts how often it is asked."""

    def __init__(self) -> None:
        self.body, self.status, self.asked = b"", 200, 0
        self.was_asked = threading.Condition()
        self.url = ""

    def wait_for(self, asked: int) -> None:
        with self.was_asked:
            assert self.was_asked.wait_for(lambda: self.asked >= asked, 5)


@contextmanager
def an_address() -> Iterator[Address]:
    address = Address()

    class Answering(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(address.status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", str(len(address.body)))
            self.end_headers()
            self.wfile.write(address.body)
            with address.was_asked:
                address.asked += 1
                address.was_asked.notify_all()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    address.url = f"http://127.0.0.1:{server.server_port}/keys"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield address
    server.shutdown()
    server.server_close()
    thread.join()


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


OLD, NEW = Issuer(kid="old"), Issuer(kid="new")


def test_a_rotated_key_is_found_aside_and_made_up_ones_do_not_ask_again() -> None:
    clock = Clock()
    with an_address() as address:
        address.body = key_set(OLD)
        with closing(Keys(address.url, clock)) as keys:
            tokens = Tokens(ISSUER, AUDIENCE, keys)
            while not keys.known:
                pass
            for _ in range(100):
                tokens.claims(OLD.token("c0de"))
                with pytest.raises(TokenRefused):
                    tokens.claims(NEW.token("c0de"))
            address.wait_for(1)
            assert address.asked == 1

            address.body = key_set(OLD, NEW)
            clock.now += UNKNOWN_KEY_SECONDS
            with pytest.raises(TokenRefused):
                tokens.claims(NEW.token("c0de"))
            while keys.count == 1:
                pass
            assert tokens.claims(NEW.token("c0de"))
            # The keys may be known before their address has counted.
            address.wait_for(2)
            assert address.asked == 2


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, b"down"),
        (302, b""),
        (200, b"<html>"),
        (200, b" " * (KEYS_BYTES_AT_MOST + 1)),
        (200, key_set()),
    ],
)
def test_while_the_address_is_down_the_last_good_keys_stand(status: int, body: bytes) -> None:
    clock = Clock()
    with an_address() as address:
        address.body = key_set(OLD)
        with closing(Keys(address.url, clock)) as keys:
            while not keys.known:
                pass
            address.status, address.body = status, body
            clock.now += 3_600
            keys.find("unknown")
            address.wait_for(2)
            assert Tokens(ISSUER, AUDIENCE, keys).claims(OLD.token("c0de"))
            assert keys.age == 3_600


def test_a_set_that_trickles_in_is_given_up() -> None:
    with an_address() as address:
        address.body = b" " * (1 << 19)
        with pytest.raises(KeysRefused, match=r"did not come within 0 s"):
            _fetched(address.url, within=0)


@pytest.mark.parametrize(
    "source",
    [
        "http://login.example.org/keys",
        "ftp://login.example.org/keys",
        "file:///etc/passwd",
        "https://",
        "https://user:pw@login.example.org/keys",
        "http://localhost.example.org/keys",
        "https://[::1/keys",
    ],
)
def test_keys_come_by_https_or_from_this_machine(source: str) -> None:
    with pytest.raises(SettingsError, match="--token-jwks: must be https://") as refused:
        check_source(source)
    assert "pw" not in str(refused.value)


def test_or_from_a_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="neither https://"):
        check_source(str(tmp_path / "gone.json"))
    (tmp_path / "keys.json").touch()
    check_source(str(tmp_path / "keys.json"))
    for good in ("https://login.example.org/keys", "http://127.0.0.1:8080/keys"):
        check_source(good)
