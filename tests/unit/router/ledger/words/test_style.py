"""What a leader reads is plain, in one language, and says planned and measured apart."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from router.ledger.entries import GROUPS
from router.ledger.words import load_words
from router.v1 import recommendation_pb2
from tests.plain_language import HARDEST_GRADE, HARDEST_LIX, faults, grade, is_prose, lix

WORDS = load_words()
LANGUAGES = sorted(WORDS)
# One term in each language for one thing: where one has it, so have the others.
LEXICON = [
    (r"\bråd", r"\bråd", r"\badvice\b"),
    (r"veileder", r"rettleiar", r"\badviser"),
    (r"\bbrukere", r"\bbrukar", r"\busers?\b"),
    (r"oppfølging", r"oppfølging", r"\bfollow-up\b"),
    (r"\benhet", r"\beining", r"\bunits?\b"),
    (r"\bfrigjør|\bfrigjort", r"\bfrigjer|\bfrigjor[dt]", r"\breleased?\b"),
    (r"på nytt", r"på nytt", r"\bagain\b"),
    (r"ikke fordelt", r"ikkje fordelt", r"\bnot allocated\b"),
    (r"tidligere praksis", r"tidlegare praksis", r"\bearlier practice\b"),
    (r"midterste enhet", r"midtarste eining", r"\bmiddle unit\b"),
    (r"\banslag", r"\banslag", r"\bestimate\b"),
    (r"\bmålt", r"\bmålt", r"\bmeasured\b"),
    (r"digitale ferdigheter", r"digitale ferdigheiter", r"\bdigital skills\b"),
    (r"behovsvurdering", r"behovsvurdering", r"\bneeds assessment\b"),
    (r"telefonsamtale", r"telefonsamtale", r"\bphone call\b"),
    (r"videosamtale", r"videosamtale", r"\bvideo call\b"),
    (r"møte på kontoret", r"møte på kontoret", r"\bmeeting at the office\b"),
    (r"\baktivitetsplanen", r"\baktivitetsplanen", r"\bactivity plan\b"),
]


def texts(entries: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in entries.items():
        if isinstance(value, dict):
            yield from texts(value, f"{path}{key}.")
        elif isinstance(value, list):
            yield from ((f"{path}{key}.{place}", text) for place, text in enumerate(value))
        else:
            yield f"{path}{key}", value


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_breaks_a_rule_of_plain_language(language: str) -> None:
    found = {
        key: broken
        for key, text in texts(WORDS[language].entries)
        if (broken := list(faults(language, text)))
    }
    assert found == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_text_is_easy_to_read(language: str) -> None:
    kinds: dict[str, list[str]] = {}
    for key, text in texts(WORDS[language].entries):
        if is_prose(text):
            kinds.setdefault(key.split(".")[0], []).append(text)
    assert len(kinds) >= 9
    for kind, prose in kinds.items():
        if language == "en":
            assert grade(prose) <= HARDEST_GRADE, kind
        else:
            assert lix(prose) <= HARDEST_LIX, kind


def test_one_thing_has_one_name_in_each_language() -> None:
    nb, nn, en = (dict(texts(WORDS[one].entries)) for one in ("nb", "nn", "en"))
    for bokmal, nynorsk, english in LEXICON:
        keys = [key for key, text in nb.items() if re.search(bokmal, text, re.IGNORECASE)]
        assert keys, bokmal
        for key in keys:
            assert re.search(nynorsk, nn[key], re.IGNORECASE), (key, nn[key])
            assert re.search(english, en[key], re.IGNORECASE), (key, en[key])


@pytest.mark.parametrize(
    ("language", "none", "one", "more"),
    [
        ("nb", "0\u00a0timer", "1\u00a0time", "1\u00a0510\u00a0timer"),
        ("nn", "0\u00a0timar", "1\u00a0time", "1\u00a0510\u00a0timar"),
        ("en", "0\u00a0hours", "1\u00a0hour", "1,510\u00a0hours"),
    ],
)
def test_hours_have_the_form_that_their_number_needs(
    language: str, none: str, one: str, more: str
) -> None:
    words = WORDS[language]
    # 85 minutes are shown as 1 hour, so the unit follows what is shown.
    assert [words.in_hours(minutes) for minutes in (0, 60, 85, -60, 90_600)] == [
        none,
        one,
        one,
        f"−{one}",
        more,
    ]


@pytest.mark.parametrize(
    ("language", "plans", "past"),
    [
        ("nb", r"\b[Pp]lanene (frigjør|bruker)\b", r"\bble (frigjort|brukt)\b"),
        ("nn", r"\b[Pp]lanane (frigjer|bruker)\b", r"\b(blei|vart) (frigjor|brukt)"),
        ("en", r"\b[Tt]he plans (release|use)\b", r"\bwere (released|used)\b"),
    ],
)
def test_what_is_planned_is_not_said_to_have_happened(language: str, plans: str, past: str) -> None:
    entries = dict(texts(WORDS[language].entries))
    estimates = ("answer.even", "answer.left", "answer.over", "answer.none", "answer.sentence")
    for key in (*estimates, "tile.released", "tile.reused", "weeks.description", "advice.over"):
        assert re.search(plans, entries[key]), key
    assert not [key for key, text in entries.items() if re.search(past, text)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_only_names_of_mixes_stand_in_quotes(language: str) -> None:
    for key, text in texts(WORDS[language].entries):
        assert re.findall(r"[«“](.*?)[»”]", text) in ([], ["{mix}"], ["{mix}", "{own}"]), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_channel_and_every_grouping_has_its_own_words(language: str) -> None:
    channels = {
        one.name.removeprefix("CHANNEL_") for one in recommendation_pb2.Channel.DESCRIPTOR.values
    }
    contacts = WORDS[language].entries["contact"]
    assert set(contacts) == channels - {"UNSPECIFIED"}
    # With the article: a noun alone is no start of a sentence.
    assert all(re.match(r"(En|Et|Ei|Ein|Eit|An?) ", text) for text in contacts.values())
    assert set(GROUPS) <= set(WORDS[language].entries["tables"])
