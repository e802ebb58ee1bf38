"""A plan for an office's open cases: which mix each gets, and what more hours would buy.

The plan is what the service answers case by case at the price that spends the budget
(`find_clearing_price`), and what is left over then goes to the next best steps (`allocate`).
Minutes are the catalogue's, over its mixes' weeks: so is the budget.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from router.decision.decide import Decider
from router.decision.decision import NO_MIX, Numbers, Status
from router.decision.schema import UNKNOWN, Feature, Rows
from router.decision.tables import Floats
from router.decision.weights import Weights
from router.planning.allocate import Allocation, BudgetTooSmall, allocate
from router.planning.clearing_price import AtPrice, find_clearing_price
from router.planning.hulls import Bits, upper_hulls

# Small beside an office's hours: they keep the plan's floors, which many more would not.
MORE_HOURS = (10, 20, 40)
MINUTES_PER_HOUR = 60
# Cases valued at once: bounds the memory that the folds' values of all mixes take.
_CHUNK = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreHours:
    """What so many hours more would buy.

    Attributes:
        hours: more than planned, over the mixes' weeks.
        minutes: of them that are spent; fewer where nothing more is worth a minute.
        outcome: expected outcomes gained, each counted once.
        cases: who would get a more personal mix.
        by: their number by field (need_group, age_band) and value.
    """

    hours: int
    minutes: float
    outcome: float
    cases: int
    by: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeakestFirst:
    """What the weakest-first weight moved.

    It is against the plan with weight 1 for all and the same budget.

    Attributes:
        cases: whose mix differs.
        minutes: that they gain who gain.
        by_need_group: minutes gained, or lost if below 0, by need group.
        outcome: expected outcomes that it cost, each counted once.
    """

    cases: int
    minutes: float
    by_need_group: Mapping[str, float]
    outcome: float


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A plan for n cases.

    Attributes:
        decider: what decided, at the price in force.
        rows: the cases, slots of shape (n, features).
        cleared: what the service answers case by case at the price that spends the budget; its
            price is what the office's policy needs to follow the plan.
        allocation: the plan itself.
        weakest_first: what the weights moved.
        withheld: (n,) whose advice is withheld: they get their floor, and nothing is told of them.
    """

    decider: Decider
    rows: Rows
    cleared: AtPrice
    allocation: Allocation
    weakest_first: WeakestFirst
    withheld: Bits

    @cached_property
    def minutes(self) -> Floats:
        """Adviser minutes by case, 0 for MANUAL_ONLY, shape (n,)."""
        return _minutes_of(self.allocation)

    @cached_property
    def at_floor(self) -> NDArray[np.bool_]:
        """Whether a case gets its floor: the lightest permitted mix, or the fallback for now."""
        mix = self.allocation.mix
        floor: NDArray[np.bool_] = (mix == self.allocation.hulls.floor) & (mix != NO_MIX)
        return floor

    @cached_property
    def status(self) -> Numbers:
        """`Status` by case, shape (n,)."""
        return self.cleared.status.astype(np.intp)

    def count(self, status: Status) -> int:
        """Counts the cases of a status."""
        return int((self.cleared.status == status).sum())

    @cached_property
    def by_mix(self) -> Mapping[str, int]:
        """Cases by mix, lightest first."""
        # NO_MIX is -1, and only numbers from 0 are counted: it is counted first, then left out.
        ids = self.decider.catalogue.ids
        counted = np.bincount(self.allocation.mix + 1, minlength=len(ids) + 1)
        return dict(zip(ids, counted[1:].tolist(), strict=True))

    @cached_property
    def curve(self) -> tuple[MoreHours, ...]:
        """What 10, 20 and 40 hours more would buy, from the same steps and with the same floors."""
        return tuple(self._more(hours) for hours in MORE_HOURS)

    def _more(self, hours: int) -> MoreHours:
        hulls = self.allocation.hulls
        steps = self.allocation.further(hours * MINUTES_PER_HOUR)
        cases = np.unique(hulls.case[steps])

        features = self.decider.tables.features
        by = {}
        for name in ("need_group", "age_band"):
            column = features.column(name)
            ones = np.ones(len(cases), np.intp)
            by[name] = _by_value(features.features[column], self.rows[cases, column], ones)

        return MoreHours(
            hours=hours,
            minutes=float(hulls.more_minutes(steps).sum()),
            outcome=float(hulls.more_outcome(steps).sum()),
            cases=len(cases),
            by={
                name: {value: int(count) for value, count in counts.items()}
                for name, counts in by.items()
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fixed:
    """Cases whose mix the plan does not choose, since its choice would tell what is withheld.

    Attributes:
        cases: (n,) which ones.
        mix: (n,) theirs: of withheld advice the lightest permitted, else what the service answers.
        status: (n,) theirs.
        minutes: that all of theirs take.
        withheld: (n,) whose advice is withheld.
    """

    cases: Bits
    mix: Numbers
    status: Numbers
    minutes: float
    withheld: Bits


def plan_caseload(decider: Decider, rows: Rows, budget: float, unshown: Bits | None = None) -> Plan:
    """Plans a caseload.

    Args:
        decider: of the office.
        rows: slots of the open cases, shape (n, features).
        budget: adviser minutes to spend on them over the mixes' weeks.
        unshown: which cases belong to a group whose plain advice is withheld, shape (n,); none if
            not given.

    Raises:
        BudgetTooSmall: if what safeguards, menu and fallbacks demand takes more.
        ValueError: if the budget is no number from 0.
    """
    if not (np.isfinite(budget) and budget >= 0):
        raise ValueError(f"budget: {budget} minutes is not a number from 0")
    expected, lightest = _values(decider, rows)
    fixed = _fix(decider, rows, lightest, np.zeros(len(rows), bool) if unshown is None else unshown)
    # Not even in sums: of a plan for one case alone they would tell what the model thinks of it.
    expected[fixed.withheld] = 0.0

    cleared = _cleared(decider, rows, budget, fixed)

    weights = decider.policy.weights
    allocation = _allocated(decider, expected, lightest, cleared, fixed, weights.of(rows), budget)
    moved = WeakestFirst(cases=0, minutes=0.0, by_need_group={}, outcome=0.0)
    # Only where the office weighs: finding another price takes most of a plan's time.
    if weights.columns:
        even = replace(decider, policy=replace(decider.policy, weights=Weights()))
        answers = _cleared(even, rows, budget, fixed)
        plain = _allocated(even, expected, lightest, answers, fixed, np.ones(len(rows)), budget)
        moved = _moved(decider, rows, allocation, plain)
    return Plan(
        decider=decider,
        rows=rows,
        cleared=cleared,
        allocation=allocation,
        weakest_first=moved,
        withheld=fixed.withheld,
    )


def _fix(decider: Decider, rows: Rows, lightest: NDArray[np.int8], unshown: Bits) -> _Fixed:
    mix, status = np.full(len(rows), NO_MIX), np.full(len(rows), int(Status.MANUAL_ONLY))
    withheld = np.zeros(len(rows), bool)
    if unshown.any():
        # At the price in force, as the service answers: from that follows what it withholds.
        decisions = decider.decide(rows[unshown])
        mix[unshown], status[unshown] = decisions.mix, decisions.status
        withheld = unshown & (status == Status.RECOMMENDED)
        offered = decider.menu & (np.arange(len(decider.menu)) >= lightest[withheld, None])
        mix[withheld] = offered.argmax(axis=1)
    # NO_MIX is -1, the last: it takes no minutes.
    minutes = np.append(decider.catalogue.minutes, 0.0)[mix].sum()
    return _Fixed(cases=unshown, mix=mix, status=status, minutes=float(minutes), withheld=withheld)


def _cleared(decider: Decider, rows: Rows, budget: float, fixed: _Fixed) -> AtPrice:
    """Finds the price at which the service spends what the fixed cases leave.

    Raises:
        BudgetTooSmall: if all answers together take more at any price.
    """
    try:
        found = find_clearing_price(decider, rows[~fixed.cases], budget - fixed.minutes)
    except BudgetTooSmall as short:
        raise BudgetTooSmall(budget, short.floor + fixed.minutes) from None
    mix, status = fixed.mix.astype(np.int8), fixed.status.astype(np.int8)
    mix[~fixed.cases], status[~fixed.cases] = found.mix, found.status
    return replace(found, mix=mix, status=status, minutes=found.minutes + fixed.minutes)


def _values(decider: Decider, rows: Rows) -> tuple[Floats, NDArray[np.int8]]:
    """Works out what is the same at any price.

    The expected outcome of each mix, (n, K), and the lightest that safeguards permit, (n,).
    """
    expected = np.empty((len(rows), len(decider.catalogue.mixes)))
    lightest = np.empty(len(rows), np.int8)
    for first in range(0, len(rows), _CHUNK):
        part = slice(first, first + _CHUNK)
        expected[part] = decider.tables.fold_values(rows[part]).mean(axis=2)
        lightest[part] = decider.safeguards.apply(rows[part])[0]
    return expected, lightest


def _allocated(
    decider: Decider,
    expected: Floats,
    lightest: NDArray[np.int8],
    cleared: AtPrice,
    fixed: _Fixed,
    weights: Floats,
    budget: float,
) -> Allocation:
    numbers = np.arange(len(decider.menu))
    permitted = decider.menu & (numbers >= lightest[:, None])
    # Until a person has looked, the fallback is set aside: never less, and no more on values that
    # are in doubt.
    settled = (cleared.status == Status.NEEDS_ASSESSMENT) | fixed.withheld
    permitted[settled] = numbers == cleared.mix[settled, None]
    return allocate(upper_hulls(expected, decider.catalogue.minutes, permitted), weights, budget)


def _moved(decider: Decider, rows: Rows, weighted: Allocation, plain: Allocation) -> WeakestFirst:
    features = decider.tables.features
    column = features.column("need_group")
    change = _minutes_of(weighted) - _minutes_of(plain)
    return WeakestFirst(
        cases=int((weighted.mix != plain.mix).sum()),
        minutes=float(change[change > 0].sum()),
        by_need_group=_by_value(features.features[column], rows[:, column], change),
        outcome=plain.outcome - weighted.outcome,
    )


def _minutes_of(allocation: Allocation) -> Floats:
    # NO_MIX is -1, the last: it takes no minutes.
    minutes: Floats = np.append(allocation.hulls.minutes, 0.0)[allocation.mix]
    return minutes


def _by_value(
    feature: Feature, slots: NDArray[np.uint16], amounts: Floats | Numbers
) -> dict[str, float]:
    """Sums by the values of a feature, those of unknown last."""
    sums = np.bincount(slots, amounts, minlength=feature.slots).tolist()
    return dict(zip((*feature.values, UNKNOWN), [*sums[1:], sums[0]], strict=True))
