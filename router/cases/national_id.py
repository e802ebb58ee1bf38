"""Recognises Norwegian national identity numbers: none is ever accepted, logged or journalled.

Covers birth numbers, D-numbers (day + 40), H-numbers (month + 40) and synthetic numbers (month + 80
from Skatteetaten's test population, month + 65 from the agency's own), under today's check-digit
rule and the one of 2032, by which the first check digit's remainder may be 0 to 3. Source:
Skatteetaten, "Nytt fødselsnummer fra 2032".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SUSPECT = r"[0-9][0-9\x09-\x0d\x1c-\x20.\-_/]{9,}[0-9]|[^\x00-\x7F]"
"""What every text that may hold a number matches, in the regular expressions of Arrow and polars.

Their digits and blanks are not those of Python; so ASCII's are spelt out, and whatever is not ASCII
(full-width digits are digits too) is left to the closer look.
"""
_SEPARATED = re.compile(r"[\d\s.\-_/]{11,}")
_GROUP = re.compile(r"\d+")
_FIRST = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)
_SECOND = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
_MONTH_OFFSETS = (0, 40, 65, 80)
_LENGTH = 11


def is_national_id(digits: str) -> bool:
    """Says whether eleven digits form a valid number of any of the kinds."""
    day, month = int(digits[:2]), int(digits[2:4])
    # Whether the day exists in that month is not asked: refusing too much is the safe side.
    if not (1 <= day <= 31 or 41 <= day <= 71):
        return False
    if not any(1 <= month - offset <= 12 for offset in _MONTH_OFFSETS):
        return False
    numbers = [int(digit) for digit in digits]
    first = sum(w * d for w, d in zip(_FIRST, numbers, strict=False)) % 11
    second = sum(w * d for w, d in zip(_SECOND, numbers, strict=True)) % 11
    return first in (0, 1, 2, 3) and second == 0


def holds_national_id(text: str) -> bool:
    """Says whether a text holds a national identity number, also with blanks, dots or dashes in it.

    A text of eleven digits and separators alone is refused whatever its check digits: a mistyped
    number still points at a person. Inside other text, valid check digits are asked for, so that
    random references pass.
    """
    # One character may stand for several digits: a short text is not safe before it is plain.
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    if len(plain) < _LENGTH:
        return False
    for run in _SEPARATED.finditer(plain):
        groups = _GROUP.findall(run.group())
        digits = "".join(groups)
        # The whole text is eleven digits: no random reference looks so, whatever their sum.
        if len(digits) == _LENGTH and run.group().strip() == plain.strip():
            return True
        # Also among more digits, where a number is written in groups: "010190 12345".
        if any(is_national_id(window) for window in _windows(groups, digits)):
            return True
    return False


def hold_national_ids(texts: Sequence[str], suspects: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Says which of a column's texts hold a national identity number.

    Args:
        texts: those that match `SUSPECT`, in order.
        suspects: which rows of the column they are, shape (n,).

    Returns:
        Which rows hold one, shape (n,).
    """
    found = np.zeros(len(suspects), np.bool_)
    found[suspects] = [holds_national_id(text) for text in texts]
    return found


def _windows(groups: list[str], digits: str) -> list[str]:
    """Gives the eleven-digit stretches that start and end where a group of digits does."""
    starts, position = [0], 0
    for group in groups:
        position += len(group)
        starts.append(position)

    # Not any stretch: of random texts of twenty digits one
    # in eleven would hold a number that nobody wrote.
    edges = set(starts)
    return [digits[s : s + _LENGTH] for s in starts if s + _LENGTH in edges]
