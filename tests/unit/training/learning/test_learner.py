"""The learner on arrays whose truth is known."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from training import learn
from training.learning.learned import Learned
from training.learning.minutes import LEAST_CASES
from training.learning.scores import Floats, Numbers
from training.learning.teachers import TEACHERS, Lesson, Values

QUICK: Any = {"calibrate": False, "folds": 3}
FEW = {name: TEACHERS[name] for name in ("x_learner", "r_spline")}


def logged(cases: int, effect: float, seed: int = 0) -> tuple[Floats, Numbers, Floats, Floats]:
    """Gives rows, mix, outcome and the true values.

    Mix 1 helps where column 0 is high, and is chosen more there.
    """
    random = np.random.default_rng(seed)
    rows = random.normal(size=(cases, 3))
    rows[random.random(cases) < 0.05, 1] = np.nan
    values = np.column_stack([np.full(cases, 0.45), 0.45 + effect * np.sign(rows[:, 0])])
    mix = (random.random(cases) < np.where(rows[:, 0] > 0, 0.7, 0.3)).astype(np.int64)
    outcome = (random.random(cases) < values[np.arange(cases), mix]).astype(np.float64)
    return rows, mix, outcome, values


def chance_of_each(rows: Floats) -> Floats:
    """Gives the true propensities of `logged`, shape (n, 2)."""
    second = np.where(rows[:, 0] > 0, 0.7, 0.3)
    return np.column_stack([1 - second, second])


@cache
def without_effects() -> Learned:
    rows, mix, outcome, _ = logged(4_000, 0.0)
    return learn(rows, mix, outcome, teachers=FEW, pairs=1, **QUICK)


def test_it_finds_for_whom_each_mix_is_best_in_spite_of_confounding() -> None:
    rows, mix, outcome, _ = logged(4_000, 0.25)
    learned = learn(rows, mix, outcome, teachers=FEW, pairs=1, **QUICK)
    fresh, _, _, values = logged(2_000, 0.25, seed=1)
    assert (learned.values(fresh).argmax(axis=1) == values.argmax(axis=1)).mean() > 0.9
    assert np.abs(np.diff(learned.values(fresh)) - np.diff(values)).mean() < 0.08


def test_without_effects_no_teacher_has_weight_to_speak_of() -> None:
    assert sum(without_effects().weights.values()) < 0.15


def test_without_effects_every_case_gets_the_same_best_mix() -> None:
    fresh, *_ = logged(1_000, 0.0, seed=1)
    contrast = np.diff(without_effects().values(fresh), axis=1)
    assert contrast.std() < 0.01
    assert len(np.unique(without_effects().values(fresh).argmax(axis=1))) == 1
    assert without_effects().pairs == ()


@pytest.mark.parametrize("wide", [False, True], ids=["(n,)", "(n, K)"])
def test_the_known_propensity_may_be_given_of_the_logged_mix_or_of_every_mix(wide: bool) -> None:
    rows, mix, outcome, values = logged(2_500, 0.25)
    chances = chance_of_each(rows)
    own = chances[np.arange(len(mix)), mix]
    known = chances if wide else own
    learned = learn(
        rows, mix, outcome, propensity=known, teachers=FEW, pairs=0, calibrate=False, folds=3
    )
    assert np.allclose(learned.chances[np.arange(len(mix)), mix], own)
    assert np.allclose(learned.chances.sum(axis=1), 1)
    assert (learned.values(rows).argmax(axis=1) == values.argmax(axis=1)).mean() > 0.9


def test_what_confounds_is_freed_from_without_being_decided_by() -> None:
    random = np.random.default_rng(3)
    rows, severity = random.normal(size=(4_000, 2)), random.integers(0, 2, 4_000)
    mix = (random.random(4_000) < np.where(severity, 0.8, 0.2)).astype(np.int64)
    outcome = (random.random(4_000) < 0.7 - 0.5 * severity + 0.1 * mix).astype(np.float64)
    spline = {"r_spline": FEW["r_spline"]}
    blind, sees = (
        learn(
            rows,
            mix,
            outcome,
            confounders=columns,
            teachers=spline,
            pairs=0,
            calibrate=False,
            folds=3,
        )
        for columns in (None, severity[:, None].astype(np.float64))
    )
    assert np.diff(blind.values(rows)).mean() < -0.1
    assert np.diff(sees.values(rows)).mean() == pytest.approx(0.1, abs=0.05)


def test_a_teacher_is_added_by_adding_a_function() -> None:
    def knows(lesson: Lesson) -> Values:
        return lambda rows: np.column_stack([np.zeros(len(rows)), np.sign(rows[:, 0])])

    rows, mix, outcome, _ = logged(3_000, 0.25)
    learned = learn(
        rows, mix, outcome, teachers=FEW | {"knows": knows}, pairs=0, calibrate=False, folds=3
    )
    assert list(learned.weights) == [*FEW, "knows"]
    assert learned.weights["knows"] == pytest.approx(0.25, abs=0.08)
    assert sum(learned.weights[name] for name in FEW) < 0.3


@pytest.mark.parametrize("name", sorted(TEACHERS))
def test_every_teacher_values_every_mix_even_of_rows_with_unknowns_and_always_the_same(
    name: str,
) -> None:
    rows, mix, outcome, values = logged(1_500, 0.2)
    lesson = Lesson(
        rows=rows,
        mix=mix,
        outcome=outcome,
        scores=values + (outcome - 0.45)[:, None] / 100,
        outcomes=values,
        chances=chance_of_each(rows),
        seed=0,
    )
    fresh, *_, truth = logged(500, 0.2, seed=1)
    taught, again = (TEACHERS[name](lesson)(fresh) for _ in range(2))
    assert again.tobytes() == taught.tobytes()
    assert taught.shape == (500, 2)
    assert np.isfinite(taught).all()
    assert np.corrcoef(np.diff(taught, axis=1).ravel(), np.diff(truth, axis=1).ravel())[0, 1] > 0.5


@pytest.mark.parametrize("reached", [0.0, 1.0])
def test_where_everybody_had_the_same_outcome_no_mix_is_better(reached: float) -> None:
    rows, mix, outcome, _ = logged(600, 0.2)
    same = np.full_like(outcome, reached)
    logistic = {"logistic_s_learner": TEACHERS["logistic_s_learner"]}
    learned = learn(rows, mix, same, teachers=logistic, pairs=0, **QUICK)
    assert np.abs(np.diff(learned.values(rows), axis=1)).max() < 1e-6
    assert np.allclose(learned.values(rows), reached)


def test_the_pair_that_interacts_is_found() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(4_000, 4))
    mix = random.integers(0, 2, len(rows))
    chance = 0.5 + 0.4 * mix * np.sign(rows[:, 1] * rows[:, 3])
    outcome = (random.random(len(rows)) < chance).astype(np.float64)
    boosted = {"x_learner": TEACHERS["x_learner"]}
    learned = learn(rows, mix, outcome, teachers=boosted, pairs=1, **QUICK)
    assert learned.pairs == ((1, 3),)
    contrast = np.diff(learned.values(rows), axis=1).ravel()
    assert (np.sign(contrast) == np.sign(rows[:, 1] * rows[:, 3])).mean() > 0.9


def test_minutes_are_learned_where_enough_are_known_and_the_catalogues_elsewhere() -> None:
    rows, mix, outcome, _ = logged(3_000, 0.2)
    random = np.random.default_rng(1)
    minutes = 40 + 20 * (rows[:, 0] > 0) + random.normal(0, 2, len(rows))
    few = np.flatnonzero(mix == 1)[LEAST_CASES - 1 :]
    minutes[few] = np.nan
    spline = {"r_spline": FEW["r_spline"]}
    learned = learn(rows, mix, outcome, minutes, teachers=spline, pairs=0, **QUICK)
    found = learned.minutes(rows, np.array([5.0, 90.0]))
    assert found[rows[:, 0] > 0.2, 0].mean() == pytest.approx(60, abs=2)
    assert found[rows[:, 0] < -0.2, 0].mean() == pytest.approx(40, abs=2)
    assert (found[:, 1] == 90.0).all()


def test_minutes_that_nobody_gave_are_not_made_up() -> None:
    with pytest.raises(ValueError, match="minutes: none were given"):
        without_effects().minutes(np.zeros((2, 3)), np.array([5.0, 90.0]))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"rows": np.zeros(9)}, r"^rows: shape \(9,\), must be \(cases, features\)"),
        ({"outcome": np.full(100, 1.5)}, "^outcome: must be from 0 to 1"),
        ({"outcome": np.full(100, np.nan)}, "^outcome: must be from 0 to 1"),
        ({"outcome": np.zeros((100, 1))}, r"^outcome: shape \(100, 1\), must be \(100,\)"),
        ({"mix": np.full(100, 2)}, "^mix: numbers must be whole and run from 0 without a gap"),
        ({"mix": np.full(100, -1)}, "^mix: numbers"),
        ({"mix": np.zeros(99, np.int64)}, r"^mix: shape \(99,\)"),
        ({"minutes": np.full(100, -1.0)}, "^minutes: must be 0 or more"),
        ({"minutes": np.zeros(3)}, r"^minutes: shape \(3,\)"),
        ({"propensity": np.zeros(100)}, "^propensity: 0 of the logged mix in 100 cases, must be"),
        ({"propensity": np.full((99, 2), 0.5)}, r"^propensity: shape \(99, 2\)"),
        ({"propensity": np.full((2, 100), 0.5)}, r"^propensity: shape \(2, 100\)"),
        ({"confounders": np.full((100, 1), np.inf)}, "^confounders: must be finite"),
        ({"rows": np.zeros((0, 3))}, r"^rows: shape \(0, 3\), there are no cases; at least 10 of"),
        ({"rows": np.zeros((100, 0))}, r"^rows: shape \(100, 0\), must be \(cases, features\)"),
        ({"rows": None}, "^rows: is None; must be numbers"),
        ({"mix": None}, "^mix: is None; must be numbers of mixes, 0 to K-1"),
        ({"mix": ["a", "b"] * 50}, r"^mix: must be numbers of mixes, 0 to K-1 \(`PolicyLearner`"),
        ({"mix": np.array([0.0, 0.5] * 50)}, "^mix: numbers must be whole"),
        ({"mix": np.array([0.0, np.nan] * 50)}, "^mix: numbers must be whole"),
        ({"outcome": ["a"] * 100}, "^outcome: must be numbers, 0 to 1: could not"),
        ({"groups": np.zeros(3)}, r"^groups: shape \(3,\), must be \(100,\)"),
        ({"groups": [None] + [1] * 99}, "^groups: 1 are unknown; leave those cases out"),
        ({"jobs": 0}, "^jobs: 0, must be a whole number, 1 or more, or -1"),
        ({"seed": -1}, "^seed: -1, must be 0 to"),
        ({"seed": 1.5}, "^seed: 1.5, must be a whole number, 0 to"),
        ({"teachers": ["r_spline"]}, "^teachers: must be functions by name"),
        ({"pairs": 1.5}, "^pairs: 1.5, must be a whole number, 0 or more"),
        ({"folds": 2}, "^folds: 2, must be 3 to 10"),
        ({"folds": 11}, "^folds: 11, must be 3 to 10"),
    ],
)
def test_bad_arrays_are_refused_by_name(changed: dict[str, Floats], says: str) -> None:
    rows, mix, outcome, _ = logged(100, 0.1)
    arguments = {"rows": rows, "mix": mix, "outcome": outcome} | changed
    with pytest.raises(ValueError, match=says):
        learn(**arguments)  # type: ignore[arg-type] # of every kind, and wrong on purpose


@cache
def with_mixes_of(kind: type) -> Floats:
    rows, mix, outcome, _ = logged(300, 0.25)
    spline = {"r_spline": FEW["r_spline"]}
    given: Numbers = mix.astype(kind)
    return learn(rows, given, outcome, teachers=spline, pairs=0, **QUICK).values(rows)


@pytest.mark.parametrize("kind", [np.float64, np.uint8, np.bool_, object])
def test_numbers_of_mixes_may_be_of_any_type_that_holds_whole_ones(kind: type) -> None:
    assert (with_mixes_of(kind) == with_mixes_of(np.int64)).all()


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (np.zeros((5, 2)), r"^rows: shape \(5, 2\), must be \(cases, 3\), the columns that were"),
        (np.zeros(3), r"^rows: shape \(3,\), must be \(cases, 3\)"),
        ([["a"] * 3], "^rows: must be numbers, unknown as NaN"),
        (np.full((1, 3), np.inf), "^rows: must be finite, or NaN where unknown"),
        (None, "^rows: is None; must be numbers"),
    ],
)
def test_rows_of_another_shape_are_not_valued(rows: Any, says: str) -> None:
    learned = without_effects()
    for valued in (learned.values, learned.errors, learned.taught, learned.plausible):
        with pytest.raises(ValueError, match=says):
            valued(rows)


@pytest.mark.parametrize("known", [0, 3])
def test_a_column_that_no_case_or_hardly_any_knows_changes_next_to_nothing(known: int) -> None:
    rows, mix, outcome, _ = logged(700, 0.25)
    rare = np.full(len(rows), np.nan)
    # Of the first cases, as a field that is no longer logged.
    rare[:known] = np.arange(known)
    wider = np.column_stack([rows, rare])
    spline = {"r_spline": FEW["r_spline"]}

    def values(rows: Floats) -> Floats:
        options = {"pairs": 1, "calibrate": False, "teachers": spline, "confounders": rows}
        learned = learn(rows, mix, outcome, np.full(len(rows), 30.0), **options)  # type: ignore[arg-type]
        assert np.isfinite(learned.errors(rows)).all()
        return learned.values(rows)

    assert np.abs(values(wider) - values(rows)).mean() < 0.02


def test_rows_of_which_nothing_is_known_are_learned_from_by_every_teacher() -> None:
    rows, mix, outcome, _ = logged(500, 0.2)
    learned = learn(np.full_like(rows, np.nan), mix, outcome, calibrate=False)
    # Nothing tells the cases apart: each mix has one value for all.
    assert np.ptp(learned.values(rows), axis=0).max() < 1e-9
    assert np.isfinite(learned.errors(rows)).all()
