"""Tokens are verified by an issuer's public keys, and by nothing that a token says of itself."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from router.serving.callers.access import TokenRefused
from router.serving.callers.keys import Keys, KeysRefused, read_keys
from router.serving.callers.tokens import TOKENS_KEPT_AT_MOST, Tokens
from router.serving.status import CallersUnknown
from tests.authority import AUDIENCE, ISSUER, Issuer, key_set

ISSUERS = {name: Issuer(name, f"key-{name}") for name in ("RS256", "ES256", "EdDSA")}
ENTRA = ISSUERS["RS256"]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    path.write_bytes(key_set(*ISSUERS.values()))
    with closing(known(path)) as found:
        yield found


def known(source: Path | str) -> Keys:
    found = Keys(str(source))
    while not found.known:
        pass
    return found


def tokens(keys: Keys, clock: Callable[[], float] = time.time) -> Tokens:
    return Tokens(ISSUER, AUDIENCE, keys, clock)


def refusal(keys: Keys, token: str) -> str:
    with pytest.raises(TokenRefused) as refused:
        tokens(keys).claims(token)
    return refused.value.reason


@pytest.mark.parametrize("issuer", ISSUERS.values(), ids=ISSUERS)
def test_a_good_token_is_its_callers(keys: Keys, issuer: Issuer) -> None:
    assert tokens(keys).claims(issuer.token("c0de"))["azp"] == "c0de"


def soon(seconds: int) -> int:
    return int(time.time()) + seconds


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": soon(-60)}, "TOKEN_EXPIRED"),
        ({"nbf": soon(86_400)}, "TOKEN_NOT_YET_VALID"),
        ({"iat": soon(86_400)}, "TOKEN_NOT_YET_VALID"),
        ({"iss": "https://login.example.org/other/v2.0"}, "TOKEN_ISSUER"),
        ({"iss": ISSUER + "/"}, "TOKEN_ISSUER"),
        ({"aud": "another"}, "TOKEN_AUDIENCE"),
        ({"aud": []}, "TOKEN_CLAIM_MISSING"),
        ({"exp": None}, "TOKEN_CLAIM_MISSING"),
        ({"iat": None}, "TOKEN_CLAIM_MISSING"),
        ({"iss": None}, "TOKEN_CLAIM_MISSING"),
        ({"aud": None}, "TOKEN_CLAIM_MISSING"),
        ({"exp": "never"}, "TOKEN_UNREADABLE"),
        ({"nbf": []}, "TOKEN_UNREADABLE"),
    ],
)
def test_what_is_not_as_it_must_be_is_refused(
    keys: Keys, claims: dict[str, Any], reason: str
) -> None:
    assert refusal(keys, ENTRA.token("c0de", **claims)) == reason


def test_clocks_may_differ_a_little(keys: Keys) -> None:
    late = ENTRA.token("c0de", exp=soon(-20), nbf=soon(20), iat=soon(20))
    assert tokens(keys).claims(late)


def part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def forged(header: dict[str, Any], secret: bytes | None) -> str:
    """Signs the claims of a good token in another way, as an attacker would."""
    body = ENTRA.token("c0de").split(".")[1]
    signed = f"{part(header)}.{body}"
    mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest() if secret else b""
    return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def public_pem(issuer: Issuer) -> bytes:
    pem: bytes = issuer.key.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    return pem


@pytest.mark.parametrize("alg", ["none", "None", "NONE"])
def test_a_token_without_a_signature_is_nobodys(keys: Keys, alg: str) -> None:
    assert refusal(keys, forged({"alg": alg, "kid": ENTRA.kid}, None)).startswith("TOKEN_")


def test_a_public_key_is_no_shared_secret(keys: Keys) -> None:
    for secret in (public_pem(ENTRA), key_set(ENTRA), b"x"):
        token = forged({"alg": "HS256", "kid": ENTRA.kid, "typ": "JWT"}, secret)
        assert refusal(keys, token) == "TOKEN_ALGORITHM"


def test_a_token_does_not_bring_its_key_along(keys: Keys) -> None:
    mallory = Issuer("RS256", ENTRA.kid)
    assert refusal(keys, mallory.token("c0de")) == "TOKEN_SIGNATURE"
    brought = {"jwk": mallory.jwk, "jku": "https://evil.example/keys", "x5u": "https://evil"}
    assert refusal(keys, mallory.token("c0de", headers=brought)) == "TOKEN_SIGNATURE"
    assert refusal(keys, Issuer(kid="unknown").token("c0de")) == "TOKEN_KEY_UNKNOWN"


def test_the_key_of_another_kind_verifies_nothing(keys: Keys) -> None:
    other = Issuer("ES256", ENTRA.kid)
    assert refusal(keys, other.token("c0de")) == "TOKEN_ALGORITHM"


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a.b.c", "x" * 9_000, "é.é.é", "\0", "ey.ey", part({"alg": "RS256"}) + "..",
     part({"kid": 7, "alg": "RS256"}) + ".e30.", part({"kid": ["x"], "alg": []}) + ".e30."],
)  # fmt: skip
def test_what_is_no_token_is_refused_like_one(keys: Keys, token: str) -> None:
    assert refusal(keys, token).startswith("TOKEN_")


def test_what_must_be_understood_and_is_not_refuses_the_token(keys: Keys) -> None:
    critical = ENTRA.token("c0de", headers={"crit": ["exp"]})
    assert refusal(keys, critical).startswith("TOKEN_")


def test_a_cut_or_changed_signature_is_refused(keys: Keys) -> None:
    head, body, signature = ENTRA.token("c0de").split(".")
    for other in ("", signature[:-8], "A" * len(signature)):
        assert refusal(keys, f"{head}.{body}.{other}") in {"TOKEN_SIGNATURE", "TOKEN_UNREADABLE"}
    changed = part({"azp": "other", "iss": ISSUER, "aud": AUDIENCE, "iat": 1, "exp": soon(99)})
    assert refusal(keys, f"{head}.{changed}.{signature}") == "TOKEN_SIGNATURE"


def test_a_token_is_remembered_until_it_ends_and_no_longer(keys: Keys) -> None:
    now = [time.time()]
    verified = tokens(keys, lambda: now[0])
    token = ENTRA.token("c0de", exp=soon(600))
    first = verified.claims(token)
    assert verified.claims(token) is first
    now[0] += 600 + 31
    # Verified again, by the machine's own clock, to which it is still good: not the remembered one.
    assert verified.claims(token) is not first


def test_no_more_tokens_are_remembered_than_there_is_room_for(keys: Keys) -> None:
    verified = tokens(keys)
    sent = [ISSUERS["ES256"].token("c0de", jti=str(number)) for number in range(50)]
    for token in sent:
        verified.claims(token)
    assert len(verified._kept) == 50 <= TOKENS_KEPT_AT_MOST
    assert not any(token.encode() in map(bytes, verified._kept) for token in sent)


def test_a_key_that_is_taken_away_ends_its_tokens(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(key_set(*ISSUERS.values()))
    with closing(known(path)) as followed:
        verified, token = tokens(followed), ENTRA.token("c0de")
        verified.claims(token)
        path.write_bytes(key_set(ISSUERS["ES256"]))
        followed._look()
        with pytest.raises(TokenRefused, match="TOKEN_KEY_UNKNOWN"):
            verified.claims(token)


def test_the_last_good_keys_stand_when_there_are_none(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(key_set(ENTRA))
    with closing(known(path)) as followed:
        for bad in (b"", b"{}", b'{"keys": []}', b"[" * 100_000, b"\xff"):
            path.write_bytes(bad)
            followed._look()
        path.unlink()
        followed._look()
        assert tokens(followed).claims(ENTRA.token("c0de"))
        assert followed.count == 1


def test_before_the_first_keys_it_cannot_be_told_who_calls(tmp_path: Path) -> None:
    with closing(Keys(str(tmp_path / "none.json"))) as unknown:
        with pytest.raises(CallersUnknown):
            tokens(unknown).claims(ENTRA.token("c0de"))
        assert unknown.age != unknown.age


WEAK = {
    "a secret": {"kty": "oct", "k": "c2VjcmV0", "kid": "x", "alg": "HS256"},
    "without kid": {name: value for name, value in ENTRA.jwk.items() if name != "kid"},
    "to encrypt with": {**ENTRA.jwk, "use": "enc"},
    "of a secret's algorithm": {**ENTRA.jwk, "alg": "HS256"},
    "without an algorithm": {**ENTRA.jwk, "alg": "none"},
    "of an unknown curve": {**ISSUERS["ES256"].jwk, "crv": "P-999"},
    "no key": {"kty": "RSA", "kid": "x"},
}


@pytest.mark.parametrize("key", WEAK.values(), ids=WEAK)
def test_keys_that_verify_no_signature_of_ours_are_left_out(key: dict[str, Any]) -> None:
    with pytest.raises(KeysRefused, match="none has a kid"):
        read_keys(json.dumps({"keys": [key]}).encode())
    good = read_keys(json.dumps({"keys": [key, ISSUERS["ES256"].jwk]}).encode())
    assert list(good) == ["key-ES256"]


def test_two_keys_of_one_name_are_no_set() -> None:
    with pytest.raises(KeysRefused, match="the same kid"):
        read_keys(json.dumps({"keys": [ENTRA.jwk, ENTRA.jwk]}).encode())
