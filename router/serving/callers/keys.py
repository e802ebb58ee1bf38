"""The public keys of an issuer of tokens: its JWKS, from an address or a file, followed aside.

No call waits for them: a thread of its own fetches them, and what was good stands while that fails.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from router.files.plain_files import plain_bytes
from router.loopback import is_loopback
from router.serving.settings import SettingsError

try:
    import jwt
except ImportError as missing:
    raise SettingsError(
        "token_issuer", f"tokens need PyJWT; install channel-router[tokens] ({missing})"
    ) from missing

KEYS_BYTES_AT_MOST = 1 << 20
"""Bytes of a set of keys."""
KEYS_AT_MOST = 100
"""Keys of a set."""
FOLLOW_SECONDS = 300.0
"""Between looks at an address; issuers tell of a new key days before they use it."""
UNKNOWN_KEY_SECONDS = 30.0
"""At least so long after a look until an unknown key makes for another one."""
FETCH_SECONDS = 10.0
"""Within which a set must have come."""
# A file is near: it may be looked at as often as policies are.
_FILE_SECONDS = 5.0
# Without a key nobody can call.
_NO_KEY_SECONDS = 2.0
_RSA_BITS_AT_LEAST = 2048
_RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_OF_CURVES = {
    "P-256": frozenset({"ES256"}),
    "P-384": frozenset({"ES384"}),
    "P-521": frozenset({"ES512"}),
    "Ed25519": frozenset({"EdDSA"}),
}

_log = logging.getLogger(__name__)


class KeysRefused(Exception):
    """A set of keys cannot be used; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A public key, and the algorithms that it verifies: asymmetric ones alone."""

    public: Any
    algorithms: tuple[str, ...]


def check_source(source: str) -> None:
    """Checks what names a set of keys: an address by https, or a file.

    Raises:
        SettingsError: if it can be neither.
    """
    if "://" not in source:
        if not Path(source).is_file():
            raise SettingsError("token_jwks", f"{source!r} is neither https://... nor a file")
        return
    try:
        parts = urlsplit(source)
        plain = parts.scheme == "http" and is_loopback(parts.hostname or "")
        bad = not parts.hostname or parts.username is not None
    except ValueError:
        plain, bad = False, True
    # Whoever could change the keys on their way could be any caller.
    if bad or not (plain or parts.scheme == "https"):
        raise SettingsError(
            "token_jwks",
            "must be https://HOST/..., without a user's name; http is permitted on this machine "
            "alone",
        )


def read_keys(document: bytes) -> Mapping[str, Key]:
    """Reads a set of keys, by key id; those that verify no signature of ours are left out.

    Raises:
        KeysRefused: if it is no set, or holds no key that can be used.
    """
    try:
        listed = json.loads(document)["keys"]
        if not isinstance(listed, list) or len(listed) > KEYS_AT_MOST:
            raise KeysRefused(f"keys: is not a list of at most {KEYS_AT_MOST}")
        found: dict[str, Key] = {}
        for one in listed:
            key = _key(one)
            if key is None:
                continue
            if one["kid"] in found:
                raise KeysRefused("keys: two have the same kid")
            found[one["kid"]] = key
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise KeysRefused(f"is not a JSON Web Key Set ({type(problem).__name__})") from None
    if not found:
        raise KeysRefused("keys: none has a kid and verifies RS, PS, ES or EdDSA signatures")
    return found


def _key(one: Mapping[str, Any]) -> Key | None:
    """Reads a key; None if it is for something else, or too weak."""
    kind, identity = one.get("kty"), one.get("kid")
    if not isinstance(identity, str) or not identity or one.get("use", "sig") != "sig":
        return None
    # Never "oct": a secret that verifies also signs.
    algorithms = _RSA if kind == "RSA" else _OF_CURVES.get(str(one.get("crv")), frozenset())
    if "alg" in one:
        algorithms &= {one["alg"]}
    if kind not in {"RSA", "EC", "OKP"} or not algorithms:
        return None
    try:
        public = jwt.PyJWK({**one, "alg": min(algorithms)}).key
    except jwt.PyJWTError:
        return None
    if kind == "RSA" and public.key_size < _RSA_BITS_AT_LEAST:
        return None
    return Key(public=public, algorithms=tuple(sorted(algorithms)))


class Keys:
    """Follows a set of keys from a thread of its own.

    Attributes:
        generation: rises with each change: what was verified with keys before it must be again.
    """

    def __init__(self, source: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Looks at once, and goes on looking until it is closed."""
        self._source = source
        self._is_file = "://" not in source
        self._clock = clock
        self._keys: Mapping[str, Key] = {}
        self._last: bytes | None = None
        self._good_at: float | None = None
        self._tried_at = clock()
        self.generation = 0

        self._changed = threading.Condition()
        self._wanted = False
        self._closing = False
        # No reason to stay for: what it waits for may never come.
        self._thread = threading.Thread(target=self._follow, name="keys", daemon=True)
        self._thread.start()

    @property
    def known(self) -> bool:
        """Whether a set was ever read."""
        return self._good_at is not None

    @property
    def count(self) -> int:
        """How many keys there are."""
        return len(self._keys)

    @property
    def age(self) -> float:
        """Seconds since a set was last read; NaN if none ever was."""
        return float("nan") if self._good_at is None else self._clock() - self._good_at

    def find(self, identity: str) -> Key | None:
        """Gives a key; one that is unknown is looked for aside, and may be known next time."""
        key = self._keys.get(identity)
        # Whoever makes key ids up must not make us ask the issuer each time.
        if key is None and self._clock() - self._tried_at >= UNKNOWN_KEY_SECONDS:
            with self._changed:
                self._wanted = True
                self._changed.notify()
        return key

    def close(self) -> None:
        """Ceases to look."""
        with self._changed:
            self._closing = True
            self._changed.notify()

    def _follow(self) -> None:
        while not self._closing:
            self._look()
            seconds = FOLLOW_SECONDS if self.known else _NO_KEY_SECONDS
            with self._changed:
                self._changed.wait_for(
                    lambda: self._wanted or self._closing,
                    _FILE_SECONDS if self._is_file else seconds,
                )
                self._wanted = False

    def _look(self) -> None:
        self._tried_at = self._clock()
        try:
            document = self._read()
            if document != self._last:
                self._keys = read_keys(document)
                self._last = document
                self.generation += 1
                _log.info("keys of tokens taken", extra={"keys": len(self._keys)})
            self._good_at = self._clock()
        except Exception as problem:  # whatever it is, the next look may be better
            told = str(problem) if isinstance(problem, KeysRefused) else type(problem).__name__
            _log.error(
                "keys of tokens could not be read; those known before stand",
                extra={"problem": told, "keys": len(self._keys)},
            )

    def _read(self) -> bytes:
        if self._is_file:
            return plain_bytes(Path(self._source), KEYS_BYTES_AT_MOST, links=True)
        return _fetched(self._source)


