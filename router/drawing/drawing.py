"""A drawing: inline SVG with its words, in one shape, or a wide and a narrow one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.figure import Figure

from router.drawing.svg import inline_svg

WIDE, NARROW = 9.6, 4.1
"""Inches across: of a screen or paper, and of a phone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A drawing with a title and a description that says in words what it shows."""

    name: str
    title: str
    description: str
    svg: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoShapes:
    """One drawing in two shapes: for a screen or paper, and for a phone."""

    wide: Drawing
    narrow: Drawing


def draw(
    name: str,
    title: str,
    description: str,
    height: float,
    paint: Callable[[Figure], None],
    width: float = WIDE,
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


def draw_two_shapes(
    name: str,
    title: str,
    description: str,
    heights: tuple[float, float],
    paint: Callable[[Figure, bool], None],
    width: float = WIDE,
) -> TwoShapes:
    """Paints on two fresh figures, a wide and a narrow one.

    Args:
        name: unique on the page; prefixes every id in the SVGs.
        title: short alternative text.
        description: what the drawing shows, in words.
        heights: inches, wide and narrow.
        paint: puts axes on the figure; told whether it is the narrow shape.
        width: inches, of the wide shape.
    """
    # Painted twice, not scaled: on a phone text would shrink with the drawing.
    high, higher = heights
    wide = draw(
        f"{name}-wide", title, description, high, lambda figure: paint(figure, False), width
    )
    narrow = draw(
        f"{name}-narrow", title, description, higher, lambda figure: paint(figure, True), NARROW
    )
    return TwoShapes(wide=wide, narrow=narrow)
