"""What is refused before a fit starts: sides, mixes and outcomes."""

from dataclasses import replace

import numpy as np
import pytest

from bench.evaluation import CATALOGUE, NATIONAL, simulated
from router.cases.problems import CasesRefused
from tests.unit.training.data.test_hold_out import random_days, some_cases
from training.data.dataset import LoggedCases
from training.data.hold_out import sides
from training.evaluation.ready import LEAST_CASES, check_start, ready

MIXES = ("LIGHT", "HEAVY")


def good_cases(count: int = 3_000, days: np.ndarray | None = None) -> LoggedCases:
    drawn = np.random.default_rng(7)
    days = random_days(count, 0) if days is None else days
    return replace(
        some_cases(count, days),
        mix=drawn.integers(0, 2, count),
        outcome=drawn.integers(0, 2, count).astype(np.float64),
        propensity=np.full(count, 0.5),
    )


def refusal(cases: LoggedCases) -> str:
    with pytest.raises(CasesRefused) as refused:
        check_start(cases, MIXES, 1)
    return str(refused.value)


def test_good_cases_may_start() -> None:
    check_start(good_cases(), MIXES, 1)
    check_start(replace(good_cases(), days=None), MIXES, 1)


def test_too_few_cases_to_evaluate_on_are_refused_with_the_bound() -> None:
    told = refusal(good_cases(1_500))
    assert "to evaluate on (held out by time)" in told
    assert f"at least {LEAST_CASES} are needed" in told


def test_one_long_last_day_leaves_too_few_to_learn_from() -> None:
    days = np.where(np.arange(3_000) < 400, 0, 1)
    assert "cases: 400 to learn from (held out by time)" in refusal(good_cases(days=days))


def test_cases_of_a_single_day_are_refused_and_not_drawn_instead() -> None:
    told = refusal(good_cases(days=np.zeros(3_000)))
    assert "cases: 0 to learn from (held out by time)" in told


@pytest.mark.parametrize(("early", "side"), [(True, "to evaluate on"), (False, "to learn from")])
@pytest.mark.parametrize("few", [0, 1])
def test_a_mix_on_one_side_only_is_told_with_side_count_and_bound(
    early: bool, side: str, few: int
) -> None:
    cases = good_cases()
    _, held, _ = sides(cases, 1)
    mix = cases.mix.copy()
    lacking = np.flatnonzero(held == early)
    mix[lacking] = 0
    mix[lacking[:few]] = 1
    told = refusal(replace(cases, mix=mix))
    bound = 50 if early else 100
    assert f"column mix: HEAVY has {few} cases {side} (held out by time); at least {bound}" in told


def test_an_outcome_that_does_not_vary_is_refused_on_the_side_where_it_does_not() -> None:
    cases = good_cases()
    assert "column outcome: is 1 for all" in refusal(replace(cases, outcome=np.ones(3_000)))
    _, held, _ = sides(cases, 1)
    told = refusal(replace(cases, outcome=np.where(held, 0.0, cases.outcome)))
    assert "is 0 for all" in told
    assert "to evaluate on" in told
    assert "to learn from" not in told


def test_too_few_cases_of_a_mix_that_todays_rule_gives_are_told_with_count_and_reason() -> None:
    with pytest.raises(CasesRefused, match="BLENDED_OFFICE has 7 cases; at least 200 are needed"):
        check_start(good_cases(), MIXES, 1, {"BLENDED_OFFICE": 7})
    check_start(good_cases(), MIXES, 1, {"BLENDED_VIDEO": 7})


def test_what_left_so_few_cases_is_told() -> None:
    few = replace(good_cases(400), too_recent=2_000, shielded=30)
    assert "2000 were left out by --horizon or --as-of" in refusal(few)
    assert "30 were left out as shielded, or not known not to be" in refusal(few)
    assert "give cases of more months" in refusal(good_cases(days=np.zeros(3_000)))


def test_without_cases_of_the_heaviest_mix_safeguards_cannot_be_kept_and_it_is_told_why() -> None:
    cases, _ = simulated(5_000, 5)
    heaviest = len(CATALOGUE.ids) - 1
    without = cases.take(np.flatnonzero(cases.mix != heaviest))
    with pytest.raises(CasesRefused) as refused:
        ready(without, CATALOGUE, NATIONAL, seed=1)
    told = str(refused.value)
    assert told.startswith(
        f"column mix: {CATALOGUE.ids[heaviest]} has 0 cases; of mixes with fewer"
    )
    assert f"forbids {CATALOGUE.ids[heaviest - 1]}, the mix with most minutes" in told
    assert "give cases of more months" in told
