"""What each mix really takes of an adviser's time, for each kind of case."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.learning.boosting import BoostingRegressor
from training.learning.scores import Floats, Numbers

# With fewer, the smallest permitted leaf of 50 cases is more than a tenth of them.
LEAST_CASES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class MinutesModel:
    """One additive model a mix, of minutes on the cases that got it; None for a mix with too few.

    Minutes have no confounding by outcome to be freed from: what a mix took is seen where it was
    given, and an additive model carries it over.
    """

    models: tuple[BoostingRegressor | None, ...]

    def minutes(self, rows: Floats, catalogue: Floats) -> Floats:
        """Gives the minutes of each mix, 0 or more, shape (n, mixes).

        Args:
            rows: (n, features), unknown as NaN.
            catalogue: (mixes,) minutes for mixes with fewer than 500 cases of known minutes.
        """
        # A boosted sum may fall below zero where little time is spent.
        columns = [
            np.full(len(rows), planned) if model is None else np.maximum(0.0, model.predict(rows))
            for model, planned in zip(self.models, catalogue.tolist(), strict=True)
        ]
        return np.column_stack(columns)


def learn_minutes(
    rows: Floats, mix: Numbers, minutes: Floats, mixes: int, seed: int
) -> MinutesModel:
    """Learns minutes.

    Args:
        rows: (n, features), unknown as NaN.
        mix: (n,) logged mixes.
        minutes: (n,) minutes the logged mix took, NaN where unknown.
        mixes: K.
        seed: of the boosting.
    """
    models: list[BoostingRegressor | None] = []
    for number in range(mixes):
        own = (mix == number) & ~np.isnan(minutes)
        cases = int(own.sum())
        enough = cases >= LEAST_CASES
        models.append(_model(cases, seed).fit(rows[own], minutes[own]) if enough else None)
    return MinutesModel(models=tuple(models))


def _model(cases: int, seed: int) -> BoostingRegressor:
    return BoostingRegressor(
        max_iter=80,
        max_leaf_nodes=4,
        learning_rate=0.05,
        min_samples_leaf=max(50, cases // 50),
        interaction_cst="no_interactions",
        early_stopping=False,
        random_state=seed,
    )
