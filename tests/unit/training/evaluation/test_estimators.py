"""Estimators, sensitivity, heterogeneity and the cost curve on arrays with known answers."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from training.evaluation import estimators
from training.evaluation.cost_curve import chosen_within, cost_curve, minutes_by_mix
from training.evaluation.figures import ESTIMATORS
from training.evaluation.heterogeneity import calibration, fidelity, heterogeneity
from training.evaluation.sensitivity import gain_scores, sensitivity, survived
from training.learning.scores import Floats, Numbers

MIXES = 3


def a_log(
    cases: int, seed: int, effect: float = 0.1
) -> tuple[Floats, Numbers, Floats, Floats, Floats]:
    """Logged cases: x, mix, outcome, and their exactly known propensities and values."""
    rng = np.random.default_rng(seed)
    x = rng.random(cases)
    chances = np.column_stack([0.2 + 0.4 * x, np.full(cases, 0.2), 0.6 - 0.4 * x])
    values = np.column_stack(
        [0.3 + 0.2 * x, np.full(cases, 0.4), 0.3 + 0.2 * x + effect * (1 - 2 * x)]
    )
    mix = (rng.random(cases)[:, None] > chances.cumsum(axis=1)).sum(axis=1).clip(max=MIXES - 1)
    outcome = (rng.random(cases) < values[np.arange(cases), mix]).astype(float)
    return x, mix, outcome, chances, values


def chance_of(chances: Floats, mix: Numbers) -> Floats:
    chance: Floats = chances[np.arange(len(mix)), mix]
    return chance


def test_every_estimators_interval_covers_the_truth_about_nine_times_in_ten() -> None:
    covered = dict.fromkeys(ESTIMATORS, 0)
    for seed in range(400):
        x, mix, outcome, chances, values = a_log(800, 1000 + seed)
        policy = estimators.policy_matrix(np.where(x > 0.5, 0, 2), MIXES)
        mu = np.full((800, MIXES), 0.4)
        truth = (policy * values).sum(axis=1).mean()
        found = estimators.policy_values(policy, mu, mix, outcome, chance_of(chances, mix))
        for name, one in found.items():
            covered[name] += one.low <= truth <= one.high
    assert all(0.85 <= count / 400 <= 0.95 for count in covered.values()), covered


def test_a_wrong_outcome_model_does_not_bias_the_doubly_robust_value() -> None:
    x, mix, outcome, chances, values = a_log(40_000, 1)
    policy = estimators.policy_matrix(np.zeros(len(x), np.int64), MIXES)
    for mu in (np.zeros((len(x), MIXES)), np.ones((len(x), MIXES)), values):
        scores = estimators.dr_scores(policy, mu, mix, outcome, chance_of(chances, mix))
        assert scores.mean() == pytest.approx(values[:, 0].mean(), abs=0.02)


def test_a_policy_may_give_mixes_by_chance() -> None:
    _, mix, outcome, chances, _ = a_log(5000, 2)
    found = estimators.ips_scores(chances, mix, outcome, chance_of(chances, mix))
    assert np.allclose(found, outcome)


def test_paired_differences_are_surer_than_the_values_that_they_compare() -> None:
    x, mix, outcome, chances, values = a_log(5000, 3)
    first = estimators.policy_matrix(np.where(x > 0.5, 0, 2), MIXES)
    second = estimators.policy_matrix(np.where(x > 0.6, 0, 2), MIXES)
    scores = [
        estimators.dr_scores(policy, values, mix, outcome, chance_of(chances, mix))
        for policy in (first, second)
    ]
    paired = estimators.estimate(scores[0] - scores[1])
    assert paired.error < estimators.estimate(scores[0]).error / 2


def test_cases_of_one_office_count_together_once_there_are_twenty_offices() -> None:
    rng = np.random.default_rng(4)
    office = np.repeat(np.arange(40), 50)
    scores = rng.normal(0, 1, 40)[office] + rng.normal(0, 1, 2000)
    alone, together = estimators.estimate(scores), estimators.estimate(scores, office)
    assert together.error == pytest.approx(1 / np.sqrt(40), rel=0.3)
    assert together.error > 4 * alone.error
    assert estimators.estimate(scores, office % 19) == alone


def test_effective_cases_lie_between_one_and_all() -> None:
    assert estimators.effective_cases(np.full(50, 3.0)) == pytest.approx(50)
    assert estimators.effective_cases(np.array([1e6, 1.0, 1.0])) == pytest.approx(1, abs=1e-4)
    assert estimators.effective_cases(np.zeros(3)) == 0


def test_too_few_effective_cases_or_too_many_rare_mixes_are_not_enough_to_say() -> None:
    assert estimators.overlap_verdict(300, 5000, 0.01) == "ok"
    assert estimators.overlap_verdict(199, 5000, 0.01) == "not enough overlap to say"
    assert estimators.overlap_verdict(300, 50_000, 0.01) == "not enough overlap to say"
    assert estimators.overlap_verdict(300, 5000, 0.06) == "not enough overlap to say"


def test_rare_is_where_the_policys_own_mix_was_hardly_ever_chosen() -> None:
    chances = np.array([[0.005, 0.5, 0.495], [0.2, 0.4, 0.4]])
    assert estimators.rare_share(estimators.policy_matrix(np.array([0, 0]), 3), chances) == 0.5
    assert estimators.rare_share(estimators.policy_matrix(np.array([1, 1]), 3), chances) == 0


def test_what_cannot_be_estimated_is_refused_by_name() -> None:
    mix, outcome = np.array([1, 1, 2]), np.array([0.0, 1.0, 1.0])
    policy = estimators.policy_matrix(np.zeros(3, np.int64), MIXES)
    with pytest.raises(ValueError, match="no logged case got the mix"):
        estimators.snips_scores(policy, mix, outcome, np.full(3, 0.5))
    with pytest.raises(ValueError, match=r"chance: 0\.0 to 0\.5; must be above 0"):
        estimators.ips_scores(policy, mix, outcome, np.array([0.0, 0.5, 0.5]))
    with pytest.raises(ValueError, match="permitted are 0 to 2"):
        estimators.policy_matrix(np.array([0, -1]), MIXES)
    with pytest.raises(ValueError, match="must be 3 probabilities that sum to 1"):
        estimators.policy_matrix(np.full((2, 3), 0.5), MIXES)
    with pytest.raises(ValueError, match="at least 2 are needed"):
        estimators.estimate(np.array([0.4]))


def test_sensitivity_bounds_are_those_of_trying_every_extreme_weight() -> None:
    rng = np.random.default_rng(5)
    chance, residual, gamma = rng.uniform(0.2, 0.8, 7), rng.normal(0, 1, 7), 1.7
    difference = np.tile([1.0, -1.0], (7, 1))
    mix = np.array([0, 0, 0, 0, 1, 1, 1])
    mu = np.zeros((7, 2))
    odds = 1 / chance - 1
    limits = np.stack([1 + odds / gamma, 1 + odds * gamma])

    def means(of: NDArray[np.intp]) -> list[float]:
        return [
            np.average(residual[of], weights=limits[list(pick), of])
            for pick in itertools.product((0, 1), repeat=len(of))
        ]

    plus, minus = means(np.arange(4)), means(np.arange(4, 7))
    lowest = gain_scores(difference, mu, mix, residual, chance, gamma, lowest=True).mean()
    highest = gain_scores(difference, mu, mix, residual, chance, gamma, lowest=False).mean()
    assert lowest == pytest.approx(min(plus) - max(minus))
    assert highest == pytest.approx(max(plus) - min(minus))


def test_bounds_widen_with_the_odds_ratio_until_the_gain_is_gone() -> None:
    _, mix, outcome, chances, values = a_log(6000, 6, effect=0.3)
    best = estimators.policy_matrix(values.argmax(axis=1), MIXES)
    worst = estimators.policy_matrix(values.argmin(axis=1), MIXES)
    found = sensitivity("worst", best, worst, values, mix, outcome, chance_of(chances, mix))
    lows = [low for low, _ in found.bounds.values()]
    highs = [high for _, high in found.bounds.values()]
    assert lows == sorted(lows, reverse=True)
    assert highs == sorted(highs)
    assert 1.1 < found.gamma < 2
    at = gain_scores(
        best - worst, values, mix, outcome, chance_of(chances, mix), found.gamma, lowest=True
    )
    assert estimators.estimate(at).low == pytest.approx(0, abs=1e-4)
    assert survived(found, -0.05) > survived(found, 0) == found.gamma
    reverse = sensitivity("best", worst, best, values, mix, outcome, chance_of(chances, mix))
    assert reverse.gamma == 1


def test_without_heterogeneity_the_test_rejects_about_one_time_in_twenty() -> None:
    found = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x = rng.normal(0, 1, (400, 2))
        predicted = np.column_stack([x[:, 0], -x[:, 1], x[:, 0] * x[:, 1]])
        noise = rng.normal(0, 1, (400, 3)) * np.exp(0.5 * x[:, :1])
        scores = np.array([0.3, 0.4, 0.5]) + 0.2 * x[:, :1] + noise
        permitted = np.ones((400, 3), bool)
        permitted[x[:, 1] > 1, 0] = False
        found.append(
            heterogeneity(predicted, scores, permitted, permutations=99, seed=seed).p_value
        )
    assert 0.01 <= np.mean(np.array(found) <= 0.05) <= 0.10
    assert 0.42 <= np.mean(found) <= 0.58


def test_clear_heterogeneity_is_found() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(0, 1, 2000)
    true = np.column_stack([0 * x, 0.2 * x])
    found = heterogeneity(
        true, true + rng.normal(0, 1, (2000, 2)), np.ones((2000, 2), bool), permutations=199
    )
    assert found.found
    assert found.p_value == pytest.approx(1 / 200)


def test_predictions_that_do_not_vary_find_nothing() -> None:
    scores = np.random.default_rng(9).normal(0, 1, (300, 2))
    found = heterogeneity(
        np.tile([0.1, 0.2], (300, 1)), scores, np.ones((300, 2), bool), permutations=49
    )
    assert not found.found
    assert found.p_value == 1


def test_calibration_sees_predictions_that_are_true_too_bold_or_off() -> None:
    rng = np.random.default_rng(10)
    true = rng.normal(0.02, 0.05, 40_000)
    observed = true + rng.normal(0, 0.5, 40_000)
    right, bold, off = (calibration(one, observed) for one in (true, 3 * true, true + 0.1))
    assert right.slope.low < 1 < right.slope.high
    assert right.error < 0.01
    assert bold.slope.high < 0.5
    assert off.error == pytest.approx(0.1, abs=0.01)
    assert [tenth.cases for tenth in right.tenths] == [4000] * 10


def test_a_perfect_copy_keeps_everything_and_a_flat_one_nothing() -> None:
    x, *_, values = a_log(20_000, 11, effect=0.4)
    permitted = np.ones_like(values, bool)
    copy = fidelity(values, values, values, permitted, weights={}, pairs=())
    flat = fidelity(
        np.tile(values.mean(axis=0), (len(x), 1)), values, values, permitted, weights={}, pairs=()
    )
    assert (copy.value_kept, copy.contrasts_r2, copy.best_differs) == (1, 1, 0)
    assert flat.value_kept == pytest.approx(0)
    assert flat.contrasts_r2 < 0.3


def test_the_cost_curve_keeps_each_budget_and_beats_a_rule_blind_to_the_case() -> None:
    values = np.random.default_rng(12).normal([0.3, 0.35, 0.4], 0.1, (3000, 3))
    minutes, permitted = np.array([10.0, 50.0, 100.0]), np.ones((3000, 3), bool)
    permitted[:300, 0] = False
    curve = cost_curve(values, values, minutes, permitted, points=6)
    budgets = np.linspace(curve[0].minutes, curve[-1].minutes, 6)
    assert all(point.minutes <= budget + 1e-6 for point, budget in zip(curve, budgets, strict=True))
    assert all(point.minutes > budget - 1 for point, budget in zip(curve, budgets, strict=True))
    assert all(point.outcome.value > point.blind for point in curve[1:])
    assert curve[0].minutes == pytest.approx(14)
    assert curve[0].outcome.value == pytest.approx(curve[0].blind)


def test_within_a_budget_no_other_choice_is_worth_more() -> None:
    values = np.random.default_rng(13).random((6, 3))
    minutes, budget = np.array([1.0, 4.0, 9.0]), 4.0
    found = chosen_within(values, minutes, budget)
    spent = minutes[found].mean()
    best = max(
        values[np.arange(6), list(pick)].sum()
        for pick in itertools.product(range(3), repeat=6)
        if minutes[list(pick)].mean() <= spent
    )
    assert spent <= budget
    assert values[np.arange(6), found].sum() == pytest.approx(best)


def test_minutes_are_measured_where_enough_are_known_and_planned_elsewhere() -> None:
    mix = np.repeat([0, 1], [150, 20])
    spent = np.where(np.arange(170) < 10, np.nan, 12.0)
    assert minutes_by_mix(mix, spent, np.array([8.0, 50.0])).tolist() == [12, 50]
    assert minutes_by_mix(mix, None, np.array([8.0, 50.0])).tolist() == [8, 50]
