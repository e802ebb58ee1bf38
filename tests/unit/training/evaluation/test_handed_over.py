"""What handing over unsure cases would be worth, on scores whose truth is known."""

import numpy as np
import pytest

from router.cases.features import FEATURES
from router.decision.decide import Decider
from router.decision.decision import Decisions, Status
from tests.builders import a_catalogue, a_policy, random_tables
from training.evaluation.handed_over import handed_over, lead
from training.simulation.population import draw_population

CASES = 600
DECIDER = Decider(tables=random_tables(1), catalogue=a_catalogue(), policy=a_policy())
DRAWN = draw_population(np.random.default_rng(0), CASES)
ROWS = np.column_stack([DRAWN[name] for name in FEATURES.names]).astype(np.uint16)
DECIDED = DECIDER.decide(ROWS)
LEADS = lead(DECIDER, ROWS, DECIDED)
ASSESSED = float((DECIDED.status == Status.NEEDS_ASSESSMENT).mean())


def test_at_no_threshold_only_who_must_be_assessed_is_handed_over() -> None:
    at_none = LEADS >= 0
    first = handed_over(
        np.where(at_none, LEADS, 0.0), DECIDED, np.zeros(CASES), np.zeros(CASES), None
    )[0]
    assert first.share == pytest.approx(ASSESSED)


def test_a_higher_threshold_hands_over_more() -> None:
    found = handed_over(LEADS, DECIDED, np.zeros(CASES), np.zeros(CASES), None)
    shares = [one.share for one in found]
    assert shares == sorted(shares)
    assert shares[-1] > shares[0]


def test_handing_over_adds_what_advisers_did_better_and_costs_what_they_did_worse() -> None:
    # Advice gains a point where it is sure, and loses one where it is not.
    sure = LEADS >= 1.0
    found = handed_over(LEADS, DECIDED, np.where(sure, 0.01, -0.01), np.zeros(CASES), None)
    at_one = next(one for one in found if one.standard_errors == 1.0)
    assert at_one.kept is not None
    assert at_one.kept.value == pytest.approx(0.01)
    expected = (0.01 * (~sure).sum() - 0.01 * (sure & assessed()).sum()) / CASES
    assert at_one.added.value == pytest.approx(expected)


def assessed() -> np.ndarray:
    found: np.ndarray = DECIDED.status == Status.NEEDS_ASSESSMENT
    return found


def test_of_a_few_cases_nothing_is_told() -> None:
    sure = np.full(CASES, np.inf)
    few = handed_over(sure[:40], _few(40), np.zeros(40), np.zeros(40), None)
    assert few[0].kept is None


def _few(count: int) -> Decisions:
    return DECIDER.decide(ROWS[:count])
