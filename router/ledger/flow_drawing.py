"""The ledger's first chart: where hours came from and went, as two columns of one height."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from router.decision.schema import UNKNOWN
from router.drawing.colours import GREY, INK, QUIET, SAND
from router.drawing.drawing import TwoShapes, draw_two_shapes
from router.ledger.account import Ledger
from router.ledger.arithmetic import Tier
from router.ledger.words import Words

_BLUES = ("#084a73", "#0072b2", "#3d95c8", "#77b5da", "#a9d0e8", "#cfe4f2", "#e3eff8")
_TIERS = {Tier.FIRST: "#00543e", Tier.NEXT: "#2f9b78", Tier.OTHERS: "#a5d6c4", Tier.UNKNOWN: GREY}
_LINE, _NARROW_LINE, _BETWEEN = 0.048, 0.035, 0.016
"""Height of a label's line, and between two labels, as shares of a column's height."""


class Segment(NamedTuple):
    """One part of a column: minutes, label, colour, and whether it is what does not add up."""

    minutes: int
    label: str
    colour: str
    open: bool = False


def flow(ledger: Ledger, words: Words) -> TwoShapes | None:
    """Draws hours released by need group, and beside them re-used by tier and unaccounted.

    None without any.
    """
    total = ledger.total.estimated
    if not total.released and not total.reused:
        return None
    left, right = _came(ledger, words), _went(ledger, words)

    def paint(figure: Figure, narrow: bool) -> None:
        axes = figure.subplots()
        axes.set_axis_off()
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.1)
        # Both columns on one scale; the shorter one is filled up by what does not add up.
        height = max(total.released, total.reused)
        sides = (0.42, 0.58) if narrow else (0.38, 0.62)
        thick = 0.075 if narrow else 0.06
        axes.fill_between((sides[0], sides[1]), 0, 1, color="#eef1f5", linewidth=0)
        for segments, x, outwards in ((left, sides[0], -1), (right, sides[1], 1)):
            _column(axes, segments, height, (x, x + outwards * thick), words, narrow)
        for x, key, align in ((sides[0], "flow.from", "right"), (sides[1], "flow.to", "left")):
            axes.text(x, 1.05, words(key), ha=align, va="bottom", fontweight="bold", fontsize=11)

    told = {
        side: "; ".join(
            words("flow.one", label=one.label, hours=words.in_hours(one.minutes))
            for one in segments
        )
        for side, segments in (("from", left), ("to", right))
    }
    return draw_two_shapes(
        "flow", words("flow.title"), words("flow.description", **told), (4.1, 5.4), paint
    )


def _came(ledger: Ledger, words: Words) -> list[Segment]:
    groups = sorted(ledger.groups["need_group"], key=lambda one: -one.estimated.released)
    colours = [_BLUES[min(place, len(_BLUES) - 1)] for place in range(len(groups))]
    found = [
        Segment(
            one.estimated.released,
            words.value("need_group", one.name),
            # What is not known is no group like the others.
            GREY if one.name == UNKNOWN else colour,
        )
        for one, colour in zip(groups, colours, strict=True)
    ]
    total = ledger.total.estimated
    found.append(
        Segment(max(0, total.reused - total.released), words("flow.over"), SAND, open=True)
    )
    return [one for one in found if one.minutes]


def _went(ledger: Ledger, words: Words) -> list[Segment]:
    found = [
        Segment(one.estimated.reused, words.tier(one.name), _TIERS[Tier[one.name]])
        for one in ledger.tiers
    ]
    total = ledger.total.estimated
    found.append(
        Segment(max(0, total.released - total.reused), words("flow.left"), SAND, open=True)
    )
    return [one for one in found if one.minutes]


def _column(
    axes: Axes,
    segments: Sequence[Segment],
    height: int,
    span: tuple[float, float],
    words: Words,
    narrow: bool,
) -> None:
    """Paints a column from the top down, its labels beside it so that none overlaps another."""
    inner, outer = span
    top, middles = 1.0, []
    for one in segments:
        share = one.minutes / height
        axes.bar(
            (inner + outer) / 2,
            share,
            width=abs(outer - inner),
            bottom=top - share,
            color=one.colour,
            edgecolor="white" if not one.open else "#9a6a00",
            linewidth=0.8,
            hatch="///" if one.open else None,
        )
        middles.append(top - share / 2)
        top -= share

    side = -1 if outer < inner else 1
    labels = [_label(one, words, narrow) for one in segments]

    line = _NARROW_LINE if narrow else _LINE
    heights = [line * (1 + label.count("\n")) + _BETWEEN for label in labels]
    places = _spread(middles, heights)
    for one, label, at, place in zip(segments, labels, middles, places, strict=True):
        text = outer + side * 0.045
        axes.plot((outer, text - side * 0.01), (at, place), color=QUIET, linewidth=0.7)
        axes.text(
            text,
            place,
            label,
            ha="right" if side < 0 else "left",
            va="center",
            color=INK,
            fontsize=8.5 if narrow else 9.5,
            fontweight="bold" if one.open else "normal",
            linespacing=1.15,
        )


def _label(one: Segment, words: Words, narrow: bool) -> str:
    hours = words.in_hours(one.minutes)
    if narrow:
        return "\n".join([*textwrap.wrap(one.label, 17), hours])
    return "\n".join(textwrap.wrap(words("flow.one", label=one.label, hours=hours), 42))


def _spread(middles: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Places labels near their parts, falling, each clear of the next, none below the foot."""
    places: list[float] = []
    for place, at in enumerate(middles):
        clear = (heights[place] + heights[place - 1]) / 2
        places.append(min(at, places[-1] - clear) if places else at)
    # Then upwards from the foot: what was pushed too low pushes the others back.
    foot = 0.0
    for place in reversed(range(len(places))):
        places[place] = max(places[place], foot + heights[place] / 2)
        foot = places[place] + heights[place] / 2
    return places
