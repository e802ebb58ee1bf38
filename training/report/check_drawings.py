"""Charts of calibration, estimators, sensitivity and reliability."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from router.drawing.axes import rows, zero_line
from router.drawing.colours import BLUE, GREEN, INK, LINE, ORANGE, PURPLE
from router.drawing.drawing import TwoShapes, draw_two_shapes
from training.evaluation.figures import ESTIMATORS, STRONGEST, Figures, Sensitivity, Tenth
from training.report.value_drawings import REACHED, folded, ordered, spans
from training.report.words import MAIN_POLICIES, names, number, reliability_words

_ESTIMATOR_WORDS = {"dr": "doubly robust (DR)", "sndr": "SNDR", "snips": "SNIPS", "ips": "IPS"}


def calibration(figures: Figures) -> TwoShapes:
    """Draws observed against predicted gain in tenths of the test cases."""
    tenths = figures.calibration.tenths

    def paint(figure: Figure, narrow: bool) -> None:
        axes = figure.subplots()
        _tenths(axes, tenths, "predicted = observed")
        zero_line(axes, upright=False)
        zero_line(axes)
        axes.set_xlabel(folded("predicted gain over the logged mixes, percentage points", narrow))
        axes.set_ylabel("observed (doubly robust), % points")
        figure.legend(loc="outside upper left", ncols=1 if narrow else 2)

    slope = figures.calibration.slope
    words = (
        f"The slope is {slope.value:.2f} ({slope.low:.2f} to {slope.high:.2f}), and 1 is perfect. "
        f"The error is {number(100 * figures.calibration.error, 2)} percentage points."
    )
    return draw_two_shapes(
        "calibration", "Predicted against observed gain", words, (4.2, 4.2), paint, 6.2
    )


def reliability(figures: Figures) -> TwoShapes | None:
    """Draws outcomes against the probabilities shown, in tenths; None if not measured."""
    found = figures.reliability
    if found is None:
        return None

    def paint(figure: Figure, narrow: bool) -> None:
        axes = figure.subplots()
        _tenths(axes, found.tenths, "shown = observed")
        axes.set_xlabel("shown probability of reaching the goal, %")
        axes.set_ylabel("reached the goal, %")
        figure.legend(loc="outside upper left", ncols=1 if narrow else 2)

    words = reliability_words(found)
    return draw_two_shapes(
        "reliability", "Shown probability against outcome", words, (4.2, 4.2), paint, 6.2
    )


def _tenths(axes: Axes, tenths: Sequence[Tenth], diagonal: str) -> None:
    """Paints what was observed over what was predicted, per cent, and where they would be equal."""
    predicted = [100 * tenth.predicted for tenth in tenths]
    axes.errorbar(
        predicted,
        [100 * tenth.observed.value for tenth in tenths],
        yerr=spans([tenth.observed for tenth in tenths]),
        fmt="o",
        color=BLUE,
        elinewidth=1.8,
        label="a tenth, with 90% interval",
    )
    axes.axline(
        (predicted[0], predicted[0]),
        slope=1,
        color=INK,
        linestyle="--",
        linewidth=1.2,
        label=diagonal,
    )


def estimators(figures: Figures) -> TwoShapes:
    """Draws four estimators of the main policies, side by side."""
    found = [one for one in ordered(figures) if one.name in MAIN_POLICIES]
    looks = dict(
        zip(ESTIMATORS, (("o", BLUE), ("s", GREEN), ("^", ORANGE), ("D", PURPLE)), strict=True)
    )

    def paint(figure: Figure, narrow: bool) -> None:
        axes = figure.subplots()
        for place, (name, (mark, colour)) in enumerate(looks.items()):
            chosen = [
                (row, p.estimates[name]) for row, p in enumerate(found) if name in p.estimates
            ]
            axes.errorbar(
                [100 * e.value for _, e in chosen],
                # Above each other within a policy's row, around its middle.
                [row + 0.18 * (place - 1.5) for row, _ in chosen],
                xerr=spans([e for _, e in chosen]),
                fmt=mark,
                color=colour,
                markersize=6,
                elinewidth=1.6,
                label=_ESTIMATOR_WORDS[name],
            )
        rows(axes, [folded(names().policy(policy.name), narrow, 14) for policy in found])
        axes.set_xlabel(folded(REACHED, narrow, 36))
        figure.legend(loc="outside upper left", ncols=2 if narrow else 4)

    words = "Each policy has a value by four estimators. The table gives the numbers."
    heights = 1.2 + 0.62 * len(found), 1.5 + 0.75 * len(found)
    return draw_two_shapes("estimators", "Estimators side by side", words, heights, paint)


def sensitivity(figures: Figures) -> TwoShapes | None:
    """Draws the gain's ends as unseen severity tilts the choice of mixes; None if not measured."""
    found = figures.sensitivity
    if not found:
        return None

    def paint(figure: Figure, narrow: bool) -> None:
        shape = (len(found), 1) if narrow else (1, len(found))
        panels = figure.subplots(*shape, sharey=True, squeeze=False).ravel()
        for axes, one in zip(panels, found, strict=True):
            steps = sorted((float(gamma), bound) for gamma, bound in one.bounds.items())
            odds = [gamma for gamma, _ in steps]
            low, high = ([100 * bound[side] for _, bound in steps] for side in (0, 1))
            axes.fill_between(odds, low, high, color=BLUE, alpha=0.18, linewidth=0)
            axes.plot(odds, low, color=BLUE)
            axes.plot(odds, high, color=BLUE)
            zero_line(axes, upright=False)
            if _ends(one):
                axes.axvline(one.gamma, color=ORANGE, linestyle=":")
            axes.set_title(f"over {names().policy(one.than)}")
            axes.set_xlabel("odds ratio of hidden confounding")
        for axes in panels if narrow else panels[:1]:
            axes.set_ylabel("gain, % points")
            axes.spines["left"].set_color(LINE)

    words = "The lines are the ends of the gain's 90% interval, by strength of hidden confounding."
    if any(map(_ends, found)):
        words += " From the dotted line on there is no evidence of a gain."
    heights = 2.8, 2.4 * len(found)
    return draw_two_shapes(
        "sensitivity", "Sensitivity to hidden confounding", words, heights, paint
    )


def _ends(one: Sensitivity) -> bool:
    """Says whether a gain was proven that hidden confounding takes away, as far as was tried."""
    return 1 < one.gamma < STRONGEST
