"""Confidence sequences: intervals that may be read every week, for as long as one likes.

An ordinary interval holds the truth in 95 of 100 readings that were planned beforehand. Who reads
it weekly, and stops where it says something, is wrong far more often. These hold the truth at all
readings together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from router.ledger.arithmetic import Floats

WRONG = 0.05
"""Chance that a sequence ever leaves the truth outside, over all readings."""
# Cases at which it is narrowest, as many as a unit that withholds a tenth has told of in a year.
# It is 4 per cent wider at a third or at three times as many, and right at any number.
_NARROWEST_AT = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """An effect with the ends of its confidence sequence at one reading, and what it rests on.

    Attributes:
        value: of the one group less the other.
        low: lower end.
        high: upper end.
        shown: cases of the one group.
        control: cases of the other.
    """

    value: float
    low: float
    high: float
    shown: int
    control: int

    @property
    def sign(self) -> int:
        """1 where it is shown to be above nothing, -1 below, 0 where it cannot be told."""
        return int(self.low > 0) - int(self.high < 0)


def reach(error: float, cases: int, wrong: float = WRONG) -> float:
    """Gives half the width of a confidence sequence.

        se * sqrt( 2 (t r + 1) / (t r) * log( sqrt(t r + 1) / wrong ) )

    with r such that it is narrowest at 2,000 cases.

    Args:
        error: standard error se of the mean at this reading, by the cases' own spread.
        cases: t, all that the mean is of, at least 1.
        wrong: chance that the truth is outside at any reading, 0 to 1.

    Raises:
        ValueError: if there is no case, or the chance is not between 0 and 1.

    Source: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and
    asymptotic confidence sequences" (2024), theorem 2.2; r by Howard, Ramdas (2021), of the
    normal mixture of Robbins (1970).
    """
    if cases < 1:
        raise ValueError(f"cases: {cases} is below 1")
    if not 0 < wrong < 1:
        raise ValueError(f"wrong: {wrong} is not between 0 and 1")
    logs = -2 * np.log(wrong)
    clock = cases * (logs + np.log(1 + logs)) / _NARROWEST_AT
    return float(error * np.sqrt(2 * (clock + 1) / clock * np.log(np.sqrt(clock + 1) / wrong)))


@dataclass(frozen=True, slots=True)
class Arm:
    """What is known of one of two groups that were drawn: sums over n values v and weights w.

    A value is what came, less what was expected of it beforehand; its weight is one over the chance
    with which it was drawn into this group.

    Attributes:
        sums: (6,) of 1, w, w v, w^2, w^2 v and w^2 v^2, as `arm_sums` gives them.
        alike: so many cases each value is the mean of.
    """

    sums: Floats
    alike: int = 1

    @property
    def mean(self) -> float:
        """Mean by weight."""
        return float(self.sums[2] / self.sums[1])

    @property
    def variance(self) -> float:
        """Squared standard error of the mean by weight."""
        count, weight, _, squared, times, twice = self.sums.tolist()
        mean = self.mean
        # Of w (v - mean), squared; what is left of equal ones may round to below nothing.
        rest = max(0.0, twice - 2 * mean * times + mean * mean * squared)
        return float(count / (count - 1) * rest / weight**2)

    def __len__(self) -> int:
        """Counts the cases."""
        return int(self.sums[0]) * self.alike


def arm_sums(value: Floats, weight: Floats) -> Floats:
    """Gives what an `Arm` is made of; those of several offices are added.

    Args:
        value: (n,) of each.
        weight: (n,) of each.

    Returns:
        Sums, shape (6,).
    """
    one, each = weight * value, np.ones(len(value))
    table = np.stack([each, weight, one, weight * weight, weight * one, one * one])
    found: Floats = table.sum(axis=1)
    return found


def contrast(one: Arm, other: Arm, wrong: float = WRONG, off_by: float = 0.0) -> Effect:
    """Compares two groups that were drawn with known chances, by AIPW.

        theta = sum_1 w (y - m) / sum_1 w - sum_0 w (y - m) / sum_0 w

    with m what was expected of each case before it was drawn. Whatever m is, theta is right: the
    draws alone make it so. The better m is, the less chance in who was drawn sways it.

    Args:
        one: group, at least two values.
        other: group, likewise.
        wrong: as for `reach`.
        off_by: by how much the contrast may be off besides, as by rounding.
    """
    value = one.mean - other.mean
    error = (one.variance + other.variance) ** 0.5
    half = reach(error, len(one) + len(other), wrong) + off_by
    return Effect(
        value=value, low=value - half, high=value + half, shown=len(one), control=len(other)
    )
