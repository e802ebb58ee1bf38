"""The clearing price: at it the service, case by case, spends a budget and no more.

Which cases a person must assess first, and what they fall back on, depends on the price as every
choice does. So the floors of a plan are found together with the price: minutes recommended fall as
the price rises, and bisection finds where they meet the budget. Cases that get the same answer at
both ends of the interval are not asked again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from router.decision.decide import Decider
from router.decision.schema import Rows
from router.planning.allocate import BudgetTooSmall

PRICE_AT_MOST = 10.0
"""Ten whole outcomes a minute: nobody gets more than what safeguards, menu and doubts demand."""
# Prices lie on a scale of ratios, which has no 0: below this one, a minute is as good as free.
_SMALLEST = 1e-7
# Share of the price: two prices nearer than that decide alike but for a handful of cases.
_TOLERANCE = 1e-6
# Cases decided at once: bounds the memory that the folds' values of all mixes take.
_CHUNK = 16_384
# Of many cases about so many find a first guess, which spares whole passes over all
# of them; where there are not several times as many, the search over all is as fast.
_SAMPLE = 4_096
_SAMPLES_AT_LEAST = 4
# Half-width of the first interval, as a ratio: a price in force, or a guess, is seldom further off.
_REACH = 1.1

Small = NDArray[np.int8]


@dataclass(frozen=True, slots=True, kw_only=True)
class AtPrice:
    """What the service answers at a price.

    Attributes:
        price: of an adviser minute, outcome points.
        mix: (n,) number of each case's mix, NO_MIX for MANUAL_ONLY.
        status: (n,) `Status`.
        minutes: adviser minutes of all mixes.
    """

    price: float
    mix: Small
    status: Small
    minutes: float


def at_price(decider: Decider, price: float, rows: Rows) -> AtPrice:
    """Gives what a decider would answer at another price."""
    other = replace(decider, policy=replace(decider.policy, price=price))
    mix, status = np.empty(len(rows), np.int8), np.empty(len(rows), np.int8)
    for first in range(0, len(rows), _CHUNK):
        part = slice(first, first + _CHUNK)
        decisions = other.decide(rows[part])
        mix[part], status[part] = decisions.mix, decisions.status
    # NO_MIX is -1, the last: it takes no minutes.
    minutes = np.append(decider.catalogue.minutes, 0.0)[mix].sum()
    return AtPrice(price=price, mix=mix, status=status, minutes=float(minutes))


def find_clearing_price(decider: Decider, rows: Rows, budget: float) -> AtPrice:
    """Finds the lowest price at which the service recommends no more minutes than there are.

    Args:
        decider: what decides; its own price is where the search begins.
        rows: slots, shape (n, features).
        budget: adviser minutes over the mixes' weeks.

    Returns:
        The answers at that price, to one part in a million; at price 0 where the budget is ample.

    Raises:
        BudgetTooSmall: if at no price the answers take so little.
    """
    near = decider.policy.price
    every = len(rows) // _SAMPLE
    if every >= _SAMPLES_AT_LEAST:
        # Every n-th case, not drawn ones: the same caseload gives the same price.
        sample = rows[::every]
        guess = _search(decider, sample, budget * len(sample) / len(rows), near)
        # The sample may lack the minutes that all cases
        # together just have: only all of them decide that.
        near = PRICE_AT_MOST if guess is None else guess.price
    found = _search(decider, rows, budget, near)
    if found is None:
        raise BudgetTooSmall(budget, at_price(decider, PRICE_AT_MOST, rows).minutes)
    return found


def _search(decider: Decider, rows: Rows, budget: float, near: float) -> AtPrice | None:
    """Bisects within an interval that is widened until the budget lies in it.

    Gives None if no price is high enough.
    """
    lowest = max(near / _REACH, _SMALLEST)
    highest = min(lowest * _REACH * _REACH, PRICE_AT_MOST)
    high = at_price(decider, highest, rows)
    low = None

    while high.minutes > budget:
        if highest >= PRICE_AT_MOST:
            return None
        # Squaring the ratio doubles the interval each time,
        # so that a far price is found in few passes.
        low, highest = high, min(highest * highest / lowest, PRICE_AT_MOST)
        high = at_price(decider, highest, rows)

    while low is None:
        other = at_price(decider, lowest, rows)
        if other.minutes > budget:
            low = other
        elif lowest <= _SMALLEST:
            # The scale of ratios ends here: 0 itself is tried
            # once, and holds where the budget is ample.
            free = at_price(decider, 0.0, rows)
            return free if free.minutes <= budget else other
        else:
            high, lowest = other, max(lowest * lowest / highest, _SMALLEST)
    return _bisect(decider, rows, budget, low, high)


def _bisect(decider: Decider, rows: Rows, budget: float, low: AtPrice, high: AtPrice) -> AtPrice:
    # Kept true throughout: what is in `mix` fits the budget, and what is below does not.
    lower, upper, total = low.price, high.price, high.minutes
    mix, status = high.mix.copy(), high.status.copy()
    differ = np.flatnonzero((low.mix != mix) | (low.status != status))
    below_mix, below_status = low.mix[differ], low.status[differ]
    # NO_MIX is -1, the last: it takes no minutes.
    own = np.append(decider.catalogue.minutes, 0.0)

    while len(differ) and upper - lower > _TOLERANCE * upper:
        # The middle of ratios: prices of offices differ by orders of magnitude.
        middle = at_price(decider, sqrt(lower * upper), rows[differ])
        # Only these cases can change, so that the others' minutes stay in the total.
        now = total - float(own[mix[differ]].sum()) + middle.minutes
        if now <= budget:
            upper, total = middle.price, now
            mix[differ], status[differ] = middle.mix, middle.status
        else:
            lower, below_mix, below_status = middle.price, middle.mix, middle.status
        apart = (below_mix != mix[differ]) | (below_status != status[differ])
        differ, below_mix, below_status = differ[apart], below_mix[apart], below_status[apart]
    return AtPrice(price=upper, mix=mix, status=status, minutes=total)
