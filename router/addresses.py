"""Addresses, and the secrets in them: neither a screen, a log, a file nor an error tells any.

What stands in an address as user and password, or as a signature or token behind its "?", opens
what it names to whoever reads it.
"""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_HIDDEN = "..."
# Up to a blank or a quote; a quote in a string of JSON stands behind a backslash.
_WORD = re.compile(r'(?:[^\s"\\]|\\.)+')
# Of a path that was made of an address one slash is left.
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{0,63}:/{1,3}")
_NAME = re.compile(r"[^=;?#]*=")
# Signatures of S3, Google and Azure, libpq's password; a file of a key (sslkey) is no secret.
_SECRET = re.compile(r"sig|cred|token|secret|passw|pwd|auth|(?<!ssl)key|\bcode", re.IGNORECASE)
# As libpq's settings have it outside an address.
_PASSWORD = re.compile(r"""(\bpassword)\s*=\s*(?:'[^'"]*'|[^\s"&]+)""", re.IGNORECASE)
_AFTER = ":;,.')]}>"


def is_address(text: str) -> bool:
    """Tells whether a text names a place by its address, as `s3://bucket`, and not by a path."""
    return bool(_ADDRESS.match(text))


def scheme_of(address: str) -> str:
    """Gives what can be told of any address: "s3://..."."""
    return f"{address.partition('://')[0]}://{_HIDDEN}"


def without_secrets(text: str) -> str:
    """Gives a text without the secrets of all addresses in it; any other text as it is."""
    # Nearly every text has none of it.
    if ":/" in text or "=" in text:
        text = _PASSWORD.sub(rf"\1={_HIDDEN}", text)
        text = _WORD.sub(lambda word: _query_hidden(_user_hidden(word.group())), text)
    return text


def holds_secret(address: str) -> bool:
    """Tells whether an address holds a secret."""
    # As one word too, whatever is in it.
    word = re.sub(r'[\s"\\]', "_", address)
    return any(without_secrets(one) != one for one in (address, word))


def _user_hidden(word: str) -> str:
    scheme = _SCHEME.search(word)
    if scheme is None:
        return word
    # A password that is not escaped may hold any sign: all before the last "@" may be it.
    user, at, host = word[scheme.end() :].rpartition("@")
    # A name alone is no secret, such as a container of Azure's; of the web it may be a token.
    if at and (":" in user or "http" in scheme.group().lower()):
        return f"{word[: scheme.end()]}{_HIDDEN}@{host}"
    return word


def _query_hidden(word: str) -> str:
    start = min((at for at in map(word.find, "?#") if at >= 0), default=len(word)) + 1
    parts = word[start:].split("&")
    return word[:start] + "&".join(map(_value_hidden, parts))


def _value_hidden(part: str) -> str:
    for name in _NAME.finditer(part):
        if _SECRET.search(name.group()):
            value = part[name.end() :]
            # Dots, commas and brackets of the sentence around it stay.
            after = value[len(value.rstrip(_AFTER)) :]
            return f"{part[: name.end()]}{_HIDDEN}{after}" if value != after else part
    return part
