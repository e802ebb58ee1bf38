"""What two features of a case add together, beyond what each adds alone: cells of their bins."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bins = NDArray[np.uint16]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A table over the cells of two features' bins.

    Args:
        first: column of the first feature.
        second: column of the second feature, another one.
        first_bins: bin of each of the first feature's slots, shape (slots,); bin 0 and up, none
            left out.
        second_bins: likewise.
        values: shape (first bins * second bins, mixes, folds), outcome points, the second feature's
            bins innermost.
        counts: shape (cells,), training cases seen in each cell, in tens (`whole_tens`).

    Raises:
        ValueError: if shapes do not fit each other or a number is not finite.
    """

    first: int
    second: int
    first_bins: Bins
    second_bins: Bins
    values: Floats
    counts: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.first == self.second:
            raise ValueError(f"a pair must join two features, not column {self.first} with itself")
        # Bins count from 0 without a gap, so that the highest one tells how many there are.
        cells = (int(self.first_bins.max(initial=0)) + 1) * self.width
        if self.values.ndim != 3 or len(self.values) != cells or self.counts.shape != (cells,):
            raise ValueError(
                f"a pair must have values ({cells}, mixes, folds) and counts ({cells},)"
            )
        if not np.isfinite(self.values).all() or (self.counts < 0).any():
            raise ValueError("a pair's values must be finite and its counts not negative")

    @cached_property
    def width(self) -> int:
        """Number of the second feature's bins."""
        return int(self.second_bins.max(initial=0)) + 1

    @cached_property
    def strides(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """What each slot of the first and of the second feature adds to a cell's number."""
        return self.first_bins.astype(np.intp) * self.width, self.second_bins.astype(np.intp)

    def cells(self, rows: NDArray[np.uint16]) -> NDArray[np.intp]:
        """Gives the cell of each row of slots, shape (n,)."""
        first, second = self.strides
        cells: NDArray[np.intp] = first[rows[:, self.first]] + second[rows[:, self.second]]
        return cells
