"""The nuisances every peer gets that takes some.

The same boosting as ours, cross-fitted where the peer does not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import StratifiedKFold, cross_val_predict

FOLDS = 5
CLIP = 0.05
Floats = NDArray[np.float64]


def outcome_model(seed: int) -> HistGradientBoostingRegressor:
    """Gives a model of the expected outcome."""
    return HistGradientBoostingRegressor(
        max_iter=150,
        max_leaf_nodes=8,
        learning_rate=0.06,
        min_samples_leaf=100,
        early_stopping=False,
        random_state=seed,
    )


def propensity_model(
    seed: int, *, randomised: bool
) -> HistGradientBoostingClassifier | DummyClassifier:
    """Models the probability of every mix; the plain shares where a trial drew the mixes."""
    if randomised:
        return DummyClassifier(strategy="prior")
    return HistGradientBoostingClassifier(
        max_iter=80,
        max_leaf_nodes=8,
        learning_rate=0.1,
        min_samples_leaf=100,
        early_stopping=False,
        random_state=seed,
    )


def small_effect_model(seed: int) -> HistGradientBoostingRegressor:
    """Gives a final stage for contrasts, small because its targets are noisy."""
    return HistGradientBoostingRegressor(
        max_iter=60,
        max_leaf_nodes=6,
        learning_rate=0.06,
        min_samples_leaf=100,
        early_stopping=False,
        random_state=seed,
    )


def propensities(rows: Floats, mix: NDArray[np.int64], seed: int, *, randomised: bool) -> Floats:
    """Gives the cross-fitted probability of every mix, shape (n, mixes)."""
    # Stratified, so that the model of every fold knows every mix.
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    model = propensity_model(seed, randomised=randomised)
    found: Floats = cross_val_predict(model, rows, mix, cv=folds, method="predict_proba")
    return found
