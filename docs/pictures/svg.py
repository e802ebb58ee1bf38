"""SVG from text: boxes, lines and words, laid out by hand; equal bytes for equal words."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from html import escape

INK, QUIET, LINE, PAPER = "#1d2430", "#5a6472", "#c9ced6", "#ffffff"
BLUE, ORANGE, GREEN = "#0072b2", "#b34700", "#007a59"
FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
# The widest of these fonts takes somewhat less than six tenths of its size a character.
_WIDTH = 0.58


@dataclass
class Picture:
    """A picture that grows as it is drawn on."""

    width: float
    title: str
    words: str
    marks: list[str] = field(default_factory=list)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = 13,
        colour: str = INK,
        bold: bool = False,
        anchor: str = "start",
    ) -> None:
        """Writes one line whose baseline is at y."""
        weight = ' font-weight="600"' if bold else ""
        self.marks.append(
            f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{colour}"'
            f' text-anchor="{anchor}"{weight}>{escape(words)}</text>'
        )

    def paragraph(
        self,
        x: float,
        y: float,
        words: str,
        *,
        width: float,
        size: float = 13,
        colour: str = INK,
        bold: bool = False,
    ) -> float:
        """Writes words in lines no wider than this, and returns where the next line begins."""
        step = size * 1.4
        for line in textwrap.wrap(words, int(width / (size * _WIDTH))):
            self.text(x, y, line, size=size, colour=colour, bold=bold)
            y += step
        return y

    def box(self, x: float, y: float, width: float, height: float, *, edge: str = LINE) -> None:
        """Draws a rounded box."""
        self.marks.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6"'
            f' fill="{PAPER}" stroke="{edge}" stroke-width="1.5"/>'
        )

    def bar(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Draws a filled bar."""
        self.marks.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{colour}"/>'
        )

    def dot(self, x: float, y: float, radius: float, colour: str) -> None:
        """Draws a filled dot."""
        self.marks.append(f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{colour}"/>')

    def line(self, *points: tuple[float, float], colour: str = LINE) -> None:
        """Draws a line through the points."""
        self.marks.append(self._path(points, colour))

    def arrow(self, *points: tuple[float, float], colour: str = QUIET) -> None:
        """Draws a line through the points, with a head at the last."""
        self.marks.append(self._path(points, colour, ' marker-end="url(#head)"'))

    def svg(self, height: float) -> str:
        """Returns the whole file, as high as this."""
        marks = "\n".join(self.marks)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {height:g}"'
            f' width="{self.width:g}" height="{height:g}" font-family="{FONT}" role="img">\n'
            f"<title>{escape(self.title)}</title>\n<desc>{escape(self.words)}</desc>\n"
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7"'
            f' markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="{QUIET}"/></marker>'
            f'</defs>\n<rect width="100%" height="100%" rx="8" fill="#f6f7f9"/>\n{marks}\n</svg>\n'
        )

    @staticmethod
    def _path(points: tuple[tuple[float, float], ...], colour: str, head: str = "") -> str:
        steps = " ".join(f"{x:g} {y:g}" for x, y in points)
        return f'<path d="M{steps}" fill="none" stroke="{colour}" stroke-width="1.5"{head}/>'
