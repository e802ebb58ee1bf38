"""Sentences put together: none is said twice, and what follows from facts is said after them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_BETWEEN = re.compile(r"(?<=[.!?])\s+")


# Most texts come again and again. Some hold a number of a case, and nothing else of it.
@lru_cache(maxsize=4096)
def sentences(text: str) -> tuple[str, ...]:
    """Gives the sentences of a text."""
    return tuple(one for one in _BETWEEN.split(text.strip()) if one)


def said_once(paragraphs: Iterable[Iterable[str]]) -> list[list[str]]:
    """Leaves out each sentence that stands before, and paragraphs left empty.

    Args:
        paragraphs: texts of each.

    Returns:
        Sentences of each.
    """
    said: set[str] = set()
    found = []
    for texts in paragraphs:
        new = []
        for text in texts:
            for one in sentences(text):
                if one not in said:
                    said.add(one)
                    new.append(one)
        if new:
            found.append(new)
    return found


def facts_first(paragraphs: Iterable[Iterable[str]]) -> list[list[str]]:
    """Joins paragraphs with the same last sentence: facts, then what follows from all of them.

    "A. So X." and "B. So X." become "A. B. So X."

    Args:
        paragraphs: texts of each.

    Returns:
        Sentences of each.
    """
    facts: dict[str, list[str]] = {}
    for texts in paragraphs:
        *before, last = [one for text in texts for one in sentences(text)]
        facts.setdefault(last, []).extend(before)
    return [[*before, last] for last, before in facts.items()]
