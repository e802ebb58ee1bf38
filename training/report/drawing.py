"""Drawings of the report: inline SVG with its title and what it shows in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from router.drawing.svg import INK, inline_svg

WIDTH = 9.6
"""Inches of a full-width drawing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A drawing with a title and a description that says in words what it shows."""

    name: str
    title: str
    description: str
    svg: Markup


def draw(
    name: str,
    title: str,
    description: str,
    height: float,
    paint: Callable[[Figure], None],
    width: float = WIDTH,
) -> Drawing:
    """Paints on a fresh figure and returns it as inline SVG.

    Args:
        name: unique on the page; prefixes every id in the SVG.
        title: short alternative text.
        description: what the drawing shows, in words.
        height: inches.
        paint: puts axes on the figure.
        width: inches.
    """
    svg = inline_svg(name, title, description, (width, height), paint)
    return Drawing(name=name, title=title, description=description, svg=svg)


def mix_colours(count: int) -> tuple[str, ...]:
    """Colours of mixes, light to dark as their minutes rise: told apart by lightness, whatever the eye."""
    scale = mpl.colormaps["YlGnBu"]
    return tuple(to_hex(scale(0.18 + 0.8 * k / max(1, count - 1))) for k in range(count))


def ink_on(colour: str) -> str:
    """Black or white, whichever has the better contrast on a colour."""
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.55 else "white"


def zero_line(axes: Axes, *, upright: bool = True) -> None:
    """Marks no difference."""
    if upright:
        axes.axvline(0, color=INK, linewidth=1)
    else:
        axes.axhline(0, color=INK, linewidth=1)
