"""What many drawings paint alike on their axes: labelled rows, and the line of no difference."""

from __future__ import annotations

from matplotlib.axes import Axes

from router.drawing.colours import INK


def rows(axes: Axes, labels: list[str], *, shown: bool = True) -> None:
    """Labels rows from the top down."""
    axes.set_yticks(range(len(labels)), labels if shown else [""] * len(labels))
    # From high to low: the first label stands on top, as people read.
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)


def zero_line(axes: Axes, *, upright: bool = True) -> None:
    """Marks no difference."""
    if upright:
        axes.axvline(0, color=INK, linewidth=1)
    else:
        axes.axhline(0, color=INK, linewidth=1)


def interval(
    axes: Axes,
    row: int,
    span: tuple[float, float, float],
    colour: str,
    *,
    answered: bool,
    shade: str | None = None,
    width: float = 3,
) -> None:
    """Draws an estimate in its range.

    Args:
        axes: of rows.
        row: its row.
        span: lower end, estimate and upper end, shares; drawn in points.
        colour: of the dot.
        answered: the dot is hollow where an answer is not given: it must not look as sure as one.
        shade: of the range; the dot's if not given.
        width: of the range's line.
    """
    low, value, high = (100 * one for one in span)
    axes.errorbar(
        value,
        row,
        # Rounding may make an arm negative, which matplotlib refuses.
        xerr=[[max(0.0, value - low)], [max(0.0, high - value)]],
        fmt="o",
        color=shade or colour,
        markerfacecolor=colour if answered else "white",
        markeredgecolor=colour,
        markersize=8,
        elinewidth=width,
    )
