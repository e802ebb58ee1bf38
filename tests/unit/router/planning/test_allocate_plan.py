"""A plan is what the service would answer case by case at its price, and says what hours buy."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.cases.features import FEATURES
from router.decision.decide import Decider
from router.decision.decision import NO_MIX, Status
from router.decision.policy import Abstention
from router.planning.allocate import BudgetTooSmall
from router.planning.clearing_price import PRICE_AT_MOST, at_price, find_clearing_price
from router.planning.plan import Plan, plan_caseload
from router.planning.plan_figures import plan_figures
from tests.builders import a_decider, a_policy, random_rows

NEVER_IN_DOUBT = Abstention(unknown_fields=99, rare_cases=0, far_minutes=1e9, standard_errors=0.0)


def certain(decider: Decider) -> Decider:
    """Gives a decider that never needs a person first."""
    return dataclasses.replace(
        decider, policy=dataclasses.replace(decider.policy, abstention=NEVER_IN_DOUBT)
    )


def a_budget(decider: Decider, rows: np.ndarray, share: float) -> float:
    """Minutes between what the floors take (0) and what would be spent if minutes were free (1)."""
    floor, most = (at_price(decider, price, rows).minutes for price in (PRICE_AT_MOST, 0.0))
    return floor + share * (most - floor)


def a_plan(
    seed: int = 0, *, cases: int = 400, share: float = 0.4, office: str = "office-01"
) -> Plan:
    decider, rows = a_decider(seed, policy=a_policy(office)), random_rows(seed, cases)
    return plan_caseload(decider, rows, a_budget(decider, rows, share))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.floats(0.05, 0.95))
def test_at_the_plans_price_the_service_answers_what_was_planned_but_for_what_was_left_over(
    seed: int, share: float
) -> None:
    plan = a_plan(seed, share=share)
    alone = at_price(plan.decider, plan.cleared.price, plan.rows)
    # Where answers do not change one way only with the price, single cases may be answered
    # otherwise.
    assert (alone.mix != plan.cleared.mix).sum() <= 4
    assert plan.cleared.minutes <= plan.allocation.budget
    more = plan.minutes - np.append(plan.decider.catalogue.minutes, 0)[plan.cleared.mix]
    assert (more >= 0).all()
    assert more.sum() <= plan.allocation.budget - plan.cleared.minutes


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_without_doubts_plan_and_service_agree_at_the_shadow_price_but_for_the_marginal_case(
    seed: int,
) -> None:
    decider = certain(a_decider(seed, policy=a_policy("office-01")))
    rows = random_rows(seed, 300)
    plan = plan_caseload(decider, rows, a_budget(decider, rows, 0.4))
    allocation = plan.allocation
    assert allocation.shadow_price == pytest.approx(plan.cleared.price, rel=1e-5)
    alone = at_price(decider, allocation.shadow_price, rows)
    marginal = allocation.hulls.case[allocation.order[allocation.taken]]
    assert set(np.flatnonzero(alone.mix != allocation.mix)) <= {marginal}


def test_a_case_in_doubt_gets_its_fallback_and_nobody_less_than_safeguards_demand() -> None:
    plan = a_plan(3)
    assess = plan.status == Status.NEEDS_ASSESSMENT
    assert assess.any()
    assert (plan.allocation.mix[assess] == plan.cleared.mix[assess]).all()
    assert plan.at_floor[assess].all()
    lightest = plan.decider.safeguards.apply(plan.rows)[0]
    with_mix = plan.allocation.mix != NO_MIX
    assert (plan.allocation.mix[with_mix] >= lightest[with_mix]).all()


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
    assert plan.cleared.price == 0
    assert plan.allocation.shadow_price == 0
    assert all(more.cases == 0 and more.minutes == 0 for more in plan.curve)


def test_a_large_caseload_is_settled_as_closely_as_a_small_one() -> None:
    decider = certain(a_decider(5, policy=a_policy()))
    rows = random_rows(5, 40_000)
    budget = a_budget(decider, rows, 0.4)
    cleared = find_clearing_price(decider, rows, budget)
    assert budget - 500 < cleared.minutes <= budget
    assert (at_price(decider, cleared.price, rows).mix == cleared.mix).all()


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
