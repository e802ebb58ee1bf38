"""Shares and means with their 90 per cent intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z = 1.6448536269514722
"""Of a two-sided interval of 90 per cent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure with the ends of its 90 per cent interval, and the cases that it rests on."""

    value: float
    low: float
    high: float
    cases: int


def share(values: NDArray[np.float64], off_by: float = 0) -> Interval:
    """Gives the mean of values from 0 to 1 with Wilson's interval.

    For values between 0 and 1 it is on the wide side.

    Args:
        values: shape (n,).
        off_by: by how much their sum may be off, which widens the interval on both sides.

    Raises:
        ValueError: if there are no values.
    """
    n = len(values)
    if not n:
        raise ValueError("values: none given")
    mean = float(values.mean())
    # Wilson's, since the usual one is empty where all or none reached their goal.
    centre = (mean + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * np.sqrt(mean * (1 - mean) / n + Z * Z / (4 * n * n))
    half += off_by / n
    return Interval(
        value=mean, low=max(0.0, float(centre - half)), high=min(1.0, float(centre + half)), cases=n
    )


def total(values: NDArray[np.int64], extra: float, off_by: float) -> Interval:
    """Gives the sum of values and how far it would vary with others of their kind.

        se^2 = sd^2 (n + extra) + (off_by * mean)^2

    Args:
        values: of each case, shape (n,).
        extra: cases more that it varies as if it had, for what is not known of these ones.
        off_by: standard error of their number.
    """
    n, value = len(values), float(values.sum())
    if not n:
        return Interval(value=0.0, low=0.0, high=0.0, cases=0)
    error = float(np.hypot(values.std() * np.sqrt(n + extra), off_by * values.mean()))
    return Interval(value=value, low=value - Z * error, high=value + Z * error, cases=n)


def ratio(minutes: NDArray[np.float64], contacts: NDArray[np.float64], alike: int = 1) -> Interval:
    """Gives minutes per contact over reports, sum by sum.

    The interval is the linearised one of a ratio of means.

        r = sum m / sum c      se^2 = alike * n / (n - 1) * sum (m - r c)^2 / (sum c)^2

    Args:
        minutes: of each report, shape (n,).
        contacts: of each report, shape (n,), each above 0.
        alike: how many reports say the same since they are told as one of them.

    Raises:
        ValueError: if there are fewer than two reports, or a contact count is not above 0.
    """
    n = len(minutes)
    if n < 2 or not (contacts > 0).all():
        raise ValueError("contacts: at least two reports with contacts are needed")
    value = float(minutes.sum() / contacts.sum())
    # Reports with many contacts weigh more, and a report's contacts hang
    # together: so the error is that of a ratio of sums, not of a mean of ratios.
    rest = minutes - value * contacts
    error = float(np.sqrt(alike * n / (n - 1) * (rest * rest).sum()) / contacts.sum())
    return Interval(value=value, low=max(0.0, value - Z * error), high=value + Z * error, cases=n)
