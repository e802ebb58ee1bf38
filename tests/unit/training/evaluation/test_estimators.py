"""Estimators on arrays with known answers."""

import numpy as np
import pytest

from tests.unit.training.evaluation.log_builder import MIXES, a_log, chance_of
from training.evaluation import estimators
from training.evaluation.figures import ESTIMATORS


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


def test_cases_of_one_office_count_together() -> None:
    rng = np.random.default_rng(4)
    office = np.repeat(np.arange(40), 50)
    scores = rng.normal(0, 1, 40)[office] + rng.normal(0, 1, 2000)
    alone, together = estimators.estimate(scores), estimators.estimate(scores, office)
    assert together.error == pytest.approx(1 / np.sqrt(40), rel=0.3)
    assert together.error > 4 * alone.error
    assert estimators.estimate(scores, np.zeros(2000, np.int64)) == alone
    assert estimators.estimate(scores, np.arange(2000)).high == pytest.approx(alone.high)


@pytest.mark.parametrize("sizes", [[200] * 8, [40, 40, 80, 80, 100, 200, 300, 800]])
def test_few_offices_make_intervals_wide_enough(sizes: list[int]) -> None:
    office = np.repeat(np.arange(8), sizes)
    held = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        scores = rng.normal(0, 0.3, 8)[office] + rng.normal(0, 1, len(office))
        found = estimators.estimate(scores, office)
        held += found.low <= 0 <= found.high
    assert held >= 0.85 * 400


def test_persons_and_offices_both_count_and_never_make_surer_than_one_of_them() -> None:
    rng = np.random.default_rng(6)
    person = rng.integers(0, 500, 2000)
    office = rng.integers(0, 15, 2000)
    scores = rng.normal(0, 1, 500)[person] + rng.normal(0, 0.5, 15)[office] + rng.normal(size=2000)
    both = estimators.estimate(scores, np.column_stack([person, office]))
    ways = [estimators.estimate(scores, way) for way in (person, office)]
    assert both.error > max(one.error for one in ways)
    assert both.error**2 == pytest.approx(sum(one.error**2 for one in ways), rel=0.15)
    nested = estimators.estimate(scores, np.column_stack([person, person % 15]))
    one = [estimators.estimate(scores, way).error for way in (person, person % 15)]
    assert nested.error == pytest.approx(max(one))


def test_a_ratio_of_means_has_an_interval_that_holds_it() -> None:
    held = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        below = rng.exponential(1.0, 400)
        above = 0.5 * below + rng.normal(0, 0.5, 400)
        found = estimators.ratio(above, below)
        held += found.low <= 0.5 <= found.high
    assert 0.85 <= held / 200 <= 0.95


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
