"""The ledger's arithmetic: minutes released against a baseline, re-used, and unaccounted for.

The baseline is what the office's practice before would have taken.

For a case with baseline b and minutes c (planned, or really spent), all whole minutes:

    released = max(0, b - c)      re-used = max(0, c - b)
    unaccounted = released sum - re-used sum

so that for every set of cases, however it is split into groups, and exactly:

    sum b = sum c + released - reused
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]
# One bound for all offices: with a bound of its own an office could choose its result (ADR 13).
FIRST_FROM = 1.5
"""From this weight on a case is among those whom the office puts first."""


class Tier(IntEnum):
    """Whom the office's weights put first, the weakest first; and those whose need is not known."""

    FIRST = 0
    NEXT = 1
    OTHERS = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Sums over some cases, in whole minutes.

    Attributes:
        cases: how many.
        baseline: what the office's practice before would have taken.
        used: what they take: planned or spent.
        released: over cases that take less than their baseline.
        reused: over cases that take more than their baseline.
    """

    cases: int = 0
    baseline: int = 0
    used: int = 0
    released: int = 0
    reused: int = 0

    @property
    def unaccounted(self) -> int:
        """Released and not given to anybody; negative when more was given than was released."""
        return self.released - self.reused


_Sums = TypeVar("_Sums", bound="DataclassInstance")


def added(parts: Sequence[_Sums]) -> _Sums:
    """Adds sums of several offices, field by field.

    Args:
        parts: at least one, of one class; each field a number, or an array of one shape in all.
    """
    first = parts[0]
    sums = {
        one.name: sum(getattr(part, one.name) for part in parts[1:]) + getattr(first, one.name)
        for one in fields(first)
    }
    return type(first)(**sums)


def tiers_of(weights: Floats, known: Flags) -> Whole:
    """Gives the `Tier` of each case by its weakest-first weight, shape (n,).

    FIRST from 1.5 on, NEXT above 1, OTHERS at 1. A case whose need is not known is UNKNOWN: its
    weight is the largest that it might have, which makes it nobody's priority.

    Args:
        weights: of the cases when they were recommended for, shape (n,), each at least 1.
        known: whether the need is known, shape (n,).

    Raises:
        ValueError: if a weight is below 1 or not a number.
    """
    if not (weights >= 1).all():
        raise ValueError("weights: every weight must be at least 1")
    return np.select(
        [~known, weights >= FIRST_FROM, weights > 1],
        [int(Tier.UNKNOWN), int(Tier.FIRST), int(Tier.NEXT)],
        int(Tier.OTHERS),
    )


def balances(baseline: Whole, used: Whole, groups: Whole, count: int) -> list[Balance]:
    """Gives a balance for each group.

    Args:
        baseline: whole minutes of each case by the practice before, shape (n,), each at least 0.
        used: whole minutes of each case, planned or spent, shape (n,), each at least 0.
        groups: number of each case's group, shape (n,), 0 to count - 1.
        count: how many groups.

    Returns:
        count balances; they sum to the balance of all cases, exactly.

    Raises:
        ValueError: if shapes differ, minutes are not whole or below 0, or a group does not exist.
    """
    for name, values in (("baseline", baseline), ("used", used), ("groups", groups)):
        if values.shape != baseline.shape or values.ndim != 1:
            raise ValueError(f"{name}: shape {values.shape} instead of {baseline.shape}")
        if values.dtype.kind not in "iu" or (values < 0).any():
            raise ValueError(f"{name}: must be whole numbers from 0")
    if len(groups) and int(groups.max()) >= count:
        raise ValueError(f"groups: {int(groups.max())} is outside 0 to {count - 1}")

    gap = baseline - used
    sums = []
    for values in (np.ones_like(groups), baseline, used, np.maximum(gap, 0), np.maximum(-gap, 0)):
        total = np.zeros(count, np.int64)
        # Whole numbers throughout: sums of floats would depend on their order.
        np.add.at(total, groups, values)
        sums.append(total.tolist())
    return [
        Balance(cases=n, baseline=b, used=c, released=f, reused=g)
        for n, b, c, f, g in zip(*sums, strict=True)
    ]


def counted_once(cases: Whole, days: Whole, ranks: Whole, horizon: int) -> Flags:
    """Tells which recommendation counts when several were made for one case, shape (n,).

    From a case's first recommendation on, all within `horizon` days are one plan; the next one
    begins another. Of one plan's recommendations the one with the highest rank counts, the latest
    of equals.

    Args:
        cases: number of each recommendation's case, shape (n,).
        days: day of each recommendation, shape (n,).
        ranks: which to prefer, shape (n,).
        horizon: days that a plan runs, at least 1.

    Raises:
        ValueError: if the horizon is below 1.
    """
    if horizon < 1:
        raise ValueError(f"horizon: {horizon} days is below 1")
    counts = np.ones(len(cases), bool)

    # The last key sorts first: by case, within it by day, and within a day as they came.
    order = np.lexsort((np.arange(len(cases)), days, cases))
    of, day, rank = cases[order], days[order], ranks[order]

    # Cut, since without any recommendation there is no first one either.
    begins = np.concatenate([[True], of[1:] != of[:-1]])[: len(of)]
    starts = np.flatnonzero(begins)
    ends = np.concatenate([starts[1:], [len(of)]])[: len(starts)]

    # Most cases were asked about once: only the others are walked in Python.
    several = ends - starts > 1
    for start, end in zip(starts[several].tolist(), ends[several].tolist(), strict=True):
        first = start
        while first < end:
            last = first + int(np.searchsorted(day[first:end], day[first] + horizon))
            best = max(range(first, last), key=lambda place: (int(rank[place]), place))
            counts[order[[place for place in range(first, last) if place != best]]] = False
            first = last
    return counts
