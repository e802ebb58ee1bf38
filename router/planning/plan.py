"""A plan for an office's open cases: which mix each gets, and what more hours would buy.

The plan spends the budget where it is worth most (`allocate`), which is what the service answers
case by case at the price that follows (`clearing_price`). Whether a person must assess a case first
does not depend on the budget: such a case gets what any other would. Minutes are the catalogue's,
over its mixes' weeks: so is the budget.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from router.decision.decide import Decider
from router.decision.decision import NO_MIX, Numbers, Status
from router.decision.lifting import Between
from router.decision.schema import UNKNOWN, Feature, Rows
from router.decision.tables import Floats
from router.planning.allocate import Allocation, allocate
from router.planning.clearing_price import CHUNK, clearing_price
from router.planning.hulls import Bits, upper_hulls
from router.planning.lifted import with_lifted

# Small beside an office's hours: they keep the plan's floors, which many more would not.
MORE_HOURS = (10, 20, 40)
MINUTES_PER_HOUR = 60


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
        status: (n,) `Status` of each.
        allocation: the plan itself.
        weakest_first: what the weights moved.
        withheld: (n,) whose advice is withheld: they get their floor, and nothing is told of them.
    """

    decider: Decider
    rows: Rows
    status: Numbers
    allocation: Allocation
    weakest_first: WeakestFirst
    withheld: Bits

    @property
    def price(self) -> float:
        """What the office's policy needs for the service to follow the plan."""
        return clearing_price(self.allocation)

    @cached_property
    def minutes(self) -> Floats:
        """Adviser minutes by case, 0 for MANUAL_ONLY, shape (n,)."""
        return _minutes_of(self.allocation)

    @cached_property
    def at_floor(self) -> NDArray[np.bool_]:
        """Whether a case gets its floor, the lightest permitted mix, shape (n,)."""
        mix = self.allocation.mix
        floor: NDArray[np.bool_] = (mix == self.allocation.hulls.floor) & (mix != NO_MIX)
        return floor

    def count(self, status: Status) -> int:
        """Counts the cases of a status."""
        return int((self.status == status).sum())

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
class _Judged:
    """What is the same whatever the budget.

    Attributes:
        expected: (n, K) expected outcome of each mix.
        permitted: (n, K) what the plan may choose from.
        status: (n,) `Status`.
        between: of these the cases that may have to be lifted, None if there are none.
        withheld: (n,) whose advice is withheld.
    """

    expected: Floats
    permitted: Bits
    between: Between | None
    status: Numbers
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
        BudgetTooSmall: if what safeguards and menu demand takes more.
        ValueError: if the budget is no number from 0.
    """
    if not (np.isfinite(budget) and budget >= 0):
        raise ValueError(f"budget: {budget} minutes is not a number from 0")
    judged = _judge(decider, rows, np.zeros(len(rows), bool) if unshown is None else unshown)
    hulls = upper_hulls(judged.expected, decider.catalogue.minutes, judged.permitted)
    if judged.between is not None:
        hulls = with_lifted(hulls, judged.between)

    weights = decider.policy.weights
    allocation = allocate(hulls, weights.of(rows), budget)
    moved = WeakestFirst(cases=0, minutes=0.0, by_need_group={}, outcome=0.0)
    if weights.columns:
        plain = allocate(hulls, np.ones(len(rows)), budget)
        moved = _moved(decider, rows, allocation, plain)
    return Plan(
        decider=decider,
        rows=rows,
        status=judged.status,
        allocation=allocation,
        weakest_first=moved,
        withheld=judged.withheld,
    )


def _judge(decider: Decider, rows: Rows, unshown: Bits) -> _Judged:
    mixes = len(decider.catalogue.mixes)
    expected, permitted = np.empty((len(rows), mixes)), np.empty((len(rows), mixes), bool)
    mix, status = np.empty(len(rows), np.intp), np.empty(len(rows), np.intp)
    for first in range(0, len(rows), CHUNK):
        part = slice(first, first + CHUNK)
        decisions = decider.decide(rows[part])
        expected[part], permitted[part] = decisions.expected, decisions.permitted
        mix[part], status[part] = decisions.mix, decisions.status

    # Whose group is not shown plain advice gets what does not tell of it: the service's answer at
    # the price in force where that is shown, else the lightest permitted mix.
    withheld = unshown & (status == Status.RECOMMENDED)
    settled = np.where(withheld, permitted.argmax(axis=1), mix)
    numbers = np.arange(mixes)
    permitted[unshown] = numbers == settled[unshown, None]
    # Not even in sums: of a plan for one case alone they would tell what the model thinks of it.
    expected[withheld] = 0.0

    codes, _ = decider.safeguards.apply(rows)
    masks = decider.safeguards.permitted.take(codes)
    return _Judged(
        expected=expected,
        permitted=permitted,
        between=decider.between(codes, np.where(unshown, 0, masks)),
        status=status,
        withheld=withheld,
    )


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
