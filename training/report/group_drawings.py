"""Charts of "Who gets what" (groups.html.j2): mixes, minutes and gain by group."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from router.drawing.axes import rows, zero_line
from router.drawing.colours import BLUE, GREEN, LINE, ink_on, mix_colours
from router.drawing.drawing import Drawing, draw
from training.evaluation.figures import Figures, GroupFigures
from training.report.words import names, number, point_range

LABELLED = 0.12
"""Shares from here on carry their number."""


def fields_of(figures: Figures) -> list[tuple[str, str]]:
    """Gives source and field of each grouping, in the figures' order."""
    return list(dict.fromkeys((group.source, group.field) for group in figures.groups))


def groups_of(figures: Figures, source: str, field: str) -> list[GroupFigures]:
    """Gives the groups of a field."""
    return [group for group in figures.groups if (group.source, group.field) == (source, field)]


def group_drawings(figures: Figures, mixes: tuple[str, ...]) -> dict[tuple[str, str], Drawing]:
    """Draws each field's groups that are large enough to be shown."""
    found = {}
    for source, field in fields_of(figures):
        groups = [group for group in groups_of(figures, source, field) if not group.suppressed]
        if groups:
            found[source, field] = _drawing(source, field, groups, mixes)
    return found


def _drawing(
    source: str, field: str, groups: list[GroupFigures], mixes: tuple[str, ...]
) -> Drawing:
    labels = [
        f"{names().group(field, group.group)} (n = {number(group.cases)})" for group in groups
    ]

    def paint(figure: Figure) -> None:
        shares, minutes, gain = figure.subplots(1, 3, width_ratios=[1.9, 1, 1])
        _mixes(shares, groups, mixes)
        _minutes(minutes, groups)
        _gain(gain, groups)
        for place, axes in enumerate((shares, minutes, gain)):
            # The three panels share their rows, so they are named once.
            rows(axes, labels, shown=place == 0)

    words = "; ".join(
        f"{names().group(field, group.group)}: gain {point_range(group.gain)} percentage points"
        for group in groups
        if group.gain
    )
    title = f"Who gets what by {names().field(field)}"
    return draw(
        f"groups-{source}-{field}",
        title,
        f"90% intervals. {words}.",
        1.25 + 0.36 * len(groups),
        paint,
    )


def _mixes(axes: Axes, groups: list[GroupFigures], mixes: tuple[str, ...]) -> None:
    left = np.zeros(len(groups))
    for mix, colour in zip(mixes, mix_colours(len(mixes)), strict=True):
        share = np.array([100 * (group.mixes or {}).get(mix, 0.0) for group in groups])
        axes.barh(
            range(len(groups)), share, left=left, color=colour, edgecolor="white", height=0.74
        )
        for row, width in enumerate(share):
            if width >= 100 * LABELLED:
                axes.text(
                    left[row] + width / 2,
                    row,
                    f"{width:.0f}",
                    ha="center",
                    va="center",
                    color=ink_on(colour),
                    fontsize=8.5,
                )
        left += share
    axes.set_xlim(0, 100)
    axes.set_title("mixes")
    axes.set_xlabel("% of the group's cases")


def _minutes(axes: Axes, groups: list[GroupFigures]) -> None:
    for row, group in enumerate(groups):
        if group.minutes is None or group.logged_minutes is None:
            continue
        axes.plot(
            [group.logged_minutes, group.minutes], [row, row], color=LINE, linewidth=3, zorder=1
        )

    known = [(row, group) for row, group in enumerate(groups) if group.minutes is not None]
    axes.plot(
        [g.logged_minutes or 0.0 for _, g in known],
        [row for row, _ in known],
        "^",
        color=GREEN,
        markersize=7,
    )
    axes.plot(
        [g.minutes or 0.0 for _, g in known],
        [row for row, _ in known],
        "o",
        color=BLUE,
        markersize=7,
    )
    axes.set_xlim(
        0, 1.08 * max([max(g.minutes or 0, g.logged_minutes or 0) for _, g in known] + [1])
    )
    axes.set_title("minutes")
    axes.set_xlabel("a case")
    axes.locator_params(axis="x", nbins=4)


def _gain(axes: Axes, groups: Iterable[GroupFigures]) -> None:
    for row, group in enumerate(groups):
        if group.gain is None:
            continue
        gain = group.gain
        axes.plot([100 * gain.low, 100 * gain.high], [row, row], color=BLUE, linewidth=2.2)
        axes.plot(100 * gain.value, row, "o", color=BLUE, markersize=6)
    zero_line(axes)
    axes.set_title("gain over practice")
    axes.set_xlabel("% points, 90% interval")
    axes.locator_params(axis="x", nbins=5)
