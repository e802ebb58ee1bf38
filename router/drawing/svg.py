"""Inline SVG of a figure: one style, text that stays text, equal bytes for equal figures."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from html import escape
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from router.drawing.colours import INK, QUIET

_STYLE: Any = {  # its keys are a literal type of a hundred names
    # Text stays text: it can be searched, read aloud and set in the reader's fonts.
    "svg.fonttype": "none",
    # A name with dollar signs is a name, not a formula that may not parse.
    "text.parse_math": False,
    # Ids are hashed with it; without it every drawing would have other bytes each time.
    "svg.hashsalt": "channel-router",
    "hatch.linewidth": 1.2,
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.labelsize": 9.5,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
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
    "ytick.labelsize": 9,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
}


def inline_svg(
    name: str,
    title: str,
    description: str,
    size: tuple[float, float],
    paint: Callable[[Figure], None],
) -> Markup:
    """Paints on a fresh figure and returns it as inline SVG.

    Args:
        name: unique on the page; prefixes every id in the SVG.
        title: short alternative text.
        description: what the drawing shows, in words.
        size: width and height, inches.
        paint: puts axes on the figure.
    """
    with mpl.rc_context(_STYLE):
        # Not pyplot: it keeps every figure in a register of the whole process.
        figure = Figure(figsize=size)
        FigureCanvasSVG(figure)
        paint(figure)
        # Laid out once, here: saving would paint all of it once more for the layout alone.
        ConstrainedLayoutEngine(w_pad=0.08).execute(figure)
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    return _inline(out.getvalue(), name, title, description)


def _inline(svg: str, name: str, title: str, description: str) -> Markup:
    # The XML head and document type have no place inside of HTML.
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # It would style the whole page.
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)

    # Ids are the page's: two drawings with the same would paint with each other's parts.
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    # Verdana has the same widths.
    svg = svg.replace("'DejaVu Sans'", "'DejaVu Sans', Verdana, sans-serif")

    opening = re.match(r"<svg[^>]*>", svg)
    if opening is None:
        raise ValueError(f"drawing {name}: is not an SVG")
    tag = opening.group()[:-1] + f' role="img" aria-labelledby="{name}-title {name}-words">'
    words = f'<title id="{name}-title">{escape(title)}</title>'
    words += f'<desc id="{name}-words">{escape(description)}</desc>'
    # Escaped above, and by Matplotlib what it drew.
    return Markup(tag + words + svg[opening.end() :])  # nosec B704
