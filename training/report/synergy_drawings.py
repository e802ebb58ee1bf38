"""Chart of "Are two channels worth more together?" (sections/synergy)."""

from __future__ import annotations

from matplotlib.figure import Figure

from router.drawing.axes import interval, rows, zero_line
from router.drawing.colours import BLUE, GREEN, ORANGE, QUIET
from router.drawing.drawing import TwoShapes, draw_two_shapes
from router.versions.synergies import COMPLEMENT, SUBSTITUTE
from training.evaluation.figures import Figures, SynergyOfPair
from training.report.synergy_words import pair_name
from training.report.value_drawings import folded
from training.report.words import point_range, points

_COLOURS = {COMPLEMENT: GREEN, SUBSTITUTE: ORANGE}


def synergies(figures: Figures) -> TwoShapes | None:
    """Draws the synergy of every two channels that were measured without a model; None if none."""
    pairs = figures.synergy.pairs if figures.synergy else ()
    found = [one for one in pairs if one.outcome is not None]
    if not found:
        return None

    def paint(figure: Figure, narrow: bool) -> None:
        axes = figure.subplots()
        for row, one in enumerate(found):
            assert one.outcome is not None
            assert one.looked is not None
            colour = _COLOURS.get(one.answer, BLUE)
            answered = one.answer in _COLOURS
            for estimate, width, shade in ((one.looked, 1.6, QUIET), (one.outcome, 3.6, colour)):
                span = estimate.low, estimate.value, estimate.high
                interval(axes, row, span, colour, answered=answered, shade=shade, width=width)
        rows(axes, [folded(pair_name(one), narrow, 14) for one in found])
        zero_line(axes)
        label = "worth together beyond the sum of each alone, percentage points"
        axes.set_xlabel(folded(label, narrow))

    told = "; ".join(_words(one) for one in found)
    return draw_two_shapes(
        "synergy",
        "Synergy of two channels",
        f"Percentage points beyond the sum of each: {told}.",
        (0.9 + 0.4 * len(found), 1.1 + 0.7 * len(found)),
        paint,
        8.2,
    )


def _words(one: SynergyOfPair) -> str:
    assert one.outcome is not None
    return (
        f"{pair_name(one)} {points(one.outcome.value)} ({point_range(one.outcome)}), {one.answer}"
    )
