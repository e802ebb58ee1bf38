"""Doubly robust scores on a log whose truth is known."""

import numpy as np

from training.learning.scores import doubly_robust


def test_doubly_robust_scores_recover_the_truth_when_propensities_are_known() -> None:
    rng = np.random.default_rng(0)
    n = 200_000
    value = np.array([0.3, 0.5])
    chance = np.where(rng.random(n) < 0.5, 0.8, 0.2)
    mix = (rng.random(n) < chance).astype(int)
    outcome = (rng.random(n) < value[mix]).astype(float)
    logged_chance = np.where(mix == 1, chance, 1 - chance)
    wrong = np.full((n, 2), 0.9)
    assert np.allclose(
        doubly_robust(wrong, mix, outcome, logged_chance).mean(axis=0), value, atol=0.01
    )
