"""Recognises Norwegian national identity numbers, so that none is ever accepted, logged or journalled.

Covers birth numbers, D-numbers (day + 40), H-numbers (month + 40) and synthetic numbers (month + 80
from Skatteetaten's test population, month + 65 from the agency's own), under today's check-digit
rule and the one of 2032, by which the first check digit's remainder may be 0 to 3. Source:
Skatteetaten, "Nytt fødselsnummer fra 2032".
"""

from __future__ import annotations

import re
import unicodedata

_SEPARATED = re.compile(r"[\d\s.\-_/]{11,}")
_GROUP = re.compile(r"\d+")
_FIRST = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)
_SECOND = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
_MONTH_OFFSETS = (0, 40, 65, 80)
_LENGTH = 11


def is_national_id(digits: str) -> bool:
    """Whether eleven ASCII digits form a valid number of any of the kinds."""
    day, month = int(digits[:2]), int(digits[2:4])
    if not (1 <= day <= 31 or 41 <= day <= 71):
        return False
    if not any(1 <= month - offset <= 12 for offset in _MONTH_OFFSETS):
        return False
    numbers = [int(digit) for digit in digits]
    first = sum(w * d for w, d in zip(_FIRST, numbers, strict=False)) % 11
    second = sum(w * d for w, d in zip(_SECOND, numbers, strict=True)) % 11
    return first in (0, 1, 2, 3) and second == 0


def holds_national_id(text: str) -> bool:
    """Whether a text holds a national identity number, also with blanks, dots or dashes in it.

    A text of eleven digits and separators alone is refused whatever its check digits: a mistyped
    number still points at a person. Inside other text, valid check digits are asked for, so that
    random references pass.
    """
    if len(text) < _LENGTH:
        return False
    plain = unicodedata.normalize("NFKC", text) if not text.isascii() else text
    for run in _SEPARATED.finditer(plain):
        groups = _GROUP.findall(run.group())
        digits = "".join(groups)
        if len(digits) == _LENGTH and run.group().strip() == plain.strip():
            return True
        if any(is_national_id(window) for window in _windows(groups, digits)):
            return True
    return False


def _windows(groups: list[str], digits: str) -> list[str]:
    """Eleven-digit stretches that start and end where a group of digits does."""
    starts, position = [0], 0
    for group in groups:
        position += len(group)
        starts.append(position)
    edges = set(starts)
    return [digits[s : s + _LENGTH] for s in starts if s + _LENGTH in edges]
