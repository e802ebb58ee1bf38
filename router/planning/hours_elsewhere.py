"""What ten hours would buy elsewhere: at each office, and moved from one office to another.

An office's hours are spent along the path of its plan (`allocate`), so ten hours more buy the next
steps of it, and ten hours fewer give up the last ones. Both are told in people who reach the goal,
each counted once, with what can be wrong about it: the model's error, from the folds of its tables,
the same for all offices that it answers; and which cases come, from the cases that came.

    gain(b) = sum over the steps of (mean gain + sum_f z_f (gain in fold f - mean gain)) * times

in each of 400 draws, with z_f normal such that they vary as the jackknife says, and each case of
an office counted as many times as a drawing with replacement gives it. What a step at the edge of
the hours gives is averaged over as many minutes to either side as that edge moves by who comes.
Steps are those that the plan takes, whatever the draw says of their worth: the decision is made by
the mean. The range of the best move is wide enough for all moves together, since the best of many
looks better than it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from router.decision.decide import Decider
from router.decision.decision import Numbers
from router.decision.schema import Rows
from router.decision.tables import Floats
from router.decision.whole_tens import full_tens
from router.planning.clearing_price import CHUNK
from router.planning.plan import MINUTES_PER_HOUR, plan_caseload

HOURS = 10
"""Moved from one office to another."""
ENOUGH = 100
"""Cases that an office needs: ten hours are the steps of some dozen of them."""
DRAWS = 400
COVERAGE = 0.9
"""Share of draws within a range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A figure with the ends of its 90 per cent range."""

    value: float
    low: float
    high: float

    @property
    def sign(self) -> int:
        """1 where it is above nothing, -1 below, 0 where it cannot be told."""
        return int(self.low > 0) - int(self.high < 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeHours:
    """What ten hours are worth at an office.

    Attributes:
        cases: that they are for.
        price_per_hour: weighted outcomes that one hour more would buy, by the office's weights.
        more: (draws + 1,) people who would reach the goal by ten hours more; the first is the
            estimate.
        fewer: (draws + 1,) people who would not with ten hours fewer; None where safeguards and
            menu leave no ten hours to give.
    """

    cases: int
    price_per_hour: float
    more: Floats
    fewer: Floats | None


class Move(NamedTuple):
    """Ten hours moved from one office to another, and what that gives in people."""

    giver: str
    taker: str
    gain: Range


def worth_of_hours(decider: Decider, rows: Rows, budget: float, seed: int = 0) -> OfficeHours:
    """Reckons what ten hours more or fewer are worth at an office.

    Args:
        decider: of the office.
        rows: slots of the cases that the hours are for, shape (n, features).
        budget: adviser minutes for them.
        seed: of the draws. Offices of one model version must have the same: their model errors are
            then the same ones, and move away together where hours are moved.

    Raises:
        BudgetTooSmall: if what safeguards and menu demand takes more.
        ValueError: if the budget is no number from 0, or there is no case.
    """
    if not len(rows):
        raise ValueError("rows: no case that the hours are for")
    allocation = plan_caseload(decider, rows, budget).allocation
    hulls, order = allocation.hulls, allocation.order
    minutes, gain = hulls.more_minutes(order), hulls.more_outcome(order)
    beyond = _by_fold(decider, rows, hulls.case[order], hulls.start[order], hulls.end[order])
    floors = np.append(hulls.minutes, 0.0)[hulls.floor]

    # First what all offices share, so that it is the same for each however many cases it has.
    shared = np.random.default_rng(seed)
    model = shared.normal(0, decider.jackknife**0.5, (DRAWS, beyond.shape[1]))
    # Then the office's own: which cases come.
    own = np.random.default_rng([seed, crc32(np.ascontiguousarray(rows).tobytes())])
    times = own.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), DRAWS)

    moved = float(HOURS * MINUTES_PER_HOUR)
    left = budget - np.append(floors.sum(), times @ floors)
    # What comes moves the edge of the hours by so much: there the steps are all alike to us.
    within = max(moved, float(left[1:].std()))
    more, fewer = np.zeros(DRAWS + 1), np.zeros(DRAWS + 1)
    for draw in range(DRAWS + 1):
        worth, count = gain, np.ones(len(gain))
        if draw:
            worth, count = gain + beyond @ model[draw - 1], times[draw - 1][hulls.case[order]]
        path = SpendingPath(minutes * count, worth * count, float(left[draw]))
        more[draw], fewer[draw] = path.bought(moved, within), path.given_up(moved, within)
    gives = budget - allocation.floor_minutes >= moved
    return OfficeHours(
        cases=len(rows),
        price_per_hour=allocation.shadow_price * MINUTES_PER_HOUR,
        more=more,
        fewer=fewer if gives else None,
    )


def _by_fold(decider: Decider, rows: Rows, case: Numbers, start: Numbers, end: Numbers) -> Floats:
    """Gives how far each fold's gain of a step is from the mean gain, shape (steps, folds)."""
    folds = np.empty((len(case), decider.tables.folds))
    for first in range(0, len(rows), CHUNK):
        values = decider.tables.fold_values(rows[first : first + CHUNK])
        here = np.flatnonzero((case >= first) & (case < first + CHUNK))
        place = case[here] - first
        folds[here] = values[place, end[here]] - values[place, start[here]]
    found: Floats = folds - folds.mean(axis=1, keepdims=True)
    return found


