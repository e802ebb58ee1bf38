"""Recognises Norwegian national identity numbers: none is ever accepted, logged or journalled.

Covers birth numbers, D-numbers (day + 40), H-numbers (month + 40) and synthetic numbers (month + 80
from Skatteetaten's test population, month + 65 from the agency's own), under today's check-digit
rule and the one of 2032, by which the first check digit's remainder may be 0 to 3. Source:
Skatteetaten, "Nytt fødselsnummer fra 2032". What is found and what is not: docs/references.md.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

# What may stand between two digits: anything but a letter.
_S = "[^0-9A-Za-z]*"
_DAY = f"(?:0{_S}[1-9]|[12]{_S}[0-9]|3{_S}[01]|4{_S}[1-9]|[56]{_S}[0-9]|7{_S}[01])"
_MONTH = (
    f"(?:0{_S}[1-9]|1{_S}[0-2]|4{_S}[1-9]|5{_S}[0-2]|6{_S}[6-9]|7{_S}[0-7]|8{_S}[1-9]|9{_S}[0-2])"
)
# Begins and ends where a group of digits does, but for zeros that fill it up.
_DATED = f"(?:^|[^0-9])0*{_DAY}{_S}{_MONTH}(?:{_S}[0-9]){{7}}(?:[^0-9]|$)"
SUSPECT = f"{_DATED}|[^\\x00-\\x7FÀ-ɏ]"
"""What every text that holds a number matches; few others do.

Its classes name characters and no properties, so that Python, Arrow and polars, whose digits and
blanks differ, all read it alike. From À to ɏ there are letters alone, and × and ÷: no digit.
"""
_SUSPECT = re.compile(SUSPECT)
_IS_DATED = re.compile(_DATED)
# From the first to the last digit of a stretch without letters, whatever is in between.
_RUN = re.compile(r"[0-9][^A-Za-z]{9,}[0-9]")
_GROUP = re.compile(r"[0-9]+")
_UUID = re.compile(
    r"(?<![0-9A-Za-z])"
    r"(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
    r"(?![0-9A-Za-z])"
)
_HEX_LETTERS = frozenset("abcdefABCDEF")
_FIRST = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)
_SECOND = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
# Whether the day exists in that month is not asked: refusing too much is the safe side.
_DAYS = frozenset(
    f"{day + more:02}{month + offset:02}"
    for day in range(1, 32)
    for more in (0, 40)
    for month in range(1, 13)
    for offset in (0, 40, 65, 80)
)
_LENGTH, _LENGTH_OF_UUID = 11, 32


def holds_national_id(text: str) -> bool:
    """Says whether a text holds a national identity number, however it is written.

    Digits of every script count, and anything but a letter from A to Z may stand between them. A
    UUID counts as random, whatever digits it has.

    Eleven digits by themselves need a day and a month only: a mistyped number still points at a
    person. Between the letters of a hexadecimal number, and in groups among more digits, control
    digits are asked for too, so that random references pass.
    """
    plain = text
    if not text.isascii():
        if not _SUSPECT.search(text):
            return False
        plain = "".join(map(_plain, text))
    # Most texts end at the first look, which takes half a microsecond.
    if not (_RUN.search(plain) and _IS_DATED.search(plain)):
        return False
    if len(plain) >= _LENGTH_OF_UUID:
        plain = _UUID.sub(_unless_filled, plain)
    return any(_is_suspect(plain, run) for run in _RUN.finditer(plain))


def is_national_id(digits: str) -> bool:
    """Says whether eleven digits form a valid number of any of the kinds."""
    if digits[:4] not in _DAYS:
        return False
    numbers = [int(digit) for digit in digits]
    first = sum(w * d for w, d in zip(_FIRST, numbers, strict=False)) % 11
    second = sum(w * d for w, d in zip(_SECOND, numbers, strict=True)) % 11
    return first in (0, 1, 2, 3) and second == 0


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    """Writes a character in ASCII: as the digits that it stands for, or as a blank."""
    if character.isascii():
        return character
    # Circled 20 is one character of two digits; a half is none, and comes apart below.
    value = unicodedata.numeric(character, -1.0)
    if 0 <= value < 100 and value == int(value):
        return str(int(value))
    # Letters too are blanks: some look like bars and dashes, some like nothing at all.
    parts = unicodedata.normalize("NFKD", character)
    known = (_plain(part) for part in parts if part != character)
    return "".join(part if part.isdigit() else " " for part in known) or " "


def _unless_filled(found: re.Match[str]) -> str:
    """Gives what a UUID leaves to look at: a letter, or all of one that is a number filled up."""
    digits = found.group().replace("-", "")
    # No random UUID repeats a digit so often.
    return found.group() if max(map(digits.count, set(digits))) >= 16 else "x"


def _is_suspect(text: str, run: re.Match[str]) -> bool:
    groups = _GROUP.findall(run.group())
    digits = "".join(groups)
    if len(digits) != _LENGTH:
        return any(map(is_national_id, _windows(groups, digits)))
    if digits[:4] not in _DAYS:
        return False
    beside = {text[run.start() - 1 : run.start()], text[run.end() : run.end() + 1]}
    # A hash has such runs by chance, and a letter of its own beside them.
    return not beside & _HEX_LETTERS or is_national_id(digits)


def _windows(groups: list[str], digits: str) -> Iterator[str]:
    """Yields the eleven-digit stretches that start and end where a group of digits does.

    Zeros first in a group may fill a number up to a width, and be no digits of it.
    """
    # Not any stretch: of random texts of twenty digits one
    # in eleven would hold a number that nobody wrote.
    starts: list[int] = []
    edges: set[int] = set()
    position = 0
    for group in groups:
        zeros = len(group) - len(group.lstrip("0"))
        starts += range(position, position + zeros + 1)
        position += len(group)
        edges.add(position)
    for start in starts:
        if start + _LENGTH in edges:
            yield digits[start : start + _LENGTH]
