"""Charts of "What adviser hours buy" (sections/hours): what minutes buy, where policies lie."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from router.drawing.colours import BLUE, INK, QUIET
from router.drawing.drawing import TwoShapes, draw_two_shapes
from training.evaluation.figures import CostPoint, Figures
from training.report.value_drawings import MARKS
from training.report.words import MAIN_POLICIES, names, number


def beyond(figures: Figures) -> str:
    """Tells of each uniform mix to the right of the cost curve's frame; "" if there are none."""
    found = [
        p for p in figures.policies if p.name not in MAIN_POLICIES and p.minutes > _frame(figures)
    ]
    return "".join(
        f" “{names().policy(p.name)}” is to the right of the frame, at {number(p.minutes)} minutes "
        f"and {number(100 * p.estimates['dr'].value, 1)}%."
        for p in found
    )


def blind_above(figures: Figures) -> str:
    """Explains a blind rule that lies above the version; "" if it does not."""
    above = [point for point in figures.cost_curve if point.blind > point.outcome.value]
    if not above:
        return ""
    sure = [point for point in above if point.blind > point.outcome.high]
    most = max(above, key=lambda point: point.blind - point.outcome.value)
    by = number(100 * (most.blind - most.outcome.value), 1)
    return (
        f" At {number(most.minutes)} minutes the dashed line is above this version, by {by} "
        "percentage points. There, to look at the case did not pay on the test cases: "
        + (
            "the version chose worse than one mix for all."
            if sure
            else "that is within the band, and may be chance."
        )
    )


def _frame(figures: Figures) -> float:
    """Gives the right end of the axis, minutes: what the curve and the main policies need."""
    needed = [point.minutes for point in figures.cost_curve]
    needed += [p.minutes for p in figures.policies if p.name in MAIN_POLICIES]
    # Dear mixes for all would press what matters into the left half; `beyond` names them.
    return 1.12 * max(needed)


def cost_curve(figures: Figures) -> TwoShapes:
    """Draws the best outcome at so many minutes a case, a rule blind to the case, and policies."""
    curve = sorted(figures.cost_curve, key=lambda point: point.minutes)
    first, last = curve[0], curve[-1]

    def paint(figure: Figure, narrow: bool) -> None:
        axes = figure.subplots()
        _lines(axes, curve)
        _policies(axes, figures)
        axes.set_xlim(0, _frame(figures))
        axes.set_xlabel("adviser minutes per case")
        axes.set_ylabel("cases that reach their goal, %")
        figure.legend(loc="outside upper left" if narrow else "outside right upper")

    minutes = f"{number(first.minutes)} to {number(last.minutes)}"
    best = f"{number(100 * first.outcome.value, 1)} to {number(100 * last.outcome.value, 1)}"
    blind = f"{number(100 * first.blind, 1)} to {number(100 * last.blind, 1)}"
    words = (
        f"From {minutes} minutes per case, the share that reaches the goal goes from {best}%. "
        f"Without a look at the case it goes from {blind}%."
    )
    return draw_two_shapes(
        "cost-curve", "Outcome against adviser minutes", words, (3.9, 4.9), paint
    )


def _lines(axes: Axes, curve: list[CostPoint]) -> None:
    minutes = [point.minutes for point in curve]
    low, high = (
        [100 * getattr(point.outcome, side) for point in curve] for side in ("low", "high")
    )
    axes.fill_between(
        minutes,
        low,
        high,
        color=BLUE,
        alpha=0.18,
        linewidth=0,
        label="90% interval, point by point",
    )

    best, blind = ([100 * p.outcome.value for p in curve], [100 * p.blind for p in curve])
    axes.plot(minutes, best, color=BLUE, label="this version, minutes where they help most")
    axes.plot(minutes, blind, color=INK, linestyle="--", label="same minutes, no look at the case")


def _policies(axes: Axes, figures: Figures) -> None:
    frame = _frame(figures)
    uniform = [p for p in figures.policies if p.name not in MAIN_POLICIES and p.minutes <= frame]
    values = [100 * p.estimates["dr"].value for p in uniform]
    axes.plot([p.minutes for p in uniform], values, "x", color=QUIET, label="one mix for all")
    for name in MAIN_POLICIES:
        policy = figures.policy(name)
        if policy is None:
            continue
        mark, colour = MARKS[name]
        value = 100 * policy.estimates["dr"].value
        label = names().policy(name)
        axes.plot(
            policy.minutes,
            value,
            mark,
            color=colour,
            markersize=8,
            markeredgecolor="white",
            label=label,
        )
