"""Nuisances and doubly robust scores, as free functions over arrays, for any rows, mixes and outcomes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
CLIP = 0.05


def folds_of(cases: int, folds: int, seed: int) -> Numbers:
    """Fold of each case, shape (cases,), sizes equal within one."""
    return np.random.default_rng(seed).permutation(np.arange(cases) % folds)


def propensities(features: Floats, mix: Numbers, mixes: int, fold: Numbers, seed: int) -> Floats:
    """Cross-fitted probability of the logged mix, e_A(x) = P(A | x), shape (n,)."""
    found = np.zeros(len(mix))
    for held in np.unique(fold):
        train, test = fold != held, fold == held
        model = HistGradientBoostingClassifier(
            max_iter=80,
            max_leaf_nodes=8,
            learning_rate=0.1,
            min_samples_leaf=100,
            early_stopping=False,
            random_state=seed,
        )
        model.fit(features[train], mix[train])
        chance = np.zeros((test.sum(), mixes))
        chance[:, model.classes_.astype(int)] = model.predict_proba(features[test])
        found[test] = chance[np.arange(len(chance)), mix[test]]
    return found


def outcomes(features: Floats, mix: Numbers, outcome: Floats, mixes: int, fold: Numbers, seed: int) -> Floats:
    """Cross-fitted expected outcome of every mix, mu_a(x), shape (n, mixes): one learner with the mix as a feature."""
    found = np.zeros((len(mix), mixes))
    for held in np.unique(fold):
        train, test = fold != held, fold == held
        model = HistGradientBoostingRegressor(
            max_iter=150,
            max_leaf_nodes=8,
            learning_rate=0.06,
            min_samples_leaf=100,
            early_stopping=False,
            random_state=seed,
        )
        model.fit(np.column_stack([features[train], mix[train]]), outcome[train])
        for number in range(mixes):
            found[test, number] = model.predict(np.column_stack([features[test], np.full(int(test.sum()), number)]))
    return np.clip(found, 0.0, 1.0)


def doubly_robust(mu: Floats, mix: Numbers, outcome: Floats, propensity: Floats, clip: float = CLIP) -> Floats:
    """Doubly robust scores, shape (n, mixes).

        Gamma_ia = mu_a(x_i) + 1{A_i = a} / max(e_a(x_i), clip) * (Y_i - mu_a(x_i))

    Source: Dudik, Langford, Li 2011. The clip is for learning only: it trades a little bias for much variance.
    """
    scores = mu.copy()
    each = np.arange(len(mix))
    scores[each, mix] += (outcome - mu[each, mix]) / np.maximum(propensity, clip)
    return scores
