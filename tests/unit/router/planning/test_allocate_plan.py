"""A plan is what the service would answer case by case at its price, and says what hours buy."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.cases.features import FEATURES
from router.decision.decide import Decider
from router.decision.decision import NO_MIX, Status
from router.planning.allocate import BudgetTooSmall
from router.planning.clearing_price import PRICE_AT_MOST, at_price
from router.planning.plan import Plan, plan_caseload
from router.planning.plan_figures import plan_figures
from tests.builders import (
    a_catalogue,
    a_decider,
    a_policy,
    random_rows,
    random_tables,
    the_promoted_model,
)
from training.simulation.population import draw_population


@cache
def one_of_five(seed: int) -> Decider:
    """Gives a decider, made once: what is drawn anew are caseloads."""
    return a_decider(seed, policy=a_policy("office-01"))


def a_budget(decider: Decider, rows: np.ndarray, share: float) -> float:
    """Minutes between what the floors take (0) and what would be spent if minutes were free (1)."""
    floor, most = (at_price(decider, price, rows).minutes for price in (PRICE_AT_MOST, 0.0))
    return floor + share * (most - floor)


def a_plan(
    seed: int = 0, *, cases: int = 400, share: float = 0.4, office: str = "office-01"
) -> Plan:
    decider, rows = a_decider(seed, policy=a_policy(office)), random_rows(seed, cases)
    return plan_caseload(decider, rows, a_budget(decider, rows, share))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.floats(0.05, 0.95))
def test_at_the_plans_price_the_service_answers_what_was_planned_but_for_what_was_left_over(
    seed: int, share: float
) -> None:
    plan = a_plan(seed, share=share)
    alone = at_price(plan.decider, plan.price, plan.rows)
    assert (alone.status == plan.status).all()
    assert alone.minutes <= plan.minutes.sum() <= plan.allocation.budget
    # What differs are steps worth exactly the price, of which the plan pays for some.
    apart = np.flatnonzero(alone.mix != plan.allocation.mix)
    assert len(apart) <= 2
    assert (plan.allocation.mix[apart] > alone.mix[apart]).all()


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 100_000), shares=st.tuples(st.floats(0, 1.2), st.floats(0, 1.2)))
def test_more_hours_never_lose_value_and_send_nobody_to_an_assessment(
    seed: int, shares: tuple[float, float]
) -> None:
    decider, rows = one_of_five(seed % 5), random_rows(seed, 60)
    few, many = (
        plan_caseload(decider, rows, a_budget(decider, rows, share)) for share in sorted(shares)
    )
    # What a case gets because a milder one would is given whatever it is worth.
    codes, _ = decider.safeguards.apply(rows)
    between = decider.between(codes, decider.safeguards.permitted.take(codes))
    own = np.ones(len(rows), bool)
    own[between.cases if between is not None else []] = False
    own &= few.allocation.mix != NO_MIX
    expected = few.allocation.hulls.expected[own]
    each = np.arange(len(expected))
    few_gain, many_gain = (expected[each, one.allocation.mix[own]] for one in (few, many))
    assert (many_gain >= few_gain).all()
    assert (many.minutes >= few.minutes).all()
    assert (many.status == few.status).all()
    assert many.price <= few.price


def test_of_400_simulated_cases_as_many_need_an_assessment_at_900_hours_as_at_1500() -> None:
    drawn = draw_population(np.random.default_rng(14), 400)
    rows = np.column_stack([drawn[name] for name in FEATURES.names]).astype(np.uint16)
    rows[::3, FEATURES.column("plan_has_goal")] = 0
    decider = Decider(
        tables=the_promoted_model().tables, catalogue=a_catalogue(), policy=a_policy("office-01")
    )
    plans = [plan_caseload(decider, rows, 60.0 * hours) for hours in (900, 1000, 1100, 1500)]
    [assessed] = {plan.count(Status.NEEDS_ASSESSMENT) for plan in plans}
    assert assessed
    values = [plan.allocation.value for plan in plans]
    assert values == sorted(values)
    assert len({plan.allocation.floor_minutes for plan in plans}) == 1


def test_a_case_in_doubt_gets_what_any_other_would_and_nobody_less_than_safeguards_demand() -> None:
    plan = a_plan(3)
    assess = plan.status == Status.NEEDS_ASSESSMENT
    assert assess.any()
    assert not plan.at_floor[assess].all()
    permitted = plan.decider.decide(plan.rows).permitted
    with_mix = plan.allocation.mix != NO_MIX
    assert permitted[with_mix, plan.allocation.mix[with_mix]].all()


def test_cases_that_people_alone_handle_take_no_minutes_and_get_no_mix() -> None:
    plan = a_plan(1)
    manual = plan.status == Status.MANUAL_ONLY
    assert manual.any()
    assert (plan.allocation.mix[manual] == NO_MIX).all()
    assert (plan.minutes[manual] == 0).all()
    assert not plan.at_floor[manual].any()


def test_too_few_hours_say_what_the_floors_take_and_that_much_is_enough() -> None:
    decider, rows = a_decider(2, policy=a_policy()), random_rows(2, 200)
    with pytest.raises(BudgetTooSmall) as short:
        plan_caseload(decider, rows, 1000.0)
    assert short.value.floor == at_price(decider, PRICE_AT_MOST, rows).minutes
    assert short.value.missing == short.value.floor - 1000
    plan = plan_caseload(decider, rows, short.value.floor)
    assert plan.minutes.sum() == short.value.floor


def test_with_more_hours_than_are_worth_anything_the_price_is_0() -> None:
    plan = a_plan(4, share=2)
    assert plan.price == 0
    assert plan.allocation.shadow_price == 0
    assert all(more.cases == 0 and more.minutes == 0 for more in plan.curve)


def where_mixes_are_alike(seed: int, first: int) -> Decider:
    """Gives a decider for which mixes from one on are worth the same, but for rounding."""
    tables = random_tables(seed)
    rng = np.random.default_rng(seed)
    values, intercept = tables.values.copy(), tables.intercept.copy()
    values[:, first:], intercept[first:] = values[:, [first]], intercept[first]
    for mix in range(first + 1, len(intercept)):
        # What one field adds to every value, another takes away.
        added = rng.normal(0, 0.1)
        values[: tables.offsets[1], mix] += added
        values[tables.offsets[1] : tables.offsets[2], mix] -= added
    pairs = []
    for pair in tables.pairs:
        cells = pair.values.copy()
        cells[:, first:] = cells[:, [first]]
        pairs.append(replace(pair, values=cells))
    alike = replace(tables, values=values, intercept=intercept, pairs=tuple(pairs))
    return Decider(tables=alike, catalogue=a_catalogue(), policy=a_policy("office-01"))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("first", [0, 3])
def test_no_minute_is_spent_for_what_sums_are_rounded_by_nor_at_the_plans_price(
    seed: int, first: int
) -> None:
    decider, rows = where_mixes_are_alike(seed, first), random_rows(seed, 400)
    expected = decider.decide(rows).expected[:, first:]
    spread = expected.max(axis=1) - expected.min(axis=1)
    assert 0 < np.nanmax(spread) < 1e-14
    plan = plan_caseload(decider, rows, 1e9)
    gains = plan.allocation.hulls.more_outcome(plan.allocation.order)
    assert (np.abs(gains) > 1e-9).all()
    assert all(more.cases == 0 for more in plan.curve)
    # By which price the service spends no minute more.
    assert plan.allocation.shadow_price == 0
    assert plan.price == pytest.approx(1e-9)
    assert (at_price(decider, plan.price, rows).mix == plan.allocation.mix).all()


def test_more_hours_buy_more_for_cases_counted_by_need_and_age() -> None:
    plan = a_plan(6)
    assert [more.hours for more in plan.curve] == [10, 20, 40]
    gains = [more.outcome for more in plan.curve]
    assert 0 < gains[0] < gains[1] < gains[2]
    for more in plan.curve:
        assert (
            0 < more.minutes <= more.hours * 60 + plan.allocation.budget - plan.allocation.minutes
        )
        assert (
            sum(more.by["need_group"].values()) == sum(more.by["age_band"].values()) == more.cases
        )
        assert "UNKNOWN" in more.by["need_group"]


def test_the_weakest_first_weight_moves_minutes_to_those_it_names_and_says_what_that_costs() -> (
    None
):
    plan = a_plan(7, cases=3000)
    moved = plan.weakest_first
    assert moved.cases > 0
    assert moved.by_need_group["SMALL_OPPORTUNITY"] > 0
    assert moved.by_need_group["GOOD_OPPORTUNITIES"] < 0
    assert abs(sum(moved.by_need_group.values())) < 500
    assert moved.minutes > 0
    even = plan_caseload(a_decider(7, policy=a_policy()), plan.rows, plan.allocation.budget)
    assert even.weakest_first.cases == 0


def test_the_figures_hold_no_case_and_add_up() -> None:
    plan = a_plan(8)
    figures = plan_figures(plan)
    assert sum(figures["mixes"].values()) + figures["manual_only"] == figures["cases"] == 400
    assert figures["floor_minutes"] <= figures["adviser_minutes"] <= figures["budget_minutes"]
    assert figures["weeks"] == 12
    assert sum(figures["weakest_first"]["need_group"].values()) == pytest.approx(0, abs=500)
    assert set(figures["weakest_first"]["need_group"]) == {
        *FEATURES["need_group"].values,
        "UNKNOWN",
    }


@pytest.mark.parametrize("budget", [-1.0, float("nan")])
def test_a_budget_that_is_no_number_of_minutes_is_refused(budget: float) -> None:
    with pytest.raises(ValueError, match="budget"):
        plan_caseload(a_decider(), random_rows(0, 5), budget)
