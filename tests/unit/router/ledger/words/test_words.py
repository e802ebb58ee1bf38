"""The page's words in three languages."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from router.ledger.words import load_words

WORDS = load_words()


def leaves(entries: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in entries.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{key}.")
        elif isinstance(value, list):
            yield from ((f"{path}{key}.{place}", text) for place, text in enumerate(value))
        else:
            yield f"{path}{key}", value


@pytest.mark.parametrize("language", ["nn", "en"])
def test_every_language_has_the_same_keys_with_the_same_places(language: str) -> None:
    nb, other = (dict(leaves(WORDS[one].entries)) for one in ("nb", language))
    assert list(nb) == list(other)
    for key, text in nb.items():
        assert sorted(re.findall(r"\{(\w+)\}", text)) == sorted(
            re.findall(r"\{(\w+)\}", other[key])
        ), key


@pytest.mark.parametrize(
    ("language", "number", "share", "day"),
    [
        ("nb", "−1\u00a0234,5", "12\u00a0%", "5. mai 2026"),
        ("nn", "−1\u00a0234,5", "12\u00a0%", "5. mai 2026"),
        ("en", "−1,234.5", "12%", "5 May 2026"),
    ],
)
def test_numbers_and_dates_are_written_as_the_language_does(
    language: str, number: str, share: str, day: str
) -> None:
    words = WORDS[language]
    assert (words.number(-1234.5, 1), words.percent(3, 25), words.date(date(2026, 5, 5))) == (
        number,
        share,
        day,
    )


def test_what_rounds_to_nothing_has_no_sign_and_is_not_called_nothing() -> None:
    assert (WORDS["en"].number(-0.2), WORDS["en"].percent(1, 1000)) == ("0", "under 1%")
