"""Counts in whole tens: what a version or a report may tell of how many cases it rests on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TEN = 10


def whole_tens(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rounds counts of neighbours, such as a field's values, to tens.

    Their running sums are rounded, so every sum of neighbours is less than ten off, however many.
    Counts that are tens already stay: what is told may always be the plain truth, in which no
    count is 1 to 9 (ADR 30).

    Args:
        counts: shape (n,), each at least 0.
    """
    running = (np.cumsum(counts) + TEN // 2) // TEN * TEN
    rounded: NDArray[np.int64] = np.diff(running, prepend=0).astype(np.int64)
    return rounded


def nearest_ten(count: int) -> int:
    """Rounds one count."""
    return (count + TEN // 2) // TEN * TEN


def full_tens(count: int) -> int:
    """Rounds one count down: cases of a ten that is not full are not told of."""
    return count - count % TEN
