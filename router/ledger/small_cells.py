"""Small cells: what is about fewer than ten cases is not shown, nor can it be computed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

AT_LEAST = 10
"""Cases that a figure must be about."""


def hidden(counts: NDArray[np.int64], also: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """Picks the cells of a table to hide when its totals are shown.

    A cell of 1 to 9 cases is hidden. What is hidden must not follow from a total: in each row, and
    in each column of a table with rows and columns, hidden cells are at least two and hold at least
    ten cases together, so the smallest shown ones are hidden too until that is so. Empty cells tell
    of nobody and may be shown.

    Args:
        counts: cases of each cell, shape (cells,) with one total, or (rows, columns) with totals on
            both sides.
        also: cells that are hidden for another reason, of the same shape.

    Returns:
        Which to hide, of the same shape.
    """
    table = np.atleast_2d(counts)
    hide = (table > 0) & (table < AT_LEAST)
    if also is not None:
        hide |= np.atleast_2d(also) & (table > 0)
    # Views, not copies: what is hidden along a row is hidden in its columns at once.
    lines = [*zip(table, hide, strict=True)]
    if counts.ndim == 2:
        lines += [*zip(table.T, hide.T, strict=True)]
    # Hiding in a row may leave a column with one hidden
    # cell, and the other way: until all are quiet.
    while any(_complete(*line) for line in lines):
        pass
    return hide.reshape(counts.shape)


def _complete(counts: NDArray[np.int64], hide: NDArray[np.bool_]) -> bool:
    """Hides more cells of one line, in place, until the hidden ones protect each other.

    Returns:
        Whether it hid any.
    """
    changed = False
    while hide.any() and (hide.sum() < 2 or counts[hide].sum() < AT_LEAST):
        shown = np.flatnonzero(~hide & (counts > 0))
        # All cells of the line that hold anybody are hidden: there is no other to take.
        if not len(shown):
            break
        hide[shown[counts[shown].argmin()]] = changed = True
    return changed


def small(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tells which counts are 1 to 9."""
    return (counts > 0) & (counts < AT_LEAST)
