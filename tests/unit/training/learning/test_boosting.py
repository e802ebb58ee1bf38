"""Boosting: columns that hardly any case knows, and the same bytes as scikit-learn's for less."""

from fractions import Fraction
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from bench.instructions import steps
from tests.builders import ROOT
from training.learning.boosting import BoostingClassifier, BoostingRegressor, fit_each
from training.learning.scores import Floats

MIXES = 12
SETTINGS = {"max_iter": 30, "random_state": 0, "early_stopping": False}
# Any columns together; one with the mix; one alone.
CONSTRAINTS = [None, [{0, 3}, {1, 3}, {2, 3}], "no_interactions"]


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


def gaps_and_steps(count: int) -> tuple[Floats, Floats]:
    """Gives rows with unknown numbers and few values, and something to learn of them and a mix."""
    random = np.random.default_rng(1)
    rows = random.normal(size=(count, 3))
    rows[:, 1] = np.round(rows[:, 1])
    rows[random.random(count) < 0.2, 2] = np.nan
    mix = random.integers(0, MIXES, count).astype(np.float64)
    return np.column_stack([rows, mix]), rows[:, 0] * (mix > 4) + np.nan_to_num(rows[:, 2] * mix)


def with_every_mix(rows: Floats) -> list[Floats]:
    return [np.column_stack([rows[:, :3], np.full(len(rows), mix)]) for mix in range(MIXES)]


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_predictions_have_the_bytes_that_scikit_learn_gives(constraint: object) -> None:
    # More rows than are added up at once.
    rows, target = gaps_and_steps(9_000)
    settings = SETTINGS | {"interaction_cst": constraint}
    plain = HistGradientBoostingRegressor(**settings).fit(rows, target)
    found = BoostingRegressor(**settings).fit(rows, target)
    assert found.predict(rows).tobytes() == plain.predict(rows).tobytes()

    unknown = np.full((5, 4), np.nan)
    assert found.predict(unknown).tobytes() == plain.predict(unknown).tobytes()

    three = np.digitize(target, [-1, 1])
    chances = HistGradientBoostingClassifier(**settings).fit(rows, three).predict_proba(rows)
    ours = BoostingClassifier(**settings).fit(rows, three)
    assert np.array_equal(ours.predict_proba(rows), chances)


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_every_mix_is_predicted_with_the_bytes_of_one_asked_after_the_other(
    constraint: object,
) -> None:
    rows, target = gaps_and_steps(9_000)
    settings = SETTINGS | {"interaction_cst": constraint}
    plain = HistGradientBoostingRegressor(**settings).fit(rows, target)
    found = BoostingRegressor(**settings).fit(rows, target)
    asked = np.column_stack([plain.predict(one) for one in with_every_mix(rows)])
    assert np.array_equal(found.predict_each(rows[:, :3], MIXES), asked)

    sure = HistGradientBoostingClassifier(**settings).fit(rows, target > 0)
    ours = BoostingClassifier(**settings).fit(rows, target > 0)
    chances = np.column_stack([sure.predict_proba(one)[:, 1] for one in with_every_mix(rows)])
    assert np.array_equal(ours.predict_each(rows[:, :3], MIXES), chances)


def test_models_of_the_same_rows_are_those_that_are_fitted_alone() -> None:
    rows, target = gaps_and_steps(2_000)
    targets = [target, -target, target**2]
    together = fit_each(lambda: BoostingRegressor(**SETTINGS), rows, targets)
    alone = [BoostingRegressor(**SETTINGS).fit(rows, one) for one in targets]
    for one, other in zip(together, alone, strict=True):
        assert one.predict(rows).tobytes() == other.predict(rows).tobytes()


def test_every_mix_costs_hardly_more_steps_than_one() -> None:
    # Of the interpreter, which asks each tree. One for each mix would be twelve times as many.
    rows, target = gaps_and_steps(9_000)
    model = BoostingRegressor(**SETTINGS).fit(rows, target)
    one = steps(lambda: model.predict(rows))
    every = steps(lambda: model.predict_each(rows[:, :3], MIXES))
    assert every.instructions < 4 * one.instructions
    assert every.calls < 4 * one.calls


def counted(model: Any) -> int:
    """Adds up what a model's nodes say of how many cases they had."""
    return sum(int(tree.nodes["count"].sum()) for each in model._predictors for tree in each)


def test_no_node_tells_how_many_cases_it_had() -> None:
    rows, target = some_rows()
    alone = BoostingClassifier(**SETTINGS).fit(rows, target > 0)
    together = fit_each(lambda: BoostingRegressor(**SETTINGS), rows, [target, -target])
    assert [counted(model) for model in (alone, *together)] == [0, 0, 0]


def test_the_estimators_of_the_shipped_version_count_nobody() -> None:
    """Two thresholds of a field told how many cases lie between, and roots how many got a mix."""
    kept = joblib.load(ROOT / "models" / "baseline-2027-01" / "estimators.joblib")
    models = []
    for student in kept["students"]:
        models += [student.level, *student.steps]
        models += [step for pair in student.pairs for step in pair.steps]
    assert len(models) >= 60
    assert {counted(model) for model in models} == {0}

    # A mean of so many whole numbers is a fraction, and its digits tell of how many.
    fractions = [Fraction(begun_with(model)).limit_denominator(300_000) for model in models]
    pairs = zip(models, fractions, strict=True)
    assert not [model for model, near in pairs if float(near) == begun_with(model) != 0]
    # Whose means were such.
    assert "minutes" not in kept


def begun_with(model: Any) -> float:
    """Gives what a model adds its trees to."""
    return float(model._baseline_prediction.item())
