"""Vowpal Wabbit: a contextual bandit, doubly robust. https://vowpalwabbit.org/"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from sklearn.preprocessing import StandardScaler
from vowpalwabbit import Workspace

from bench.peers.lesson import Answer, Logged
from bench.peers.nuisances import CLIP, propensities

PASSES = 3


def bandit(logged: Logged) -> Answer:
    """Takes features as they are, and defaults."""
    return _bandit(logged, "")


def bandit_of_pairs(logged: Logged) -> Answer:
    """Takes all pairs of features; smaller steps than the default serve it better here."""
    return _bandit(logged, "-q :: -l 0.1")


def _bandit(logged: Logged, options: str) -> Answer:
    """Runs --cb K --cb_type dr over three passes; the cost is what the outcome lacks to 1."""
    scaler = StandardScaler().fit(logged.rows)
    each = np.arange(len(logged.mix))
    chance = propensities(logged.rows, logged.mix, logged.seed, randomised=logged.randomised)[
        each, logged.mix
    ]
    # Vowpal Wabbit numbers actions from 1, and lowers costs.
    labels = zip(logged.mix + 1, 1 - logged.outcome, np.maximum(chance, CLIP), strict=True)
    features = _texts(scaler.transform(logged.rows))
    examples = [
        f"{mix}:{cost:.6f}:{p:.6f} {row}"
        for (mix, cost, p), row in zip(labels, features, strict=True)
    ]

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "logged.vw")
        data.write_text("\n".join(examples) + "\n", encoding="utf-8")
        cache = Path(folder, "logged.cache")
        learner = Workspace(
            # No hold-out: by default every tenth case is not learned from once there are passes.
            f"--cb {logged.mixes} --cb_type dr {options} --passes {PASSES} --holdout_off --quiet "
            f"--random_seed {logged.seed} -d {data} --cache_file {cache}"
        )
        chosen = [learner.predict(row) for row in _texts(scaler.transform(logged.fresh))]
        learner.finish()
    return {"chosen": np.array(chosen) - 1}


def _texts(rows: np.ndarray) -> Iterable[str]:
    for row in rows:
        yield "|x " + " ".join(f"f{column}:{value:.5f}" for column, value in enumerate(row))
