"""Spends an hours budget where it is worth most: all steps of all cases by falling worth a minute.

    maximise    sum_i w_i * expected_i(a_i)
    subject to  sum_i minutes(a_i) <= budget,  a_i among the permitted mixes of case i

Every case's floor is funded first. The greedy path is the exact optimum of the linear relaxation,
in which at most one case is given a part of a step; here that case stays at the step's start, so
that the budget holds. What a minute in that marginal step is worth is the shadow price. (Sinha and
Zoltners 1979; Sverdrup, Wu, Athey and Wager 2025.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from router.decision.decision import NO_MIX, Numbers
from router.decision.tables import Floats
from router.planning.hulls import Hulls


class BudgetTooSmall(Exception):
    """The floors alone take more minutes than there are.

    Attributes:
        budget: minutes to spend.
        floor: minutes that the floors take.
    """

    def __init__(self, budget: float, floor: float) -> None:
        super().__init__(
            f"{budget:,.0f} adviser minutes are too few: what safeguards and menu "
            f"demand takes {floor:,.0f}; {floor - budget:,.0f} are missing"
        )
        self.budget = budget
        self.floor = floor

    @property
    def missing(self) -> float:
        """Minutes missing."""
        return self.floor - self.budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """Who gets which mix, and what that is worth.

    Attributes:
        hulls: what there was to choose from.
        weights: (n,) how many times each case's outcome counts.
        budget: minutes to spend.
        order: (s,) the steps of `hulls` by falling weighted slope.
        taken: how many steps of `order` are taken.
        mix: (n,) number of each case's mix, NO_MIX where none is permitted.
        part: share of step `order[taken]` that the linear optimum takes besides, 0 to below 1.
    """

    hulls: Hulls
    weights: Floats
    budget: float
    order: Numbers
    taken: int
    mix: Numbers
    part: float

    @property
    def minutes(self) -> float:
        """Adviser minutes of all mixes, at most the budget."""
        return float(self.hulls.minutes[self.mix[self.mix != NO_MIX]].sum())

    @property
    def outcome(self) -> float:
        """Expected outcomes of all cases with a mix, each counted once."""
        return float(self._expected().sum())

    @property
    def value(self) -> float:
        """What was maximised: expected outcomes times weights."""
        return float((self._expected() * self.weights).sum())

    @property
    def linear_value(self) -> float:
        """The optimum of the linear relaxation: no allocation within the budget is worth more.

        But where cases are lifted, whose steps are given whatever they are worth.
        """
        return self.value + self._part_value()

    @property
    def shadow_price(self) -> float:
        """Weighted outcome points that one more minute would buy; 0 if nothing is worth one."""
        if self.taken == len(self.order):
            return 0.0
        # The first step that did not fit is the one that another minute would begin to pay for.
        step = self.order[self.taken]
        return float(self.hulls.slope[step] * self.weights[self.hulls.case[step]])

    @property
    def floor_minutes(self) -> float:
        """Minutes that the floors take."""
        return _floor_minutes(self.hulls)

    def _expected(self) -> Floats:
        cases = np.arange(len(self.mix))
        found: Floats = np.where(self.mix == NO_MIX, 0.0, self.hulls.expected[cases, self.mix])
        return found

    def _part_value(self) -> float:
        """Gives what the part of a step is worth that the linear optimum takes besides."""
        if self.part == 0:
            return 0.0
        steps = self.order[self.taken : self.taken + 1]
        weight = float(self.weights[self.hulls.case[steps]][0])
        return self.part * weight * float(self.hulls.more_outcome(steps)[0])

    def further(self, minutes: float) -> Numbers:
        """Gives the steps that so many minutes more would pay for, in order.

        They lie on the same path: nothing is optimised again.
        """
        # What the plan itself left unspent is spent first.
        left = self.budget - self.minutes + minutes
        ahead = self.order[self.taken :]
        return ahead[: _affordable(self.hulls.more_minutes(ahead), left)[0]]


def allocate(hulls: Hulls, weights: Floats, budget: float) -> Allocation:
    """Spends a budget of minutes.

    Args:
        hulls: of n cases.
        weights: shape (n,), above 0.
        budget: minutes, 0 or more.

    Returns:
        The allocation. Steps of equal worth are taken in the order of the cases; steps worth
        nothing are not taken.

    Raises:
        BudgetTooSmall: if the floors take more.
        ValueError: if the budget or a weight is out of range.
    """
    if not (np.isfinite(budget) and budget >= 0):
        raise ValueError(f"budget: {budget} minutes is not a number from 0")
    if weights.shape != hulls.floor.shape or not (np.isfinite(weights) & (weights > 0)).all():
        raise ValueError("weights must be one number above 0 for each case")

    floor = _floor_minutes(hulls)
    if floor > budget:
        raise BudgetTooSmall(budget, floor)

    # The last key sorts first: worth a minute falls, and cases stand
    # in their order where it is equal. The sort is stable and slopes
    # do not rise within a case, so that its steps stay in order too.
    order = np.lexsort((hulls.case, -hulls.slope * weights[hulls.case]))
    more = hulls.more_minutes(order)
    taken, left = _affordable(more, budget - floor)

    mix = hulls.floor.copy()
    # A case's steps come in its own order, so that its last one stands.
    mix[hulls.case[order[:taken]]] = hulls.end[order[:taken]]

    part = float(left / more[taken]) if taken < len(order) else 0.0
    return Allocation(
        hulls=hulls, weights=weights, budget=budget, order=order, taken=taken, mix=mix, part=part
    )


def _affordable(more: Floats, minutes: float) -> tuple[int, float]:
    """Counts the steps, in order, that so many minutes pay for, and the minutes left then."""
    total = np.cumsum(more)
    # From the right: a step that spends the last minute exactly is still paid for.
    taken = int(np.searchsorted(total, minutes, side="right"))
    return taken, minutes - (float(total[taken - 1]) if taken else 0.0)


def _floor_minutes(hulls: Hulls) -> float:
    return float(hulls.minutes[hulls.floor[hulls.floor != NO_MIX]].sum())
