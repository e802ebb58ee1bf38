"""The steps of cases that safeguards lift: what the service gives them as the price falls.

Such a case gets at least what a milder situation would (`router.decision.lifting`). Its mix still
only grows heavier as the price falls, but not along a hull: a step comes at the price at which the
service takes it, whatever its own gain.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from router.decision.lifting import Between
from router.decision.tables import Floats
from router.planning.hulls import Hulls


def with_lifted(hulls: Hulls, between: Between) -> Hulls:
    """Gives the hulls with the steps of the lifted cases in the place of their own.

    Args:
        hulls: of n cases; those of `between` count nothing there.
        between: some of them.
    """
    expected, minutes = hulls.expected[between.cases].T, hulls.minutes
    prices = _prices(expected, minutes)
    above, below = np.vstack([2 * prices[:1] + 1, prices]), np.vstack([prices, 0 * prices[:1]])
    # Between two neighbouring prices nothing changes.
    mixes = np.array(
        [between.lifted(expected - one * minutes[:, None])[0] for one in (above + below) / 2]
    )
    # What a rounding error takes back at a price is not given there.
    mixes = np.maximum.accumulate(mixes, axis=0)

    place, case = np.nonzero((mixes[1:] != mixes[:-1]) & (prices > 0))
    own = ~np.isin(hulls.case, between.cases)
    floor = hulls.floor.copy()
    floor[between.cases] = mixes[0]

    # In the order of each case's steps, as they are found.
    return Hulls(
        expected=hulls.expected,
        minutes=minutes,
        floor=floor,
        case=np.concatenate([hulls.case[own], between.cases[case]]),
        start=np.concatenate([hulls.start[own], mixes[place, case]]),
        end=np.concatenate([hulls.end[own], mixes[place + 1, case]]),
        slope=np.concatenate([hulls.slope[own], prices[place, case]]),
    )


def _prices(expected: Floats, minutes: Floats) -> Floats:
    """Gives the prices at which two mixes are worth the same, falling, (pairs, cases), 0 or more.

    Args:
        expected: (K, cases).
        minutes: (K,).
    """
    found = [
        (expected[heavy] - expected[light]) / (minutes[heavy] - minutes[light])
        for light, heavy in combinations(range(len(minutes)), 2)
        if minutes[heavy] > minutes[light]
    ]
    prices: Floats = -np.sort(-np.maximum(np.array(found), 0.0), axis=0)
    return prices
