"""Charts of the page of `check` (files.html.j2): outcomes by month, unknown shares by month."""

from __future__ import annotations

from datetime import date

import numpy as np
from matplotlib.figure import Figure

from router.drawing.colours import BLUE
from router.drawing.drawing import TwoShapes, draw_two_shapes
from training.evaluation.examined import Examined
from training.report.words import names, number, percent

_Z = 1.645
# Labels of months that fit side by side, on a desk and on a phone.
_LABELS = {False: 12, True: 4}


def outcome_by_month(seen: Examined) -> TwoShapes | None:
    """Draws the share of cases that reach the goal, month by month; None without months."""
    told = [(one.month, one.outcome, one.error or 0.0) for one in seen.months if one.outcome]
    if len(told) < 2:
        return None
    outcomes = np.array([outcome for _, outcome, _ in told], np.float64)
    errors = np.array([error for _, _, error in told])

    def paint(figure: Figure, narrow: bool) -> None:
        axes = figure.subplots()
        axes.errorbar(
            range(len(told)),
            100 * outcomes,
            yerr=100 * _Z * errors,
            fmt="o-",
            color=BLUE,
            markersize=6,
            elinewidth=2,
        )
        step = max(1, -(-len(told) // _LABELS[narrow]))
        axes.set_xticks(range(0, len(told), step), [month for month, _, _ in told[::step]])
        axes.set_ylabel("reach the goal, %" if narrow else "cases that reach the goal, %")

    low, high = int(outcomes.argmin()), int(outcomes.argmax())
    words = (
        f"The lowest month is {_named(told[low][0])}, with {percent(outcomes[low])}. "
        f"The highest is {_named(told[high][0])}, with {percent(outcomes[high])}. "
        "The arms are 90% intervals."
    )
    return draw_two_shapes("outcome", "Cases that reach the goal", words, (3.0, 3.2), paint)


def unknown_by_month(seen: Examined) -> TwoShapes | None:
    """Draws the unknown share of each field, month by month; None without months."""
    if len(seen.months) < 2:
        return None
    shares = np.array(
        [
            [np.nan if one is None else 100 * one for one in field.unknown_by_month]
            for field in seen.fields
        ]
    )

    def paint(figure: Figure, narrow: bool) -> None:
        axes = figure.subplots()
        axes.imshow(shares, aspect="auto", cmap="Blues", vmin=0, vmax=100)
        axes.grid(visible=False)
        labels = [names().field(field.name) for field in seen.fields]
        short = [label if len(label) < 24 or not narrow else f"{label[:22]}…" for label in labels]
        axes.set_yticks(range(len(labels)), short, fontsize=7)
        step = max(1, -(-len(seen.months) // _LABELS[narrow]))
        months = [one.month for one in seen.months]
        axes.set_xticks(range(0, len(months), step), months[::step])

    whole = [
        field.name for field in seen.fields if field.unknown_earlier + field.unknown_later >= 2
    ]
    words = (
        f"{number(len(whole))} of {number(len(seen.fields))} fields are unknown throughout. "
        "White is known for all cases of a month. Dark blue is unknown for all."
    )
    return draw_two_shapes("unknown", "Unknown, by field and month", words, (8.5, 8.5), paint)


def _named(month: str) -> str:
    """Writes 2026-07 as July 2026."""
    return f"{date.fromisoformat(f'{month}-01'):%B %Y}"
