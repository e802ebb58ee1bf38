"""Open Bandit Pipeline (the maintained fork sb-obp): the IPW learner. https://zr-obp.readthedocs.io/"""

from __future__ import annotations

import sys
from unittest.mock import MagicMock

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from bench.peers.lesson import Answer, Logged
from bench.peers.nuisances import CLIP, propensities


def _without_torch() -> type:
    """Imports IPWLearner without torch, several GB, which obp imports for other learners."""
    for name in (
        "torch",
        "torch.nn",
        "torch.nn.functional",
        "torch.optim",
        "torch.utils",
        "torch.utils.data",
    ):
        # Stands in for torch, which the learner used here never calls.
        sys.modules.setdefault(name, MagicMock())
    sys.modules["torch"].utils.data.Dataset = object
    from obp.policy import IPWLearner

    learner: type = IPWLearner
    return learner


def ipw_logit(logged: Logged) -> Answer:
    """Fits IPWLearner over logistic regression."""
    return _ipw(logged, LogisticRegression(max_iter=2000))


def ipw_forest(logged: Logged) -> Answer:
    """Fits IPWLearner over a random forest."""
    leaf = max(20, len(logged.rows) // 200)
    return _ipw(
        logged,
        RandomForestClassifier(300, min_samples_leaf=leaf, n_jobs=2, random_state=logged.seed),
    )


def _ipw(logged: Logged, base: ClassifierMixin) -> Answer:
    scaler = StandardScaler().fit(logged.rows)
    each = np.arange(len(logged.mix))
    chance = propensities(logged.rows, logged.mix, logged.seed, randomised=logged.randomised)[
        each, logged.mix
    ]

    learner = _without_torch()(n_actions=logged.mixes, base_classifier=base)
    learner.fit(
        context=scaler.transform(logged.rows),
        action=logged.mix,
        reward=logged.outcome,
        pscore=np.maximum(chance, CLIP),
    )
    return {"chosen": learner.predict(scaler.transform(logged.fresh))[:, :, 0].argmax(axis=1)}
