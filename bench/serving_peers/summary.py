"""What several repetitions say together: the median, and how far they spread."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of repetitions, with the least and the most of them."""

    median: float
    least: float
    most: float

    def told(self, digits: int = 0) -> str:
        """Writes it, to so many digits behind the point."""
        low, mid, high = (f"{x:,.{digits}f}" for x in (self.least, self.median, self.most))
        return mid if low == high else f"{mid} ({low}–{high})"


def spread(values: Sequence[float]) -> Spread:
    """Gives the median and the ends of values.

    Raises:
        ValueError: if there are none.
    """
    if not values:
        raise ValueError("nothing was measured")
    return Spread(statistics.median(values), min(values), max(values))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Gives ours over theirs, turn by turn: a busy moment meets both of a turn.

    Raises:
        ValueError: if they were not measured in the same turns.
    """
    return spread([a / b for a, b in zip(ours, theirs, strict=True)])


def verdict(got: Iterable[Spread], bound: float, *, at_least: bool) -> str:
    """Tells whether all reach a bound: "yes" or "**no**" if every turn says so.

    A median of turns that disagree says nothing, and neither does this.
    """
    told = set()
    for one in got:
        worst, best = (one.least, one.most) if at_least else (one.most, one.least)
        reached = [(end >= bound) if at_least else (end <= bound) for end in (worst, best)]
        told.add("yes" if reached[0] else "turns disagree" if reached[1] else "**no**")
    return next(word for word in ("**no**", "turns disagree", "yes") if word in told)


def share_wrong(codes: Mapping[str, int]) -> float:
    """Gives the share of calls, 0 to 1, that did not end with the right answer; 1 of no calls."""
    calls = sum(codes.values())
    return 1 - codes.get("OK", 0) / calls if calls else 1.0


def endings(codes: Iterable[Mapping[str, int]]) -> str:
    """Writes how calls ended over all turns, in percent, the most frequent first."""
    total: Counter[str] = Counter()
    for one in codes:
        total.update(one)
    calls = sum(total.values())
    return ", ".join(f"{name} {100 * n / calls:.0f}%" for name, n in total.most_common())
