"""What is worth its minutes in each case: the upper hull of the permitted mixes.

From the lightest permitted mix, its floor, a case can go up in steps. A mix below the line between
two others is never the best use of minutes and is no step's end; along the hull every further
minute buys less. Those steps are all that an hours budget has to choose from (the multiple-choice
knapsack's linear relaxation; Sinha and Zoltners 1979).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.decision.decision import NO_MIX, Numbers
from router.decision.tables import ROUNDING, Floats

LEAST_SLOPE = ROUNDING
"""Outcome points a minute: what is worth no more is rounding, for which no minute is spent."""
# Cases at once: the rounds' arrays stay small whatever the caseload.
_CHUNK = 65_536

Bits = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hulls:
    """The floor of each of n cases, and all their steps upwards, s in all.

    Attributes:
        expected: (n, K) expected outcome of each mix, outcome points.
        minutes: (K,) adviser minutes of each mix, not falling.
        floor: (n,) what each case gets at any price, its lightest permitted mix but where it is
            lifted; NO_MIX where none is.
        case: (s,) whose step it is.
        start: (s,) the mix it leaves.
        end: (s,) the mix it reaches, a heavier one.
        slope: (s,) price in outcome points a minute below which it is taken: what it gains a
            minute, but where the case is lifted. Above `LEAST_SLOPE`, not rising within a case;
            infinite where it takes no minute.
        rounding: whether a case could still gain something by more minutes, but no more a minute
            than that.
    """

    expected: Floats
    minutes: Floats
    floor: Numbers
    case: Numbers
    start: Numbers
    end: Numbers
    slope: Floats
    rounding: bool = False

    def more_minutes(self, steps: Numbers) -> Floats:
        """Tells the minutes that each of these steps takes."""
        return self.minutes[self.end[steps]] - self.minutes[self.start[steps]]

    def more_outcome(self, steps: Numbers) -> Floats:
        """Tells what each of these steps adds to its case's expected outcome, outcome points."""
        case = self.case[steps]
        gain: Floats = self.expected[case, self.end[steps]] - self.expected[case, self.start[steps]]
        return gain


def upper_hulls(expected: Floats, minutes: Floats, permitted: Bits) -> Hulls:
    """Finds the upper hulls of n cases over K mixes, in O(n K^2) with loops over the mixes only.

    A hull is over the mixes' (minutes, expected outcome).

    Args:
        expected: shape (n, K); what it is where a mix is not permitted does not matter.
        minutes: shape (K,).
        permitted: shape (n, K).

    Raises:
        ValueError: if shapes do not fit, minutes fall, or the expected outcome of a permitted mix
            is not finite.
    """
    if expected.shape != permitted.shape or minutes.shape != expected.shape[1:]:
        shapes = f"minutes {minutes.shape} and permitted {permitted.shape}"
        raise ValueError(f"expected {expected.shape}, {shapes}: no fit")
    if not np.isfinite(minutes).all() or (np.diff(minutes) < 0).any():
        raise ValueError(f"minutes must be finite and must not fall: {minutes.tolist()}")
    if not np.isfinite(expected[permitted]).all():
        raise ValueError("the expected outcome of a permitted mix is not finite")

    # `argmax` finds the first permitted mix, but says 0 also where there is none.
    floor = np.where(permitted.any(axis=1), permitted.argmax(axis=1), NO_MIX)
    parts, rounding = [], False
    for first in range(0, len(expected), _CHUNK):
        part = slice(first, first + _CHUNK)
        rounds, left = _climb(expected[part], minutes, permitted[part], floor[part], first)
        parts += rounds
        rounding |= left

    # Without any case or step there is nothing to join, and NumPy asks for one array at least.
    none = np.zeros(0, np.intp)
    case, start, end = (
        np.concatenate([none, *(part[place] for part in parts)]) for place in range(3)
    )
    slope = np.concatenate([np.zeros(0), *(part[3] for part in parts)])
    return Hulls(
        expected=expected,
        minutes=minutes,
        floor=floor,
        case=case,
        start=start,
        end=end,
        slope=slope,
        rounding=rounding,
    )


_Round = tuple[Numbers, Numbers, Numbers, Floats]


def _climb(
    expected: Floats, minutes: Floats, permitted: Bits, floor: Numbers, first: int
) -> tuple[list[_Round], bool]:
    """Finds in rounds each case's steepest way up from where it stands (gift wrapping).

    Returns:
        The rounds, and whether a way is left that is worth no more than `LEAST_SLOPE`.
    """
    rounds: list[_Round] = []
    rounding = False
    active = np.flatnonzero(floor != NO_MIX)
    stands = floor[active]
    before = np.full(len(active), np.inf)

    while len(active):
        end, slope = _steepest(expected[active], minutes, permitted[active], stands)
        # A step that gains nothing, or what sums are rounded by, ends the climb: minutes are never
        # spent for nothing, and what comes after it is worth no more.
        up = slope > LEAST_SLOPE
        rounding |= bool((slope[~up] > 0).any())
        active, stands, end = active[up], stands[up], end[up]
        # Three mixes on one line may seem to bend upwards by a rounding error; a case's steps must
        # stay in order.
        before = np.minimum(slope[up], before[up])
        rounds.append((active + first, stands, end, before))
        stands = end
    return rounds, rounding


def _steepest(
    expected: Floats, minutes: Floats, permitted: Bits, stands: Numbers
) -> tuple[Numbers, Floats]:
    """Finds the heavier permitted mix with the highest slope, and that slope; -inf if none.

    Of equal ones it is the lightest.
    """
    each = np.arange(len(stands))
    own, taken = expected[each, stands], minutes[stands]
    end = stands.copy()
    highest = np.full(len(stands), -np.inf)
    # Few mixes, many cases: the loop runs over the mixes, each turn over all cases.
    for mix in range(1, len(minutes)):
        gain, more = expected[:, mix] - own, minutes[mix] - taken
        with np.errstate(divide="ignore", invalid="ignore"):
            # A gain that costs no minute is worth any price, and comes first.
            slope = np.where(more > 0, gain / more, np.where(gain > 0, np.inf, -np.inf))
        better = (slope > highest) & permitted[:, mix] & (mix > stands)
        end[better] = mix
        highest[better] = slope[better]
    return end, highest
