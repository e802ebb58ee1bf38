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


def share(value: float, count: int, off_by: float = 0) -> Interval:
    """Gives the mean of values from 0 to 1 with Wilson's interval.

    For values between 0 and 1 it is on the wide side.

    Args:
        value: sum of the values.
        count: how many there are, at least 1.
        off_by: by how much their sum may be off, which widens the interval on both sides.

    Raises:
        ValueError: if there are no values.
    """
    if count < 1:
        raise ValueError("values: none given")
    mean = value / count
    # Wilson's, since the usual one is empty where all or none reached their goal.
    centre = (mean + Z * Z / (2 * count)) / (1 + Z * Z / count)
    half = Z / (1 + Z * Z / count) * (mean * (1 - mean) / count + Z * Z / (4 * count**2)) ** 0.5
    half += off_by / count
    return Interval(
        value=mean, low=max(0.0, centre - half), high=min(1.0, centre + half), cases=count
    )


def total(value: int, squares: int, count: int, extra: float, off_by: float) -> Interval:
    """Gives the sum of values and how far it would vary with others of their kind.

        se^2 = sd^2 (n + extra) + (off_by * mean)^2

    Args:
        value: the sum.
        squares: the sum of their squares.
        count: how many there are.
        extra: cases more that it varies as if it had, for what is not known of these ones.
        off_by: standard error of their number.
    """
    if not count:
        return Interval(value=0.0, low=0.0, high=0.0, cases=0)
    # Whole numbers as far as they go: a difference of two large ones keeps all its digits.
    variance = (squares * count - value * value) / count**2
    error = (variance * (count + extra) + (off_by * value / count) ** 2) ** 0.5
    return Interval(value=float(value), low=value - Z * error, high=value + Z * error, cases=count)


def ratio(sums: NDArray[np.float64], alike: int = 1) -> Interval:
    """Gives minutes per contact over reports, sum by sum.

    The interval is the linearised one of a ratio of means.

        r = sum m / sum c      se^2 = alike * n / (n - 1) * sum (m - r c)^2 / (sum c)^2

    Args:
        sums: over n reports of 1, m, c, m^2, m c and c^2, as `ratio_sums` gives them; n from 2.
        alike: how many reports say the same since they are told as one of them.

    Raises:
        ValueError: if there are fewer than two reports.
    """
    count, minutes, contacts, squared, times, twice = sums.tolist()
    if count < 2:
        raise ValueError("contacts: at least two reports with contacts are needed")
    value = minutes / contacts
    # Reports with many contacts weigh more, and a report's contacts hang
    # together: so the error is that of a ratio of sums, not of a mean of ratios.
    rest = max(0.0, squared - 2 * value * times + value * value * twice)
    error = (alike * count / (count - 1) * rest) ** 0.5 / contacts
    return Interval(
        value=value, low=max(0.0, value - Z * error), high=value + Z * error, cases=int(count)
    )


def ratio_sums(minutes: NDArray[np.float64], contacts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gives what a `ratio` is made of, shape (6,); those of several offices are added.

    Args:
        minutes: of each report, shape (n,).
        contacts: of each report, shape (n,), each above 0.

    Raises:
        ValueError: if a contact count is not above 0.
    """
    if not (contacts > 0).all():
        raise ValueError("contacts: a report without a contact has no minutes for one")
    each = np.ones(len(minutes))
    products = (each, minutes, contacts, minutes * minutes, minutes * contacts, contacts * contacts)
    found: NDArray[np.float64] = np.stack(products).sum(axis=1)
    return found
