"""Cross-fitted nuisances on a small log whose propensities are known."""

import numpy as np
import pytest

from training.learning.crossfit import cross_fit
from training.learning.nuisance import calibrated, outcome_matrix, propensity_matrix
from training.learning.scores import Floats, Numbers, folds_of

MIXES = 3


def a_log(cases: int, seed: int) -> tuple[Floats, Numbers, Floats, Floats]:
    """Draws features, mixes, outcomes, and true propensities, which follow the first feature."""
    rng = np.random.default_rng(seed)
    features = rng.normal(0, 1, (cases, 3))
    leaning = np.column_stack([np.zeros(cases), features[:, 0], -features[:, 0]])
    true = np.exp(leaning) / np.exp(leaning).sum(axis=1, keepdims=True)
    mix = (rng.random(cases)[:, None] > true.cumsum(axis=1)).sum(axis=1).clip(max=MIXES - 1)
    outcome = (rng.random(cases) < 0.3 + 0.1 * mix).astype(float)
    return features, mix, outcome, true


def test_estimated_propensities_are_near_the_true_ones_and_sum_to_one() -> None:
    features, mix, _, true = a_log(4000, 1)
    found = propensity_matrix(features, mix, MIXES, folds_of(4000, 3, 0), 0)
    assert np.allclose(found.sum(axis=1), 1)
    assert np.sqrt(((found - true) ** 2).mean()) < 0.09


def test_calibration_takes_back_what_was_too_sure() -> None:
    _, mix, _, true = a_log(6000, 2)
    fold = folds_of(6000, 3, 0)
    sharp = true**2.5 / (true**2.5).sum(axis=1, keepdims=True)
    assert np.abs(calibrated(sharp, mix, fold) - true).max() < 0.06


def test_logged_propensities_are_used_as_they_are() -> None:
    features, mix, outcome, true = a_log(1500, 3)
    logged = true[np.arange(1500), mix]
    fitted = cross_fit(features, mix, outcome, MIXES, propensity=logged, seed=0, folds=2)
    assert np.array_equal(fitted.chance, logged)
    assert np.array_equal(fitted.chances[np.arange(1500), mix], logged)


def test_scores_average_to_the_value_of_each_mix() -> None:
    features, mix, outcome, _ = a_log(6000, 4)
    fitted = cross_fit(features, mix, outcome, MIXES, propensity=None, seed=0, folds=2)
    assert np.allclose(fitted.scores.mean(axis=0), [0.3, 0.4, 0.5], atol=0.04)


def test_equal_seeds_give_equal_bits() -> None:
    features, mix, outcome, _ = a_log(900, 5)
    first, second = (
        cross_fit(features, mix, outcome, MIXES, propensity=None, seed=7, folds=2) for _ in range(2)
    )
    assert np.array_equal(first.scores, second.scores)


def test_a_mix_that_only_one_fold_has_is_refused_by_name() -> None:
    features, mix, outcome, _ = a_log(300, 6)
    fold = folds_of(300, 3, 0)
    alone = np.where((mix == 2) & (fold != 1), 0, mix)
    with pytest.raises(ValueError, match=r"mix: \[2\] have no case outside fold 1"):
        outcome_matrix(features, alone, outcome, MIXES, fold, 0)


def test_numbers_out_of_bounds_are_refused_with_the_bound() -> None:
    features, mix, outcome, _ = a_log(300, 7)
    fold = folds_of(300, 3, 0)
    with pytest.raises(ValueError, match="mix: numbers 0 to 2; permitted are 0 to 1"):
        propensity_matrix(features, mix, 2, fold, 0)
    with pytest.raises(ValueError, match=r"outcome: must .* be from 0 to 1"):
        outcome_matrix(features, mix, outcome * 2, MIXES, fold, 0)
    with pytest.raises(ValueError, match="must be of the same cases"):
        propensity_matrix(features[:-1], mix, MIXES, fold, 0)
