"""Charts of the first screen (gains) and of "What each policy is worth" (sections/value)."""

from __future__ import annotations

import textwrap

import numpy as np
from matplotlib.figure import Figure

from router.drawing.axes import rows, zero_line
from router.drawing.colours import BLUE, GREEN, ORANGE, PURPLE, QUIET
from router.drawing.drawing import TwoShapes, draw_two_shapes
from training.evaluation.figures import (
    OK,
    Difference,
    Estimate,
    Figures,
    PolicyFigures,
)
from training.report.words import (
    COMPARED,
    MAIN_POLICIES,
    names,
    number,
    point_range,
    points,
    share_range,
)

MARKS = {
    "candidate": ("o", BLUE),
    "promoted": ("D", PURPLE),
    "todays_rule": ("s", ORANGE),
    "logged": ("^", GREEN),
}
REACHED = "cases that reach their goal, %, with 90% interval"


def spans(estimates: list[Estimate]) -> np.ndarray:
    """Gives the arms of intervals in points, shape (2, n)."""
    # Rounding may make an arm negative, which matplotlib refuses.
    return 100 * np.array(
        [[e.value - e.low for e in estimates], [e.high - e.value for e in estimates]]
    ).clip(0)


def folded(text: str, narrow: bool, at: int = 42) -> str:
    """Breaks words into lines on a phone, where one line would be cut."""
    return textwrap.fill(text, at) if narrow else text


def gains(figures: Figures) -> TwoShapes | None:
    """Draws the candidate's gain over each policy it is compared with; None if there is none."""
    found = [one for than in COMPARED if (one := figures.difference(than)) is not None]
    if not found:
        return None

    def paint(figure: Figure, narrow: bool) -> None:
        axes = figure.subplots()
        estimates = [one.outcome for one in found]
        axes.errorbar(
            [100 * e.value for e in estimates],
            range(len(found)),
            xerr=spans(estimates),
            fmt="o",
            color=BLUE,
            markersize=8,
            elinewidth=3,
            capsize=0,
        )
        rows(axes, [folded(f"over {names().policy(one.than)}", narrow, 14) for one in found])
        zero_line(axes)
        low, high = axes.get_xlim()
        # Zero stays in sight, however far from it all gains are.
        axes.set_xlim(min(low, -0.1 * (high - low)), max(high, 0.1 * (high - low)))
        label = "more cases that reach their goal, percentage points, with 90% interval"
        axes.set_xlabel(folded(label, narrow))

    words = "; ".join(_gain_words(one) for one in found)
    return draw_two_shapes(
        "gains",
        "Gain of this version",
        f"Gain in percentage points: {words}.",
        (0.75 + 0.36 * len(found), 0.95 + 0.5 * len(found)),
        paint,
        8.2,
    )


def _gain_words(one: Difference) -> str:
    return (
        f"over {names().policy(one.than)} {points(one.outcome.value)} ({point_range(one.outcome)})"
    )


def ordered(figures: Figures) -> list[PolicyFigures]:
    """Orders policies: the main ones first, then every mix for all."""
    main = [one for name in MAIN_POLICIES if (one := figures.policy(name)) is not None]
    return main + [one for one in figures.policies if one not in main]


def values(figures: Figures) -> TwoShapes:
    """Draws the value of every policy with its interval, and the minutes it takes."""
    found = ordered(figures)

    def paint(figure: Figure, narrow: bool) -> None:
        axes = figure.subplots()
        for row, policy in enumerate(found):
            estimate = policy.estimates["dr"]
            mark, colour = MARKS.get(policy.name, ("o", QUIET))
            axes.errorbar(
                100 * estimate.value,
                row,
                xerr=spans([estimate]),
                fmt=mark,
                color=colour,
                # Hollow where overlap is too small: it must not look as sure as the rest.
                markerfacecolor=colour if policy.verdict == OK else "white",
                markersize=7,
                elinewidth=2.2,
            )
            axes.text(
                1.02,
                row,
                f"{number(policy.minutes)} min",
                va="center",
                transform=axes.get_yaxis_transform(),
            )
        rows(axes, [folded(names().policy(policy.name), narrow, 17) for policy in found])
        axes.set_xlabel(folded(REACHED, narrow, 36))

    words = "; ".join(f"{names().policy(p.name)} {share_range(p.estimates['dr'])}" for p in found)
    return draw_two_shapes(
        "values",
        "Value of every policy",
        f"Per cent that reach their goal: {words}.",
        (0.9 + 0.32 * len(found), 1.0 + 0.5 * len(found)),
        paint,
    )
