"""EconML: a causal forest, a policy forest and a DR-learner. https://www.pywhy.org/EconML/"""

from __future__ import annotations

from typing import Any

import numpy as np
from econml.dml import CausalForestDML
from econml.dr import DRLearner
from econml.policy import DRPolicyForest

from bench.peers.lesson import Answer, Logged
from bench.peers.nuisances import CLIP, FOLDS, outcome_model, propensity_model, small_effect_model

TREES = 300
LEAF = 50  # at the libraries' default of 5 both forests are far weaker on noisy outcomes


def _to_first(contrasts: np.ndarray) -> np.ndarray:
    """Contrasts to the first mix, shape (m, mixes - 1), with the first's own zero in front."""
    # EconML keeps an axis for several outcomes, of which there is one.
    flat = np.asarray(contrasts).reshape(len(contrasts), -1)
    return np.column_stack([np.zeros(len(flat)), flat])


def _doubly_robust(logged: Logged) -> dict[str, Any]:
    return {
        "model_regression": outcome_model(logged.seed),
        "model_propensity": propensity_model(logged.seed, randomised=logged.randomised),
        "min_propensity": CLIP,
        "cv": FOLDS,
        "random_state": logged.seed,
    }


def causal_forest(logged: Logged) -> Answer:
    """Fits CausalForestDML."""
    forest = CausalForestDML(
        model_y=outcome_model(logged.seed),
        model_t=propensity_model(logged.seed, randomised=logged.randomised),
        discrete_treatment=True,
        cv=FOLDS,
        n_estimators=TREES,
        min_samples_leaf=LEAF,
        inference=False,
        n_jobs=2,
        random_state=logged.seed,
    )
    forest.fit(logged.outcome, logged.mix, X=logged.rows)
    return {"values": _to_first(forest.const_marginal_effect(logged.fresh))}


def policy_forest(logged: Logged) -> Answer:
    """Fits DRPolicyForest; its own choice without a budget, its values under one."""
    forest = DRPolicyForest(
        **_doubly_robust(logged), n_estimators=TREES, min_samples_leaf=LEAF, n_jobs=2
    )
    forest.fit(logged.outcome, logged.mix, X=logged.rows)
    return {
        "values": _to_first(forest.predict_value(logged.fresh)),
        "chosen": forest.predict(logged.fresh).ravel(),
    }


def dr_learner(logged: Logged) -> Answer:
    """Fits DRLearner with a small boosting as its last stage."""
    learner = DRLearner(**_doubly_robust(logged), model_final=small_effect_model(logged.seed))
    learner.fit(logged.outcome, logged.mix, X=logged.rows)
    return {"values": _to_first(learner.const_marginal_effect(logged.fresh))}
