"""Digests over several values: each with its type and length, so that no byte moves to another."""

from __future__ import annotations

import hashlib
import hmac

Value = str | bytes | int | None


def encoded(*values: Value) -> bytes:
    """Joins values so that no two lists of values give the same bytes.

    Each is a letter for its type, the length of its bytes in decimal digits, a colon, the bytes.
    """
    return b"".join(_encoded(value) for value in values)


def digest(*values: Value) -> bytes:
    """Gives the SHA-256 of values, 32 bytes."""
    return hashlib.sha256(encoded(*values)).digest()


def keyed_digest(key: bytes, *values: Value) -> bytes:
    """Gives the HMAC-SHA-256 of values, 32 bytes: without the key nobody can compute it."""
    return hmac.digest(key, encoded(*values), "sha256")


def _encoded(value: Value) -> bytes:
    if value is None:
        return b"n0:"
    if isinstance(value, bytes):
        return b"b%d:%b" % (len(value), value)
    letter, data = ("i", str(value).encode()) if isinstance(value, int) else ("s", value.encode())
    return b"%b%d:%b" % (letter.encode(), len(data), data)
