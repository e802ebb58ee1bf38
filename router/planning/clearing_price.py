"""The clearing price: at it the service, case by case, spends a budget and no more.

The service takes the permitted mix that is worth most at its price, which is the last step of a
case's hull that is worth more than the price of its minutes. So the price follows from a plan's
steps: it is that of the first one that the budget does not pay for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.decision.decide import Decider
from router.decision.schema import Rows
from router.planning.allocate import Allocation
from router.planning.hulls import LEAST_SLOPE

PRICE_AT_MOST = 10.0
"""Ten whole outcomes a minute: nobody gets more than what safeguards and menu demand."""
# A step is not taken at the price that it is worth; above the rounding of that price by far.
_ABOVE = 1 + 1e-9
# Cases decided at once: bounds the memory that the folds' values of all mixes take.
CHUNK = 16_384

Small = NDArray[np.int8]


class AtPrice(NamedTuple):
    """What the service answers at a price.

    Attributes:
        mix: (n,) number of each case's mix, NO_MIX for MANUAL_ONLY.
        status: (n,) `Status`.
        minutes: adviser minutes of all mixes.
    """

    mix: Small
    status: Small
    minutes: float


def at_price(decider: Decider, price: float, rows: Rows) -> AtPrice:
    """Gives what a decider would answer at another price."""
    other = replace(decider, policy=replace(decider.policy, price=price))
    mix, status = np.empty(len(rows), np.int8), np.empty(len(rows), np.int8)
    for first in range(0, len(rows), CHUNK):
        part = slice(first, first + CHUNK)
        decisions = other.decide(rows[part])
        mix[part], status[part] = decisions.mix, decisions.status
    # NO_MIX is -1, the last: it takes no minutes.
    minutes = np.append(decider.catalogue.minutes, 0.0)[mix].sum()
    return AtPrice(mix, status, float(minutes))


def clearing_price(allocation: Allocation) -> float:
    """Gives the price at which the service takes the steps of a plan, and none beyond.

    Of steps worth the same as the first one that is not paid for it takes none.

    Returns:
        Outcome points per adviser minute; 0 where the budget pays for all that is worth anything.
        Where rounding alone is left, as much as that may be worth: at 0 the service would spend
        minutes for it, which the plan does not.
    """
    dearest = allocation.shadow_price or LEAST_SLOPE * allocation.hulls.rounding
    return min(dearest * _ABOVE, PRICE_AT_MOST)
