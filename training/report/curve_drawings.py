"""Chart of "What would more cases buy?" (sections/curve)."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from router.drawing.colours import BLUE
from router.drawing.drawing import TwoShapes, draw_two_shapes
from training.evaluation.figures import Estimate, Figures
from training.report.value_drawings import REACHED, folded, spans
from training.report.words import number, share_range


def learning_curve(figures: Figures) -> TwoShapes | None:
    """Draws what is learned from parts of the cases, and from all; None if nobody asked."""
    candidate, parts = figures.policy("candidate"), figures.learning_curve
    if not parts or candidate is None:
        return None
    points = [(part.cases, part.value) for part in parts]
    points.append((figures.trained_on, candidate.estimates["dr"]))
    cases, values = [count for count, _ in points], [value for _, value in points]

    def paint(figure: Figure, narrow: bool) -> None:
        axes = figure.subplots()
        axes.errorbar(
            cases,
            [100 * one.value for one in values],
            yerr=spans(values),
            fmt="o-",
            color=BLUE,
            markersize=8,
            elinewidth=3,
        )
        # Doublings are steps of one length.
        axes.set_xscale("log", base=2)
        axes.set_xlim(cases[0] / 1.3, cases[-1] * 1.3)
        axes.xaxis.set_major_locator(FixedLocator(cases))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(cases, [number(count) for count in cases])
        axes.set_xlabel(folded("logged cases that were learned from", narrow))
        axes.set_ylabel(folded(REACHED, narrow=True, at=30))

    told = "; ".join(_told(count, value) for count, value in points)
    return draw_two_shapes(
        "learning-curve",
        "Value by number of cases learned from",
        f"Cases that reach their goal, by cases learned from: {told}.",
        (3.2, 3.8),
        paint,
    )


def _told(cases: int, value: Estimate) -> str:
    return f"{number(cases)} cases {number(100 * value.value, 1)}% ({share_range(value)})"
