"""The pages of all texts are those that the texts give."""

import pytest

from docs.texts import CATALOGUE, page, shown
from router.cases.features import FEATURES
from router.serving.messages import contacts_of
from router.texts import LANGUAGES, load_texts
from router.texts.amounts import amount
from tests.builders import ROOT

TEXTS = load_texts()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_a_language_is_fresh(language: str) -> None:
    kept = (ROOT / f"docs/texts/{language}.md").read_text(encoding="utf-8")
    assert kept == page(TEXTS[language]), "run: python -m docs.texts"


def test_the_pages_have_every_form_of_every_number() -> None:
    for feature in FEATURES.features:
        if not feature.values:
            all_slots = range(1, feature.slots)
            forms = {amount(feature, feature.lower + slot - 1).form for slot in all_slots}
            assert {amount(feature, feature.lower + s - 1).form for s in shown(feature)} == forms


def test_a_plan_has_all_contacts_of_a_mix() -> None:
    for mix in CATALOGUE.mixes:
        minutes = sum(one.number * one.minutes for one in contacts_of(mix))
        assert minutes == mix.adviser_minutes
