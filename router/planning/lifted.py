"""The steps of cases that safeguards lift: what the service gives them as the price falls.

Such a case gets at least what each milder situation would (`router.decision.lifting`). As the price
falls, each of these climbs its own hull; the case follows whichever is heaviest. So its mix still
only grows heavier, but not along a hull of its own: a step comes at the price at which the service
takes it, whatever its own gain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from router.decision.decision import Numbers
from router.decision.lifting import Between, reached
from router.decision.safeguards import members
from router.decision.tables import Floats
from router.planning.hulls import Hulls, upper_hulls

# Cases at once: each climbs several hulls.
_CHUNK = 16_384

_Steps = tuple[Numbers, Numbers, Numbers, Floats]
"""Case, start, end and slope of some steps, as in `Hulls`."""


def with_lifted(hulls: Hulls, between: Between) -> Hulls:
    """Gives the hulls with the steps of the lifted cases in the place of their own.

    Args:
        hulls: of n cases; those of `between` count nothing there.
        between: some of them.
    """
    floor = hulls.floor.copy()
    own = np.ones(len(floor), np.bool_)
    own[between.cases] = False
    kept = own[hulls.case]
    steps = [(hulls.case[kept], hulls.start[kept], hulls.end[kept], hulls.slope[kept])]
    rounding = hulls.rounding
    for first in range(0, len(between.cases), _CHUNK):
        part = _some(between, slice(first, first + _CHUNK))
        floor[part.cases], lifted, left = _lifted(hulls, part)
        steps.append(lifted)
        rounding |= left

    case, start, end, slope = map(np.concatenate, zip(*steps, strict=True))
    return replace(
        hulls, floor=floor, case=case, start=start, end=end, slope=slope, rounding=rounding
    )


def _some(between: Between, part: slice) -> Between:
    return Between(
        cases=between.cases[part],
        permitted=between.permitted[part],
        milder=between.milder[part],
        bearable=between.bearable[part],
    )


def _lifted(hulls: Hulls, between: Between) -> tuple[Numbers, _Steps, bool]:
    """Gives what each of m cases gets at any price, their steps, and `Hulls.rounding` of them."""
    mixes, cases = len(hulls.minutes), np.arange(len(between.cases))
    parts, rounding = [], False
    for which, one in _climbed(hulls, between):
        parts.append((which, one.floor, np.full(len(which), np.inf)))
        parts.append((which[one.case], one.end, one.slope))
        rounding |= one.rounding
    case, end, slope = map(np.concatenate, zip(*parts, strict=True))

    # What costs no minute is taken at any price; what is left comes as the price falls.
    free = np.isinf(slope)
    least = np.zeros(len(cases), np.intp)
    np.maximum.at(least, case[free], end[free])
    floor, _ = reached(least, between.permitted, between.bearable, mixes)
    case, end, slope = case[~free], end[~free], slope[~free]
    order = np.lexsort((-slope, case))
    case, end, slope = case[order], end[order], slope[order]

    # The heaviest so far of each case: its number leads, so that none carries on into the next.
    so_far = np.maximum.accumulate(case * mixes + np.maximum(end, least[case])) % mixes
    # Of steps at one price the last stands.
    last = np.append((case[1:] != case[:-1]) | (slope[1:] != slope[:-1]), True)[: len(case)]
    case, so_far, slope = case[last], so_far[last], slope[last]
    end, _ = reached(so_far, between.permitted[case], between.bearable[case], mixes)

    first = np.append(True, case[1:] != case[:-1])[: len(case)]
    start = np.where(first, floor[case], np.roll(end, 1))
    moves = end > start
    steps = (between.cases[case[moves]], start[moves], end[moves], slope[moves])
    return floor, steps, rounding


def _climbed(hulls: Hulls, between: Between) -> Iterator[tuple[Numbers, Hulls]]:
    """Climbs the hulls of the cases' own and of all milder situations.

    Yields:
        Of each situation, which cases have it, and their hulls.
    """
    expected, own = hulls.expected[between.cases], between.permitted
    situations = [(np.arange(len(own)), own)]
    # Rows with fewer milder situations are filled up with their own.
    situations += [
        (np.flatnonzero((masks != own) & (masks > 0)), masks) for masks in between.milder.T
    ]
    for which, masks in situations:
        permitted = members(masks[which], len(hulls.minutes)).T
        yield which, upper_hulls(expected[which], hulls.minutes, permitted)
