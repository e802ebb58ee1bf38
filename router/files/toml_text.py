"""Parses TOML that may have been made to do harm: deep nesting and long keys are refused first."""

from __future__ import annotations

import re
import tomllib
from typing import Any

KEYS_AT_MOST = 8
"""Names of a dotted key; each costs the parser the square of their number."""
# Possessive throughout, and only from where a name begins, so that the search cannot be made slow.
_NAME = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![A-Za-z0-9_.-]){_NAME}(?:[ \t]*+\.[ \t]*+{_NAME}){{{KEYS_AT_MOST}}}")
# Of other encodings, what their files begin with.
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def toml_of(content: bytes) -> dict[str, Any]:
    """Parses TOML; the mark with which some editors begin UTF-8 is passed over.

    Raises:
        ValueError: if it is no TOML, not UTF-8, or nested too deeply.
    """
    if content.startswith(_UTF_16):
        raise ValueError("is UTF-16; save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        told = f"byte {problem.start} is {content[problem.start]:#04x}"
        raise ValueError(f"is not UTF-8 ({told}); save it as UTF-8") from problem
    long = _LONG_KEY.search(text)
    if long:
        line = text.count("\n", 0, long.start()) + 1
        raise ValueError(f"line {line}: a key of more than {KEYS_AT_MOST} names")
    try:
        return tomllib.loads(text)
    except RecursionError:
        # Without the cause: thousands of equal lines tell nobody anything.
        raise ValueError("is nested too deeply") from None
