"""Boosting on columns that hardly any case knows."""

import numpy as np
import pytest

from training.learning.boosting import BoostingClassifier, BoostingRegressor


def some_rows(count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rows = np.random.default_rng(0).normal(size=(count, 3))
    return rows, rows[:, 0] + (rows[:, 1] > 0)


@pytest.mark.parametrize("known", [0, 1, 10])
@pytest.mark.parametrize("seen", [np.nan, 5.0])
def test_a_column_that_hardly_any_case_knows_is_inert(known: int, seen: float) -> None:
    rows, target = some_rows()
    wider = np.column_stack([rows, np.full(len(rows), np.nan)])
    wider[:known, 3] = 1.0
    met = np.column_stack([rows, np.full(len(rows), seen)])
    settings = {"max_iter": 20, "random_state": 0, "early_stopping": False}
    plain = BoostingRegressor(**settings).fit(rows, target)
    found = BoostingRegressor(**settings).fit(wider, target)
    assert np.allclose(found.predict(met), plain.predict(rows))
    sure = BoostingClassifier(**settings).fit(wider, target > 0)
    assert np.allclose(
        sure.predict_proba(met),
        BoostingClassifier(**settings).fit(rows, target > 0).predict_proba(rows),
    )


def test_a_column_of_which_few_of_very_many_cases_are_known_is_no_error() -> None:
    # More than scikit-learn draws its bins from: the few known ones are mostly not among them.
    rows = np.full((260_000, 1), np.nan)
    rows[:25, 0] = np.arange(25)
    model = BoostingRegressor(max_iter=1, random_state=0, early_stopping=False)
    assert np.ptp(model.fit(rows, np.arange(260_000) % 2.0).predict(rows[:50])) == 0
