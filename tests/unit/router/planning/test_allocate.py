"""An hours budget is spent where it is worth most.

Exactly, never below a floor, never above the budget.
"""

import itertools

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse
from hypothesis import example, given, settings
from hypothesis import strategies as st

from router.decision.decision import NO_MIX
from router.planning.allocate import Allocation, BudgetTooSmall, allocate
from router.planning.hulls import upper_hulls

MIXES = 6


class Instance:
    """A random caseload: ties, gains of zero and below, single and forbidden mixes all occur."""

    def __init__(self, seed: int, cases: int | None = None) -> None:
        rng = np.random.default_rng(seed)
        n = cases or int(rng.integers(1, 9))
        self.minutes = np.sort(rng.integers(0, 12, MIXES)).astype(float) * 10
        coarse = bool(rng.integers(2))
        self.expected = (
            rng.integers(0, 6, (n, MIXES)) / 10 if coarse else rng.normal(0.4, 0.2, (n, MIXES))
        )
        self.permitted = np.arange(MIXES) >= rng.integers(0, MIXES + 1, n)[:, None]
        self.permitted &= rng.random((n, MIXES)) < rng.choice([0.5, 1.0])
        self.weights = rng.choice([1.0, 1.0, 1.25, 2.0], n)
        lightest = self.minutes[self.permitted.argmax(axis=1)]
        self.floor = float(lightest[self.permitted.any(axis=1)].sum())
        # Down to 0 minutes above the floors, up to more than can be spent; at times just where
        # steps end.
        self.budget = self.floor + float(
            np.round(rng.uniform(0, 1.2) * n * 60, rng.choice([-1, 3]))
        )

    def allocated(self, budget: float | None = None) -> Allocation:
        hulls = upper_hulls(self.expected, self.minutes, self.permitted)
        return allocate(hulls, self.weights, self.budget if budget is None else budget)

    def optimum(self) -> float:
        """Gives the linear relaxation's optimum as HiGHS finds it."""
        case, mix = np.nonzero(self.permitted)
        if not len(case):
            return 0.0
        able, row = np.unique(case, return_inverse=True)
        one_each = scipy.sparse.csr_matrix(
            (np.ones(len(case)), (row, np.arange(len(case)))), (len(able), len(case))
        )
        found = scipy.optimize.linprog(  # type: ignore[call-overload] # stubs lack sparse matrices
            -self.weights[case] * self.expected[case, mix],
            A_ub=self.minutes[mix][None],
            b_ub=[self.budget],
            A_eq=one_each,
            b_eq=np.ones(len(able)),
            bounds=(0, None),
            method="highs",
        )
        assert found.status == 0
        return -float(found.fun)


@pytest.mark.parametrize("start", range(0, 1000, 100))
def test_the_optimum_is_that_of_a_linear_solver(start: int) -> None:
    for seed in range(start, start + 100):
        instance = Instance(seed)
        allocation, optimum = instance.allocated(), instance.optimum()
        assert allocation.linear_value == pytest.approx(optimum, rel=1e-9, abs=1e-12), seed
        assert allocation.value <= optimum + 1e-9
        assert allocation.minutes <= instance.budget


seeds = st.integers(0, 10**9)


@settings(max_examples=150, deadline=None)
@given(seed=seeds, more=st.floats(0, 300))
def test_more_budget_never_hurts_and_never_raises_the_price(seed: int, more: float) -> None:
    instance = Instance(seed, cases=12)
    less, richer = instance.allocated(), instance.allocated(instance.budget + more)
    assert richer.linear_value >= less.linear_value - 1e-12
    assert richer.value >= less.value - 1e-12
    assert richer.shadow_price <= less.shadow_price
    assert (richer.mix >= less.mix).all()


@settings(max_examples=150, deadline=None)
@given(seed=seeds)
def test_nobody_is_below_the_floor_the_budget_holds_and_at_most_one_case_is_in_parts(
    seed: int,
) -> None:
    instance = Instance(seed, cases=12)
    allocation = instance.allocated()
    able = instance.permitted.any(axis=1)
    assert (allocation.mix[~able] == NO_MIX).all()
    assert (allocation.mix[able] >= instance.permitted[able].argmax(axis=1)).all()
    assert instance.permitted[np.flatnonzero(able), allocation.mix[able]].all()
    assert allocation.minutes <= instance.budget
    assert 0 <= allocation.part < 1
    if allocation.taken < len(allocation.order):
        # All that is not spent is less than the one step that did not fit.
        step = allocation.hulls.more_minutes(allocation.order)[allocation.taken]
        assert instance.budget - allocation.minutes == pytest.approx(allocation.part * step)
        assert instance.budget - allocation.minutes < step
    else:
        assert allocation.shadow_price == 0
        assert allocation.linear_value == pytest.approx(allocation.value)


@settings(max_examples=100, deadline=None)
@given(seed=seeds)
def test_the_order_of_the_cases_changes_nothing_but_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    expected = rng.normal(0.4, 0.2, (20, MIXES))
    minutes = np.array([8.0, 50, 83, 120, 150, 408])
    permitted = np.arange(MIXES) >= rng.integers(0, MIXES, 20)[:, None]
    weights = rng.uniform(1, 2, 20)
    shuffled = rng.permutation(20)
    budget = float(minutes[permitted.argmax(axis=1)].sum()) + 700
    one = allocate(upper_hulls(expected, minutes, permitted), weights, budget)
    hulls = upper_hulls(expected[shuffled], minutes, permitted[shuffled])
    other = allocate(hulls, weights[shuffled], budget)
    assert (one.mix[shuffled] == other.mix).all()
    assert one.shadow_price == other.shadow_price
    assert one.linear_value == pytest.approx(other.linear_value, rel=1e-12)


