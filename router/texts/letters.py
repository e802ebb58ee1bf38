"""Sentences put together: none is said twice, and what follows from facts is said after them."""

from __future__ import annotations

import re
from collections.abc import Iterable

_BETWEEN = re.compile(r"(?<=[.!?])\s+")


def sentences(text: str) -> list[str]:
    """Gives the sentences of a text."""
    return [one for one in _BETWEEN.split(text.strip()) if one]


def said_once(paragraphs: Iterable[str]) -> list[str]:
    """Leaves out each sentence that an earlier paragraph has, and paragraphs left empty."""
    said: set[str] = set()
    found = []
    for paragraph in paragraphs:
        new = [one for one in dict.fromkeys(sentences(paragraph)) if one not in said]
        said.update(new)
        if new:
            found.append(" ".join(new))
    return found


def facts_first(texts: Iterable[str]) -> list[str]:
    """Joins texts with the same last sentence: their facts, then what follows from all of them.

    "A. So X." and "B. So X." become "A. B. So X."
    """
    facts: dict[str, list[str]] = {}
    for text in texts:
        *before, last = sentences(text)
        facts.setdefault(last, []).extend(before)
    return [" ".join([*before, last]) for last, before in facts.items()]
