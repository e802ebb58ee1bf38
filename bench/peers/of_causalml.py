"""CausalML: the X-learner. https://causalml.readthedocs.io/"""

from __future__ import annotations

import numpy as np
from causalml.inference.meta import BaseXRegressor

from bench.peers.lesson import Answer, Logged
from bench.peers.nuisances import outcome_model, propensities, propensity_model, small_effect_model


def x_learner(logged: Logged) -> Answer:
    """Fits BaseXRegressor against the most used mix.

    Its propensities are those of each mix against that one.
    """
    # On the first mix instead it reached a fifth less (docs/benchmarks.md).
    anchor = int(np.bincount(logged.mix).argmax())
    learner = BaseXRegressor(
        control_outcome_learner=outcome_model(logged.seed),
        treatment_outcome_learner=outcome_model(logged.seed),
        control_effect_learner=small_effect_model(logged.seed),
        treatment_effect_learner=small_effect_model(logged.seed),
        control_name=anchor,
    )

    chance = propensities(logged.rows, logged.mix, logged.seed, randomised=logged.randomised)
    learner.fit(logged.rows, logged.mix, logged.outcome, p=_against(chance, anchor))
    model = propensity_model(logged.seed, randomised=logged.randomised).fit(logged.rows, logged.mix)
    found = learner.predict(logged.fresh, p=_against(model.predict_proba(logged.fresh), anchor))

    values = np.zeros((len(logged.fresh), logged.mixes))
    values[:, [int(mix) for mix in learner.t_groups]] = found
    return {"values": values}


def _against(chance: np.ndarray, anchor: int) -> dict[int, np.ndarray]:
    others = [mix for mix in range(chance.shape[1]) if mix != anchor]
    return {
        mix: np.clip(chance[:, mix] / (chance[:, mix] + chance[:, anchor]), 0.01, 0.99)
        for mix in others
    }
