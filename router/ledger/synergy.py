"""What the leaders' page says of channels together: one sentence."""

from __future__ import annotations

from router.ledger.words import Words
from router.versions.synergies import (
    CANNOT_TELL,
    COMPLEMENT,
    ChannelSynergies,
    ChannelSynergy,
    rounded_up,
)


def synergy_sentence(found: ChannelSynergies, words: Words) -> str:
    """Says what the model's cases show: of the strongest answer, or how many cases would show one.

    "Cannot be told" is never said as "no difference".
    """
    if found.pairs is None:
        return words("synergy.not_measured")
    if not found.pairs:
        return words("synergy.no_mixes")
    shown = [one for one in found.pairs if one.answer != CANNOT_TELL]
    if not shown:
        fewest = min(one.needed for one in found.pairs)
        return words(
            "synergy.cannot_tell",
            cases=words.number(rounded_up(fewest)),
            points=words.number(100 * found.size, 1),
        )
    one = max(shown, key=lambda pair: abs(pair.value))
    return words(
        "synergy.more" if one.answer == COMPLEMENT else "synergy.less",
        channels=pair_words(one, words),
        points=words.number(100 * abs(one.value), 1),
    )


def pair_words(one: ChannelSynergy, words: Words) -> str:
    """Names two channels."""
    return words(
        "synergy.pair",
        first=words.texts.channel(one.first),
        second=words.texts.channel(one.second),
    )
