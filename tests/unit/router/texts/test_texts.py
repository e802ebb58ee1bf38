"""Everything that people read exists in all three languages."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from router.cases.features import FEATURES
from router.decision.catalogue import Channel
from router.decision.decision import Doubt, Status
from router.texts import LANGUAGES, load_texts
from tests.builders import a_catalogue, a_decider

TEXTS = load_texts()


def flat(entries: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in entries.items():
        if isinstance(value, dict):
            yield from flat(value, f"{path}{key}.")
        else:
            yield path + key, value


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_feature_value_unit_mix_safeguard_doubt_status_and_channel_has_its_text(
    language: str,
) -> None:
    texts = TEXTS[language]
    for feature in FEATURES.features:
        assert texts.feature(feature.name)
        for slot in range(feature.slots if feature.values else 2):
            assert texts.value(feature, slot)
    for mix in a_catalogue().ids:
        assert texts.mix(mix) != mix
    for rule in a_decider().safeguards.rules:
        assert texts.safeguard(rule.name)
    for doubt in Doubt:
        assert texts.doubt(str(doubt.name))
    for status in Status:
        assert texts.status(status.name)
    for channel in Channel:
        assert texts.channel(channel.value)


def test_all_languages_have_the_same_keys_and_placeholders() -> None:
    nb, nn, en = (
        {key: set(re.findall(r"{\w+}", v)) for key, v in flat(TEXTS[x].entries)} for x in LANGUAGES
    )
    assert nb == nn == en


def test_no_text_speaks_of_features_or_rules_that_do_not_exist() -> None:
    entries = TEXTS["en"].entries
    assert set(entries["feature"]) == set(FEATURES.names)
    assert set(entries["safeguard"]) == {rule.name for rule in a_decider().safeguards.rules}
    assert set(entries["value"]) == {
        feature.name for feature in FEATURES.features if feature.values
    }


def test_a_reason_names_the_field_its_value_and_both_mixes() -> None:
    feature = FEATURES["weeks_registered"]
    text = TEXTS["en"].reason(
        feature, feature.slot(12), "BLENDED_VIDEO", "SELF_SERVICE", speaks_for=True
    )
    assert text == (
        "Time as a registered job seeker (12 weeks) speaks for "
        '"Digital with video talks" rather than "Self-service".'
    )


def test_no_text_calls_the_advice_a_formal_decision() -> None:
    for language in ("nb", "nn"):
        for key, text in flat(TEXTS[language].entries):
            assert "vedtak" not in text.lower() or key == "notice"