@settings(max_examples=100, deadline=None)
@given(seed=seeds)
@example(seed=587)
def test_at_the_shadow_price_each_case_alone_would_choose_the_same_but_the_marginal_one(
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    expected = rng.normal(0.4, 0.2, (30, MIXES))
    minutes = np.array([8.0, 50, 83, 120, 150, 408])
    weights = rng.uniform(1, 2, 30)
    allocation = allocate(
        upper_hulls(expected, minutes, np.ones((30, MIXES), bool)), weights, 2000.0
    )
    utility = weights[:, None] * expected - allocation.shadow_price * minutes
    alone = utility.argmax(axis=1)
    differ = np.flatnonzero(alone != allocation.mix)
    # No step is left where the hours pay for all of them, and then nobody is marginal.
    marginal = allocation.order[allocation.taken : allocation.taken + 1]
    assert set(differ) <= set(allocation.hulls.case[marginal])


def test_equal_cases_are_served_in_their_order() -> None:
    expected = np.tile([0.1, 0.2], (4, 1))
    minutes = np.array([0.0, 60.0])
    allocation = allocate(upper_hulls(expected, minutes, np.ones((4, 2), bool)), np.ones(4), 150.0)
    assert allocation.mix.tolist() == [1, 1, 0, 0]
    assert allocation.part == 0.5
    assert allocation.shadow_price == pytest.approx(0.1 / 60)


def test_a_step_worth_nothing_is_not_taken_however_many_minutes_there_are() -> None:
    expected = np.array([[0.5, 0.5, 0.4], [0.5, 0.6, 0.6]])
    minutes = np.array([10.0, 20.0, 30.0])
    allocation = allocate(upper_hulls(expected, minutes, np.ones((2, 3), bool)), np.ones(2), 1e6)
    assert allocation.mix.tolist() == [0, 1]
    assert allocation.shadow_price == 0


def test_what_sums_are_rounded_by_is_worth_no_minute_but_is_taken_where_it_costs_none() -> None:
    minutes = np.array([10.0, 10.0, 20.0, 40.0])
    expected = 0.5 + np.array([[0, 0, 1e-16, 0], [0, 1e-15, 0, 0], [0, 0, 1e-15, 0.01]])
    allocation = allocate(upper_hulls(expected, minutes, np.ones((3, 4), bool)), np.ones(3), 1e6)
    assert allocation.mix.tolist() == [0, 1, 3]
    assert allocation.hulls.more_outcome(allocation.order).tolist() == pytest.approx([0, 0.01])
    assert allocation.shadow_price == 0


def test_what_more_minutes_would_buy_is_what_a_richer_budget_gives() -> None:
    for seed in range(100):
        instance = Instance(seed, cases=15)
        now = instance.allocated()
        for more in (0.0, 30.0, 200.0, 5000.0):
            steps = now.further(more)
            richer = instance.allocated(instance.budget + more)
            assert now.minutes + now.hulls.more_minutes(steps).sum() == richer.minutes
            assert now.outcome + now.hulls.more_outcome(steps).sum() == pytest.approx(
                richer.outcome
            )


def test_a_budget_below_the_floors_says_how_many_minutes_are_missing() -> None:
    hulls = upper_hulls(np.zeros((3, 2)), np.array([50.0, 83.0]), np.ones((3, 2), bool))
    with pytest.raises(BudgetTooSmall, match="30 are missing") as refused:
        allocate(hulls, np.ones(3), 120.0)
    assert refused.value.missing == 30


def test_without_cases_or_without_any_permitted_mix_nothing_is_spent() -> None:
    for cases in (0, 3):
        hulls = upper_hulls(
            np.full((cases, 2), np.nan), np.array([50.0, 83.0]), np.zeros((cases, 2), bool)
        )
        allocation = allocate(hulls, np.ones(cases), 0.0)
        assert (allocation.minutes, allocation.value, allocation.shadow_price) == (0, 0, 0)
        assert allocation.mix.tolist() == [NO_MIX] * cases


@pytest.mark.parametrize("budget", [-1.0, float("nan"), float("inf")])
def test_a_budget_that_is_no_number_of_minutes_is_refused(budget: float) -> None:
    hulls = upper_hulls(np.zeros((1, 2)), np.array([0.0, 1.0]), np.ones((1, 2), bool))
    with pytest.raises(ValueError, match="budget"):
        allocate(hulls, np.ones(1), budget)


def test_arrays_that_do_not_fit_or_are_not_finite_are_refused() -> None:
    good = {
        "expected": np.zeros((2, 2)),
        "minutes": np.array([0.0, 1.0]),
        "permitted": np.ones((2, 2), bool),
    }
    for change in (
        {"minutes": np.array([1.0, 0.0])},
        {"minutes": np.zeros(3)},
        {"expected": np.full((2, 2), np.nan)},
    ):
        with pytest.raises(ValueError, match=r"minutes|finite"):
            upper_hulls(**(good | change))
    for weights in (np.zeros(2), np.ones(3)):
        with pytest.raises(ValueError, match="weights"):
            allocate(upper_hulls(**good), weights, 1.0)


def test_the_price_falls_step_by_step_as_the_budget_grows() -> None:
    instance = Instance(7, cases=40)
    prices = [instance.allocated(instance.floor + more).shadow_price for more in range(0, 3000, 50)]
    assert all(later <= earlier for earlier, later in itertools.pairwise(prices))
    assert len(set(prices)) > 5
