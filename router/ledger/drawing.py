"""Drawings as inline SVG, each in a wide and a narrow shape: for a screen or paper, and for a phone."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

WIDE, NARROW = 9.6, 4.7
"""Inches across."""
INK, QUIET = "#1d2430", "#5a6472"
BLUE, ORANGE, GREEN, GREY, SAND = "#0072b2", "#d55e00", "#007a59", "#9aa3af", "#f0c36d"
_STYLE: Any = {  # its keys are a literal type of a hundred names
    "svg.fonttype": "none",
    "svg.hashsalt": "channel-router",
    "hatch.linewidth": 1.2,
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.labelsize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e6e9ee",
    "grid.linewidth": 0.8,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9.5,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "lines.linewidth": 1.8,
}


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
    """Paints on fresh figures and returns them as inline SVG; equal figures give equal bytes.

    Args:
        name: unique on the page; prefixes every id in the SVG.
        title: short alternative text.
        description: what the drawing shows, in words.
        heights: inches, wide and narrow.
        paint: puts axes on the figure; told whether it is the narrow shape.
    """
    shapes = {}
    for narrow, height in zip((False, True), heights, strict=True):
        with mpl.rc_context(_STYLE):
            figure = Figure(figsize=(NARROW if narrow else WIDE, height), layout=ConstrainedLayoutEngine(w_pad=0.06))
            FigureCanvasSVG(figure)
            paint(figure, narrow)
            out = io.StringIO()
            figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
        shapes[narrow] = _inline(out.getvalue(), f"{name}-{'narrow' if narrow else 'wide'}", title, description)
    return Drawing(name=name, wide=shapes[False], narrow=shapes[True])


def _inline(svg: str, name: str, title: str, description: str) -> Markup:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)  # it would style the whole page
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    svg = svg.replace("'DejaVu Sans'", "'DejaVu Sans', Verdana, sans-serif")  # Verdana has the same widths
    words = f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-words">{escape(description)}</desc>'
    opening = re.match(r"<svg[^>]*>", svg)
    if opening is None:
        raise ValueError(f"drawing {name}: is not an SVG")
    tag = opening.group()[:-1] + f' role="img" aria-labelledby="{name}-title {name}-words">'
    return Markup(tag + words + svg[opening.end() :])


def rows(axes: Axes, labels: list[str]) -> None:
    """Labels rows from the top down."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
