"""How much hidden confounding a gain survives, against every extreme weight tried."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.training.evaluation.log_builder import MIXES, a_log, chance_of
from training.evaluation import estimators
from training.evaluation.sensitivity import gain_scores, sensitivity, survived


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
