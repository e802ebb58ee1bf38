"""Colours of drawings: told apart whatever the eye, with enough contrast on white."""

from __future__ import annotations

import matplotlib as mpl
from matplotlib.colors import to_hex

INK, QUIET, LINE = "#1d2430", "#5a6472", "#c9ced6"
BLUE, ORANGE, GREEN, PURPLE = "#0072b2", "#d55e00", "#007a59", "#8e4a86"
"""Okabe and Ito's colour-blind-safe hues; green and purple darkened for contrast on white."""
GREY, SAND = "#9aa3af", "#f0c36d"


def mix_colours(count: int) -> tuple[str, ...]:
    """Gives the colours of mixes, the darker the more minutes: lightness tells them apart."""
    scale = mpl.colormaps["YlGnBu"]
    # Not the scale's ends: the lightest could not be told from the page, the darkest not from ink.
    steps = max(1, count - 1)
    shades = (0.18 + 0.8 * k / steps for k in range(count))
    return tuple(to_hex(scale(shade)) for shade in shades)


def ink_on(colour: str) -> str:
    """Gives black or white, whichever has the better contrast on a colour."""
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    # The eye is most sensitive to green, least to blue: the usual weights of luma (Rec. 601).
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.55 else "white"
