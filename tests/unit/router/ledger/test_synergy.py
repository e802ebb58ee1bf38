"""What the leaders' page says of channels together."""

import pytest

from router.ledger.synergy import synergy_sentence
from router.ledger.synergy_drawing import synergy
from router.ledger.words import load_words
from router.versions.synergies import (
    CANNOT_TELL,
    COMPLEMENT,
    SUBSTITUTE,
    ChannelSynergies,
    ChannelSynergy,
)
from tests.plain_language import faults

WORDS = load_words()


def a_pair(answer: str = CANNOT_TELL, value: float = 0.01, needed: int = 187_340) -> ChannelSynergy:
    return ChannelSynergy(
        first="DIALOGUE_MESSAGE",
        second="PHONE",
        answer=answer,
        value=value,
        low=value - 0.03,
        high=value + 0.03,
        needed=needed,
    )


def of(*pairs: ChannelSynergy) -> ChannelSynergies:
    return ChannelSynergies(synthetic=True, size=0.02, pairs=pairs)


NOT_LOOKED_AT = ChannelSynergies(synthetic=True, size=0.0, pairs=None)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (of(a_pair(), a_pair(needed=61_000)), "To show 2.0 percentage points takes about 61,000"),
        (of(), "the cases lack follow-up to compare"),
        (NOT_LOOKED_AT, "The model is older than this measurement"),
        (of(a_pair(), a_pair(COMPLEMENT, 0.05)), "give 5.0 percentage points more than the sum"),
        (of(a_pair(SUBSTITUTE, -0.04)), "give 4.0 percentage points less than the sum"),
    ],
)
def test_one_sentence_says_what_is_known(found: ChannelSynergies, says: str) -> None:
    assert says in synergy_sentence(found, WORDS["en"])
    for language, words in WORDS.items():
        assert not list(faults(language, synergy_sentence(found, words)))


def test_channels_are_named_in_the_language_of_the_page() -> None:
    told = synergy_sentence(of(a_pair(COMPLEMENT, 0.05)), WORDS["nb"])
    assert "melding i dialogen og telefonsamtale" in told


def test_the_drawing_tells_its_ranges_in_words() -> None:
    drawn = synergy(of(a_pair()), WORDS["nn"])
    assert drawn is not None
    assert "−2,0 til 4,0" in drawn.wide.description


@pytest.mark.parametrize("found", [of(), NOT_LOOKED_AT])
def test_what_could_not_be_measured_has_no_drawing(found: ChannelSynergies) -> None:
    assert synergy(found, WORDS["nb"]) is None
