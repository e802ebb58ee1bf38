"""What a good reference is, and the one check of it: messages, files, options and file names.

A reference names a case or an office and says nothing of it. It is compared character by character
and stands in the journal, in files and in the names of files, so it has characters that look and
sort alike everywhere. The rule in words, and how often it errs: docs/references.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.cases.national_id import SUSPECT, holds_national_id

_LETTERS = "0-9A-Za-zÀ-ÖØ-öø-ſ"
_SIGNS = r"_.:/+=~#\-"
# Not "=" or "+" in the first place: a spreadsheet would take the text for a formula.
_FIRST = rf"{_LETTERS}_\-"
_ALPHABET = "letters, digits and - _ . : / + = ~ #, and blanks within"
_WAY_OUT = "use a random UUID"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRule:
    """What a short text may be.

    Attributes:
        what: it is, in words.
        longest: most characters.
        plain: matches only good texts, length and numbers in it aside.
        unsure: regular expression for Arrow and polars, matches every other text, and so every bad
            one that is not too long.
        alphabet: the permitted characters in words, where `plain` matches all good texts; "" where
            every printable character is permitted.
    """

    what: str
    longest: int
    plain: re.Pattern[str]
    unsure: str
    alphabet: str = ""

    @property
    def bound(self) -> str:
        """The permitted lengths in words."""
        return f"1 to {self.longest} characters"

    def problem(self, text: str) -> str:
        """Says what is wrong with a text, and the way out; "" if nothing is.

        The text is not repeated, nor is anything of it. One that is not given is not wrong.
        """
        if not text:
            return ""
        if len(text) > self.longest:
            return f"has more than {self.longest} characters{self._instead}"
        if holds_national_id(text):
            return f"looks like a national identity number{self._instead}"
        if self.plain.fullmatch(text):
            return ""
        if not text.isprintable():
            return f"has control characters, or others that cannot be seen{self._instead}"
        if not self.alphabet:
            return ""
        return (
            "has a character that is not permitted, or not in its first or last place; "
            f"permitted are {self.alphabet}{self._instead}"
        )

    def problems(
        self, texts: Sequence[str], places: NDArray[np.intp], count: int
    ) -> dict[str, NDArray[np.bool_]]:
        """Says what is wrong with a column's texts, each problem with the rows that have it.

        Args:
            texts: those that are too long or match `unsure`, in order.
            places: their rows in the column.
            count: n, rows of the column.

        Returns:
            By problem, which rows have it, shape (n,).
        """
        # Of many cases the offices are few.
        known = {text: self.problem(text) for text in set(texts)}
        found: dict[str, list[int]] = {}
        for place, text in zip(places.tolist(), texts, strict=True):
            if known[text]:
                found.setdefault(known[text], []).append(place)

        rows = {}
        for problem, bad in found.items():
            mask = rows[f"{self.what} that {problem}"] = np.zeros(count, np.bool_)
            mask[bad] = True
        return rows

    @property
    def _instead(self) -> str:
        return f"; {_WAY_OUT}" if self.alphabet else ""


def reference(longest: int) -> TextRule:
    """Makes the rule of references of that length."""
    return TextRule(
        what="a reference",
        longest=longest,
        plain=re.compile(rf"[{_FIRST}](?:[ {_LETTERS}{_SIGNS}]*[{_LETTERS}{_SIGNS}])?"),
        unsure=rf"{SUSPECT}|^[^{_FIRST}]|[^ {_LETTERS}{_SIGNS}]| $",
        alphabet=_ALPHABET,
    )


def printable(what: str, longest: int) -> TextRule:
    """Makes the rule of short texts of other kinds: printable, and no national identity number.

    Args:
        what: they are, in words.
        longest: most characters.
    """
    return TextRule(
        what=what,
        longest=longest,
        plain=re.compile(r"[ -~À-ɏ]*"),
        unsure=rf"{SUSPECT}|[^ -~À-ɏ]",
    )
