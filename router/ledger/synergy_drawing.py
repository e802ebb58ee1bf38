"""The ledger's chart of channels together: the range of each pair that could be compared."""

from __future__ import annotations

import textwrap

from matplotlib.figure import Figure

from router.drawing.axes import interval, rows, zero_line
from router.drawing.colours import BLUE, GREEN, ORANGE
from router.drawing.drawing import TwoShapes, draw_two_shapes
from router.ledger.synergy import pair_words
from router.ledger.words import Words
from router.versions.synergies import COMPLEMENT, SUBSTITUTE, ChannelSynergies

_COLOURS = {COMPLEMENT: GREEN, SUBSTITUTE: ORANGE}


def synergy(found: ChannelSynergies, words: Words) -> TwoShapes | None:
    """Draws what two channels give beyond the sum of each, with ranges; None without any."""
    pairs = found.pairs
    if not pairs:
        return None

    def paint(figure: Figure, narrow: bool) -> None:
        axes = figure.subplots()
        for row, one in enumerate(pairs):
            colour = _COLOURS.get(one.answer, BLUE)
            span = one.low, one.value, one.high
            interval(axes, row, span, colour, answered=one.answer in _COLOURS)
        width = 18 if narrow else 34
        rows(axes, ["\n".join(textwrap.wrap(pair_words(one, words), width)) for one in pairs])
        zero_line(axes)
        axes.set_xlabel(words("synergy.axis"))

    told = "; ".join(
        words(
            "synergy.one",
            channels=pair_words(one, words),
            low=words.number(100 * one.low, 1),
            high=words.number(100 * one.high, 1),
        )
        for one in pairs
    )
    height = 0.95 + 0.45 * len(pairs)
    return draw_two_shapes(
        "synergy",
        words("synergy.drawing"),
        words("synergy.description", pairs=told),
        (height, height + 0.3),
        paint,
    )
