"""Bearer tokens: JSON Web Tokens of one issuer, verified once and remembered until they end."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jwt

from router.serving.callers.access import TokenRefused
from router.serving.callers.keys import Keys
from router.serving.status import CallersUnknown

TOKENS_KEPT_AT_MOST = 4_096
"""Verified tokens that are remembered; of more, those first seen are verified again."""
CLOCKS_DIFFER_SECONDS = 30
"""By how much an issuer's clock may differ from ours."""
_OPTIONS: Any = {"require": ["exp", "iat", "iss", "aud"], "strict_aud": False}


class _Verified(NamedTuple):
    until: float
    generation: int
    claims: Mapping[str, Any]


class Tokens:
    """Verifies tokens of one issuer for one audience."""

    def __init__(
        self, issuer: str, audience: str, keys: Keys, clock: Callable[[], float] = time.time
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys
        self._clock = clock
        self._kept: dict[bytes, _Verified] = {}

    def claims(self, token: str) -> Mapping[str, Any]:
        """Gives what a token says, once it is known to be its issuer's, for us, and in force.

        Raises:
            TokenRefused: if it is not.
            CallersUnknown: if no key of the issuer is known yet.
        """
        # Never the token itself: whoever reads our memory must not be able to use it.
        digest = hashlib.sha256(token.encode()).digest()
        kept = self._kept.get(digest)
        if kept is not None:
            if kept.generation == self._keys.generation and self._clock() < kept.until:
                return kept.claims
            del self._kept[digest]

        generation = self._keys.generation
        claims = self._verified(token)
        if len(self._kept) >= TOKENS_KEPT_AT_MOST:
            del self._kept[next(iter(self._kept))]
        until = float(claims["exp"]) + CLOCKS_DIFFER_SECONDS
        self._kept[digest] = _Verified(until, generation, claims)
        return claims

    def _verified(self, token: str) -> Mapping[str, Any]:
        if not self._keys.known:
            raise CallersUnknown
        try:
            header = jwt.get_unverified_header(token)
            # What must be understood, and is not.
            if "crit" in header:
                raise TokenRefused("TOKEN_HEADER")
            identity = header.get("kid")
            key = self._keys.find(identity) if isinstance(identity, str) else None
            if key is None:
                raise TokenRefused("TOKEN_KEY_UNKNOWN")
            found: dict[str, Any] = jwt.decode(
                token,
                key.public,
                # Of the key, not of the token: or a public key might be taken for a shared secret.
                algorithms=list(key.algorithms),
                audience=self._audience,
                issuer=self._issuer,
                leeway=CLOCKS_DIFFER_SECONDS,
                options=_OPTIONS,
            )
        except jwt.PyJWTError as problem:
            raise TokenRefused(_reason(problem)) from None
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
            raise TokenRefused("TOKEN_UNREADABLE") from None
        return found


def _reason(problem: jwt.PyJWTError) -> str:
    match problem:
        case jwt.ExpiredSignatureError():
            return "TOKEN_EXPIRED"
        case jwt.ImmatureSignatureError() | jwt.InvalidIssuedAtError():
            return "TOKEN_NOT_YET_VALID"
        case jwt.InvalidIssuerError():
            return "TOKEN_ISSUER"
        case jwt.InvalidAudienceError():
            return "TOKEN_AUDIENCE"
        case jwt.InvalidAlgorithmError():
            return "TOKEN_ALGORITHM"
        case jwt.InvalidSignatureError():
            return "TOKEN_SIGNATURE"
        case jwt.MissingRequiredClaimError():
            return "TOKEN_CLAIM_MISSING"
        case _:
            return "TOKEN_UNREADABLE"
