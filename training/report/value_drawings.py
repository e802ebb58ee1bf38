"""Charts of what policies are worth: gains, values, estimators, hidden confounding."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from router.drawing.axes import rows, zero_line
from router.drawing.colours import BLUE, GREEN, LINE, ORANGE, PURPLE, QUIET
from router.drawing.drawing import Drawing, draw
from training.evaluation.figures import (
    ESTIMATORS,
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
_REACHED = (
    "cases that reach their goal, per cent, with 90 % interval (the axis does not begin at 0)"
)
_ESTIMATOR_WORDS = {"dr": "doubly robust (DR)", "sndr": "SNDR", "snips": "SNIPS", "ips": "IPS"}


def _spans(estimates: list[Estimate]) -> np.ndarray:
    """Gives the arms of intervals in points, shape (2, n)."""
    # Rounding may make an arm negative, which matplotlib refuses.
    return 100 * np.array(
        [[e.value - e.low for e in estimates], [e.high - e.value for e in estimates]]
    ).clip(0)


def gains(figures: Figures) -> Drawing | None:
    """Draws the candidate's gain over each policy it is compared with; None if there is none."""
    found = [one for than in COMPARED if (one := figures.difference(than)) is not None]
    if not found:
        return None

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        estimates = [one.outcome for one in found]
        axes.errorbar(
            [100 * e.value for e in estimates],
            range(len(found)),
            xerr=_spans(estimates),
            fmt="o",
            color=BLUE,
            markersize=8,
            elinewidth=3,
            capsize=0,
        )
        rows(axes, [f"over {names().policy(one.than)}" for one in found])
        zero_line(axes)
        low, high = axes.get_xlim()
        # Zero stays in sight, however far from it all gains are.
        axes.set_xlim(min(low, -0.1 * (high - low)), max(high, 0.1 * (high - low)))
        axes.set_xlabel(
            "more cases that reach their goal, in points (per 100 cases), with 90 % interval"
        )

    words = "; ".join(_gain_words(one) for one in found)
    return draw(
        "gains",
        "Gain of this version",
        f"Gain in points: {words}.",
        0.75 + 0.36 * len(found),
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


def values(figures: Figures) -> Drawing:
    """Draws the value of every policy with its interval, and the minutes it takes."""
    found = ordered(figures)

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for row, policy in enumerate(found):
            estimate = policy.estimates["dr"]
            mark, colour = MARKS.get(policy.name, ("o", QUIET))
            axes.errorbar(
                100 * estimate.value,
                row,
                xerr=_spans([estimate]),
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
        rows(axes, [names().policy(policy.name) for policy in found])
        axes.set_xlabel(_REACHED)

    words = "; ".join(f"{names().policy(p.name)} {share_range(p.estimates['dr'])}" for p in found)
    return draw(
        "values",
        "Value of every policy",
        f"Per cent that reach their goal: {words}.",
        0.9 + 0.32 * len(found),
        paint,
    )


def estimators(figures: Figures) -> Drawing:
    """Draws four estimators of the main policies, side by side."""
    found = [one for one in ordered(figures) if one.name in MAIN_POLICIES]
    looks = dict(
        zip(ESTIMATORS, (("o", BLUE), ("s", GREEN), ("^", ORANGE), ("D", PURPLE)), strict=True)
    )

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for place, (name, (mark, colour)) in enumerate(looks.items()):
            chosen = [
                (row, p.estimates[name]) for row, p in enumerate(found) if name in p.estimates
            ]
            axes.errorbar(
                [100 * e.value for _, e in chosen],
                # Above each other within a policy's row, around its middle.
                [row + 0.18 * (place - 1.5) for row, _ in chosen],
                xerr=_spans([e for _, e in chosen]),
                fmt=mark,
                color=colour,
                markersize=6,
                elinewidth=1.6,
                label=_ESTIMATOR_WORDS[name],
            )
        rows(axes, [names().policy(policy.name) for policy in found])
        axes.set_xlabel(_REACHED)
        figure.legend(loc="outside upper left", ncols=4)

    words = "Each policy's value by four estimators; the table gives the numbers."
    return draw("estimators", "Estimators side by side", words, 1.2 + 0.62 * len(found), paint)


def sensitivity(figures: Figures) -> Drawing | None:
    """Draws the gain's ends as unseen severity tilts the choice of mixes; None if not measured."""
    found = figures.sensitivity
    if not found:
        return None

    def paint(figure: Figure) -> None:
        panels = figure.subplots(1, len(found), sharey=True, squeeze=False)[0]
        for axes, one in zip(panels, found, strict=True):
            steps = sorted((float(gamma), bound) for gamma, bound in one.bounds.items())
            odds = [gamma for gamma, _ in steps]
            low, high = ([100 * bound[side] for _, bound in steps] for side in (0, 1))
            axes.fill_between(odds, low, high, color=BLUE, alpha=0.18, linewidth=0)
            axes.plot(odds, low, color=BLUE)
            axes.plot(odds, high, color=BLUE)
            zero_line(axes, upright=False)
            # At 1 there was no proven gain that could be taken away.
            if one.gamma > 1:
                axes.axvline(one.gamma, color=ORANGE, linestyle=":")
            axes.set_title(f"over {names().policy(one.than)}")
            axes.set_xlabel("odds ratio of hidden confounding")
        panels[0].set_ylabel("gain, points")
        panels[0].spines["left"].set_color(LINE)

    words = (
        "Ends of the gain's 90 % interval by strength of hidden confounding; "
        "dotted: from here it is not proven."
    )
    return draw("sensitivity", "Sensitivity to hidden confounding", words, 2.8, paint)
