"""Everything that people read exists in all three languages."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from router.cases.features import FEATURES
from router.decision.catalogue import Channel
from router.decision.decision import Doubt, Status
from router.texts import LANGUAGES, Reader, load_texts
from tests.builders import a_catalogue

TEXTS = load_texts()
NEVER_TOLD_TO_USERS = {"age_band", "need_group", "benefit_type", "benefit_weeks_left"}


def flat(entries: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in entries.items():
        if isinstance(value, dict):
            yield from flat(value, f"{path}{key}.")
        else:
            yield path + key, str(value)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_feature_value_mix_status_and_channel_has_its_name(language: str) -> None:
    texts = TEXTS[language]
    for feature in FEATURES.features:
        assert texts.feature(feature.name)
        for slot in range(feature.slots if feature.values else 2):
            assert texts.value(feature, slot)
    for mix in a_catalogue().ids:
        assert texts.mix(mix) != mix
    assert set(texts.entries["status"]) == set(Status.__members__)
    assert set(texts.entries["channel"]) == {channel.value for channel in Channel}


def test_all_languages_have_the_same_keys_and_placeholders() -> None:
    nb, nn, en = (
        {key: set(re.findall(r"{\w+}", v)) for key, v in flat(TEXTS[x].entries)} for x in LANGUAGES
    )
    assert nb == nn == en


@pytest.mark.parametrize("reader", Reader)
def test_every_doubt_has_its_sentences(reader: Reader) -> None:
    for texts in TEXTS.values():
        assert set(Doubt.__members__) <= set(texts.entries[reader.value]["doubt"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_law_is_named_once_in_a_sentence_with_a_capital_only_where_its_name_has_one(
    language: str,
) -> None:
    texts = TEXTS[language]
    [*laws] = texts.basis([*texts.entries["legal"]]).rstrip(".").split(": ", 1)[1].split("; ")
    assert len({law.casefold() for law in laws}) == len(laws)
    assert {law.split("-")[0] for law in laws if law[0].isupper()} == {"Nav"}


def test_a_law_named_by_itself_begins_with_a_capital() -> None:
    assert TEXTS["nb"].legal("PHONE").startswith("Forvaltningsloven ")
    assert TEXTS["nb"].legal("RESERVATION").startswith("eForvaltningsforskriften ")
