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
