"""A simulated year at an office: with the plan's price, weekly minutes stay near its own."""

import dataclasses

import numpy as np
import pytest

from router.cases.features import FEATURES
from router.decision.decide import Decider
from router.planning.clearing_price import PRICE_AT_MOST, at_price
from router.planning.plan import plan_caseload
from router.planning.price_feedback import WEEKS, next_price, wanted_price
from router.policies.offices import load_policies
from tests.builders import random_tables
from tests.policies_of_six import CATALOGUE, FOLDER
from training.simulation.population import draw_population

A_WEEK = 1000
# Half way between the floors, 130 minutes a case, and what would be taken for nothing, 231.
MINUTES_A_CASE = 180
BUDGET = A_WEEK * MINUTES_A_CASE
BOUNDS = (0.0, 0.002)
WITHIN = 0.05
# A thousand cases of a single week differ by chance: by 2 % in one week of three.
AVERAGED = 4


@pytest.fixture(scope="module")
def decider() -> Decider:
    # Effects that vary from case to case: where mixes are worth the same to everybody, many steps
    # are worth the same and no price takes only some of them.
    # Of six mixes in the order of contact: a plan does not count what a safeguard lifts.
    return Decider(
        tables=random_tables(1, effect=0.02, mixes=len(CATALOGUE.mixes)),
        catalogue=CATALOGUE,
        policy=load_policies(FOLDER, CATALOGUE).usable("office-01"),
    )


@pytest.fixture(scope="module")
def people() -> np.ndarray:
    drawn = draw_population(np.random.default_rng(52), 40_000)
    return np.stack([drawn[name] for name in FEATURES.names], axis=1).astype(np.uint16)


def a_year(
    decider: Decider,
    people: np.ndarray,
    *,
    growth: float = 0.0,
    need: float = 0.0,
    feedback: bool,
    start: float = 0.0,
) -> np.ndarray:
    """Minutes that the service recommends in each of 52 weeks, as a share of the office's.

    Args:
        decider: of the office.
        people: to draw arrivals from.
        growth: share by which arrivals rise each week.
        need: share by which those who are not GOOD_OPPORTUNITIES get more frequent each week.
        feedback: whether the price follows arrivals.
        start: price in the first week; that of a plan for twelve weeks' cases if 0.
    """
    rng = np.random.default_rng(1)
    needs_more = people[:, FEATURES.column("need_group")] != FEATURES["need_group"].slot(
        "GOOD_OPPORTUNITIES"
    )
    caseload = people[rng.integers(0, len(people), 12 * A_WEEK)]
    price = start or plan_caseload(decider, caseload, 12.0 * BUDGET).price
    shares: list[float] = []
    last: list[np.ndarray] = []
    for week in range(52):
        chances = np.where(needs_more, (1 + need) ** week, 1.0)
        count = round(A_WEEK * (1 + growth) ** week)
        arrived = people[rng.choice(len(people), count, p=chances / chances.sum())]
        shares.append(at_price(decider, price, arrived).minutes / BUDGET)
        last = [*last, arrived][-WEEKS:]
        if feedback and len(last) == WEEKS:
            price = next_price(
                price, wanted_price(decider, np.concatenate(last), WEEKS * BUDGET), BOUNDS
            )
    return np.array(shares)


def averaged(shares: np.ndarray) -> np.ndarray:
    return np.convolve(shares, np.ones(AVERAGED) / AVERAGED, "valid")


def test_with_steady_arrivals_the_plans_price_alone_keeps_the_minutes_within_5_percent(
    decider: Decider, people: np.ndarray
) -> None:
    shares = a_year(decider, people, feedback=False)
    assert np.abs(averaged(shares) - 1).max() < WITHIN
    assert abs(shares.mean() - 1) < 0.01


def test_feedback_does_not_unsettle_steady_arrivals(decider: Decider, people: np.ndarray) -> None:
    assert np.abs(averaged(a_year(decider, people, feedback=True)) - 1).max() < WITHIN


@pytest.mark.parametrize(("growth", "need"), [(0.003, 0.0), (0.001, 0.02)])
def test_with_arrivals_that_drift_in_number_or_need_feedback_keeps_the_minutes_within_5_percent(
    decider: Decider, people: np.ndarray, growth: float, need: float
) -> None:
    assert (
        np.abs(averaged(a_year(decider, people, growth=growth, need=need, feedback=True)) - 1).max()
        < WITHIN
    )


def test_without_feedback_such_a_drift_leaves_5_percent_behind(
    decider: Decider, people: np.ndarray
) -> None:
    assert (
        np.abs(averaged(a_year(decider, people, growth=0.003, feedback=False)) - 1).max()
        > 2 * WITHIN
    )


def test_a_price_that_was_far_off_is_mended_within_fourteen_weeks(
    decider: Decider, people: np.ndarray
) -> None:
    shares = a_year(decider, people, feedback=True, start=0.002)
    assert shares[0] < 1 - 2 * WITHIN
    assert np.abs(averaged(shares)[14:] - 1).max() < WITHIN


def test_the_price_does_not_depend_on_the_one_in_force(
    decider: Decider, people: np.ndarray
) -> None:
    dear = dataclasses.replace(decider, policy=dataclasses.replace(decider.policy, price=0.002))
    arrivals = people[:3000]
    minutes = float(len(arrivals) * MINUTES_A_CASE)
    wanted = wanted_price(decider, arrivals, minutes)
    assert 0 < wanted < PRICE_AT_MOST
    assert wanted_price(dear, arrivals, minutes) == pytest.approx(wanted, rel=1e-3)