class SpendingPath:
    """What minutes buy along a plan's steps, a step in parts where they pay for a part of it."""

    def __init__(self, minutes: Floats, worth: Floats, left: float) -> None:
        """Takes the steps in the order in which they are paid for.

        Args:
            minutes: (s,) that each takes.
            worth: (s,) of each.
            left: minutes that the floors leave.
        """
        self._minutes = np.concatenate([[0.0], np.cumsum(minutes)])
        self._worth = np.concatenate([[0.0], np.cumsum(worth)])
        self._left = left

    def _value(self, minutes: float) -> float:
        return float(np.interp(minutes, self._minutes, self._worth))

    def bought(self, minutes: float, within: float = 0.0) -> float:
        """Gives what so many minutes more buy.

        Args:
            minutes: above 0.
            within: minutes to either side over which it is averaged, since single steps say little.
        """
        # Below nothing the floors of these cases take more than there is.
        return minutes * self._a_minute(max(self._left, 0.0) + minutes / 2, minutes / 2, within)

    def given_up(self, minutes: float, within: float = 0.0) -> float:
        """Gives what so many minutes fewer give up; as `bought`."""
        return minutes * self._a_minute(max(self._left, minutes) - minutes / 2, minutes / 2, within)

    def _a_minute(self, centre: float, least: float, within: float) -> float:
        # As far to both sides: what a minute is worth falls along the path, much alike nearby.
        reach = max(least, min(within, centre))
        return (self._value(centre + reach) - self._value(centre - reach)) / (2 * reach)


def range_of(draws: Floats, times: float | None = None) -> Range:
    """Gives the range of a figure.

    Args:
        draws: (draws + 1,), the estimate first.
        times: standard deviations to either side; the middle 90 per cent of the draws if not given.
    """
    value, others = float(draws[0]), draws[1:]
    if times is not None:
        half = times * float(others.std(ddof=1))
        return Range(value=value, low=value - half, high=value + half)
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(others, [tail, 1 - tail])
    return Range(value=value, low=float(low), high=float(high))


def best_move(offices: Mapping[str, OfficeHours]) -> Move | None:
    """Finds between which two offices ten hours moved would give most.

    Args:
        offices: by reference.

    Returns:
        The move with its range; None if no office can give hours to another.
    """
    moves = {
        (giver, taker): offices[taker].more - given
        for giver, one in offices.items()
        for taker in offices
        if giver != taker and (given := one.fewer) is not None
    }
    if not moves:
        return None
    best = max(moves, key=lambda pair: moves[pair][0])
    # The largest of all moves' errors, each in its own standard deviations: so the range holds
    # for whichever move is picked.
    spread = [np.abs(one[1:] - one[0]) / max(one[1:].std(ddof=1), 1e-12) for one in moves.values()]
    times = float(np.quantile(np.max(spread, axis=0), COVERAGE))
    return Move(*best, range_of(moves[best], times))


def hours_figures(
    offices: Mapping[str, OfficeHours], left_out: Mapping[str, str], weeks: float, until: str
) -> dict[str, Any]:
    """Gives the figures as JSON has them.

    Args:
        offices: by reference.
        left_out: of other offices, why nothing can be said.
        weeks: that the cases arrived in.
        until: the last day of these weeks, YYYY-MM-DD.

    Returns:
        hours, weeks, until, offices (cases in tens, price_per_hour, more, fewer; null where
        there are no ten hours to give), best_move (from, to, gain; null where there is none),
        left_out. More, fewer and gain are people, with value, low and high.
    """
    move = best_move(offices)
    return {
        "hours": HOURS,
        "weeks": weeks,
        "until": until,
        "offices": {
            office: {
                # In tens, as on the leaders' page, to which this goes (ADR 30).
                "cases": full_tens(one.cases),
                "price_per_hour": one.price_per_hour,
                "more": _ends(range_of(one.more)),
                "fewer": None if one.fewer is None else _ends(range_of(one.fewer)),
            }
            for office, one in offices.items()
        },
        "best_move": move and {"from": move.giver, "to": move.taker, "gain": _ends(move.gain)},
        "left_out": dict(left_out),
    }


def _ends(one: Range) -> dict[str, float]:
    return {"value": one.value, "low": one.low, "high": one.high}