def _fetched(address: str, within: float = FETCH_SECONDS) -> bytes:
    """Fetches a document, within bounds of size and time.

    Args:
        address: of it.
        within: seconds that it may take to come once it has begun to.

    Raises:
        KeysRefused: if it is too large or too slow, or the answer is a redirection.
        OSError: if it cannot be had.
    """
    host = urlsplit(address).hostname or ""
    handlers: list[urllib.request.BaseHandler] = [_Straight()]
    if is_loopback(host):
        handlers.append(urllib.request.ProxyHandler({}))
    until = time.monotonic() + within
    request = urllib.request.Request(address, headers={"Accept": "application/json"})
    with urllib.request.build_opener(*handlers).open(request, timeout=FETCH_SECONDS) as answer:
        found = b""
        while part := answer.read1(1 << 16):
            found += part
            if len(found) > KEYS_BYTES_AT_MOST:
                raise KeysRefused(f"is larger than {KEYS_BYTES_AT_MOST} bytes")
            if time.monotonic() > until:
                raise KeysRefused(f"did not come within {within:g} s")
        return found


class _Straight(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: it might lead to an address that was never checked."""

    def redirect_request(self, *_: object) -> NoReturn:
        """Refuses.

        Raises:
            KeysRefused: always.
        """
        raise KeysRefused("the address redirects; give the one that it leads to")
