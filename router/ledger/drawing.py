"""Drawings, each in a wide and a narrow shape: for a screen or paper, and for a phone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from markupsafe import Markup
from matplotlib.figure import Figure

from router.drawing.svg import inline_svg

WIDE, NARROW = 9.6, 4.7
"""Inches across."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A drawing in two shapes, with a title and a description that says in words what it shows."""

    name: str
    wide: Markup
    narrow: Markup


def draw(
    name: str,
    title: str,
    description: str,
    heights: tuple[float, float],
    paint: Callable[[Figure, bool], None],
) -> Drawing:
    """Paints on fresh figures and returns them as inline SVG.

    Args:
        name: unique on the page; prefixes every id in the SVG.
        title: short alternative text.
        description: what the drawing shows, in words.
        heights: inches, wide and narrow.
        paint: puts axes on the figure; told whether it is the narrow shape.
    """
    wide, narrow = (
        inline_svg(
            f"{name}-{shape}",
            title,
            description,
            (width, height),
            partial(_of_shape, paint, shape == "narrow"),
        )
        for shape, width, height in zip(("wide", "narrow"), (WIDE, NARROW), heights, strict=True)
    )
    return Drawing(name=name, wide=wide, narrow=narrow)


def _of_shape(paint: Callable[[Figure, bool], None], narrow: bool, figure: Figure) -> None:
    paint(figure, narrow)
