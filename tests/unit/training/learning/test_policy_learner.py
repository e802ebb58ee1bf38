"""The learner in scikit-learn's manner, and tables of any kind in."""

import pickle
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd  # type: ignore[import-untyped] # its stubs would be one more package
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from bench.conventions import QUICK, WithTwoArguments
from training import PolicyLearner, learn

COUNT = 240
# Those that fit little; `python -m bench.conventions` runs all.
CHECKS = {
    "check_estimator_cloneable",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_do_not_raise_errors_in_init_or_set_param",
    "check_estimators_unfitted",
    "check_requires_y_none",
    "check_complex_data",
    "check_estimator_sparse_tag",
    "check_estimators_empty_data_messages",
    "check_estimators_pickle",
}
NAMES = ("phone", "office")


@cache
def data() -> tuple[Any, Any, Any]:
    """Gives rows with gaps, labels, outcomes of 100 to 300: the office helps where a is high."""
    random = np.random.default_rng(5)
    rows = random.normal(size=(COUNT, 3))
    mix = random.integers(0, 2, COUNT)
    outcome = 200 + 60 * np.where(mix == 1, 1, -1) * np.sign(rows[:, 0])
    outcome += random.uniform(-40, 40, COUNT)
    rows[random.random((COUNT, 3)) < 0.05] = np.nan
    return rows, np.array(NAMES)[mix], outcome


@cache
def fitted() -> PolicyLearner:
    return PolicyLearner(**QUICK).fit(*data())


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pytest.param(estimator, check, id=check.func.__name__)
        for estimator, check in estimator_checks_generator(WithTwoArguments(**QUICK))
        if check.func.__name__ in CHECKS
    ],
)
def test_it_keeps_scikit_learns_conventions(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def test_values_are_in_units_of_the_outcome_and_the_best_mix_is_one_of_the_labels() -> None:
    rows = data()[0]
    learner = fitted()
    assert set(learner.predict(rows)) <= set(NAMES) == set(learner.classes_)
    values = learner.predict_values(rows)
    assert 0 < values.min() < 150
    assert 250 < values.max() < 400
    assert (learner.predict_errors(rows) >= 0).all()
    effect = learner.effect(rows, T0="phone", T1="office")
    # Sorted labels: the office is the first.
    assert effect == pytest.approx(values[:, 0] - values[:, 1])
    known = ~np.isnan(rows[:, 0])
    assert np.corrcoef(effect[known], rows[known, 0])[0, 1] > 0.5


@pytest.mark.parametrize(
    ("table", "column"), [(pd.DataFrame, pd.Series), (pl.DataFrame, pl.Series)]
)
def test_frames_and_columns_of_pandas_and_polars_are_read(table: Any, column: Any) -> None:
    rows, mix, _ = data()
    frame = table(dict(zip("abc", rows.T, strict=True)))
    # It was fitted without names, and says so.
    with pytest.warns(UserWarning, match="X has feature names"):
        assert (fitted().predict_values(frame) == fitted().predict_values(rows)).all()
    # What it says of the outcome, it says after all was read.
    with pytest.raises(ValueError, match="outcome: must be from 0 to 1"):
        learn(frame, column((mix == "phone").tolist(), dtype=int), column([2.0] * COUNT))
    with pytest.raises(ValueError, match=r"rows: columns 'a' hold .*; must be numbers"):
        learn(table({"a": ["x"] * COUNT}), column([0, 1] * 120), column([0.5] * COUNT))


def test_it_works_in_a_pipeline_and_survives_cloning_pickle_and_joblib(tmp_path: Path) -> None:
    rows, mix, outcome = data()
    frame = pd.DataFrame(rows, columns=["a", "b", "c"])
    pipeline = make_pipeline(StandardScaler(), clone(PolicyLearner(**QUICK)))
    pipeline.set_output(transform="pandas")
    pipeline.fit(frame, pd.Series(mix), policylearner__outcome=pd.Series(outcome))
    assert pipeline[-1].feature_names_in_.tolist() == ["a", "b", "c"]
    best = pipeline.predict(frame)
    assert (pickle.loads(pickle.dumps(pipeline)).predict(frame) == best).all()
    joblib.dump(fitted().learned_, tmp_path / "learned.joblib")
    read = joblib.load(tmp_path / "learned.joblib")
    assert (read.errors(rows) == fitted().learned_.errors(rows)).all()
    with pytest.raises(ValueError, match="stacks: were not stored"):
        read.taught(rows)
    # As workers share it: none of its arrays can be written.
    joblib.dump(fitted(), tmp_path / "learner.joblib")
    shared = joblib.load(tmp_path / "learner.joblib", mmap_mode="r")
    assert (shared.predict_values(rows) == fitted().predict_values(rows)).all()


def test_cases_of_a_person_stay_in_one_fold_and_weigh_as_told() -> None:
    rows, mix, outcome = data()
    persons = np.arange(COUNT) // 3
    weights = np.where(persons < 40, 1.0, 3.0)
    learner = PolicyLearner(**QUICK)
    learner.fit(rows, mix, outcome, groups=persons, sample_weight=weights)
    # The weights' mean is two, and copies of a person's cases stand side by side: of one fold, it
    # changes between eighty persons alone.
    fold = learner.learned_.fold
    assert len(fold) == COUNT
    assert 0 < np.count_nonzero(np.diff(fold)) < 80


def test_cases_of_weight_0_are_as_if_they_were_not_there() -> None:
    rows, mix, outcome = data()
    persons = np.arange(COUNT) // 3
    weights = np.where(persons % 2, 1.0, 2.0)
    chances = np.full(COUNT, 0.5)
    # Of weight 0 and of everything that would be refused, or would change what is learned.
    nowhere = np.full((3, 3), np.inf)
    added = {
        "X": np.concatenate([nowhere, rows]),
        "mix": np.concatenate([[None, "video", "office"], mix]),
        "outcome": np.concatenate([[1e12, np.nan, -np.inf], outcome]),
        "propensity": np.concatenate([[0.0, 1e-9, np.nan], chances]),
        "confounders": np.concatenate([nowhere, rows**2]),
        "groups": np.concatenate([[np.nan, 0, 0], persons]),
    }
    alone = {
        "X": rows,
        "mix": mix,
        "outcome": outcome,
        "propensity": chances,
        "confounders": rows**2,
        "groups": persons,
    }
    for others in (weights, np.ones(COUNT)):
        with_them = PolicyLearner(**QUICK).fit(
            **added, sample_weight=np.concatenate([np.zeros(3), others])
        )
        without = PolicyLearner(**QUICK).fit(**alone, sample_weight=others)
        assert with_them.outcome_range_ == without.outcome_range_
        assert with_them.classes_.tolist() == without.classes_.tolist()
        assert (with_them.predict_values(rows) == without.predict_values(rows)).all()
        assert (with_them.predict_errors(rows) == without.predict_errors(rows)).all()
    # Equal weights are none.
    none = PolicyLearner(**QUICK).fit(**alone)
    assert (none.predict_values(rows) == without.predict_values(rows)).all()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"mix": ["rare"] * 2 + ["phone", "office"] * 119}, "mix: 'rare' has 2 cases; at least 10"),
        ({"outcome": np.ones(COUNT)}, "outcome: all are 1; there is nothing to learn"),
        ({"outcome": np.full(COUNT, np.nan)}, "outcome contains NaN"),
        ({"sample_weight": -np.ones(COUNT)}, "sample_weight: must be 0 or more"),
        ({"mix": [None] * 3 + ["phone", "office", "phone"] * 79}, "mix: 3 are unknown; leave"),
        ({"mix": pd.array([pd.NA, *["a", "b"] * 119, "a"])}, "mix: 1 are unknown; leave"),
        ({"groups": [float("nan"), *range(COUNT - 1)]}, "groups: 1 are unknown; leave"),
        (
            {"sample_weight": np.where(np.array(data()[1]) == "phone", 0.0, 1.0)},
            "mix: all cases of a weight above 0 have 'office'; at least two mixes are needed",
        ),
        (
            {"sample_weight": np.where(np.array(data()[1]) == "phone", 1e-9, 1.0)},
            "sample_weight: the weights leave 'phone' [01] cases; at least 10",
        ),
        ({"mix": None}, r"^mix: is None; must be labels, \(240,\)"),
        ({"mix": data()[1][1:]}, r"^mix: shape \(239,\), must be \(240,\), one for each row"),
        ({"mix": [1, "b"] * 120}, "^mix: holds 'b' and 1, must be all texts or all numbers"),
        ({"mix": [[1], [2, 3]] * 120}, r"^mix: must be labels, \(240,\): "),
        ({"mix": ["phone"] * COUNT}, "^mix: all cases have 'phone'; at least two mixes"),
        ({"outcome": None}, r"^outcome: is None; must be finite numbers, \(240,\)"),
        ({"outcome": np.ones((COUNT, 2))}, r"^outcome: shape \(240, 2\), must be \(240,\)"),
        ({"outcome": data()[2][1:]}, r"^outcome: shape \(239,\), must be \(240,\)"),
        ({"outcome": ["good"] * COUNT}, r"^outcome: must be finite numbers, \(240,\): could not"),
        ({"outcome": np.zeros(COUNT, "M8[D]")}, "^outcome: holds times; must be numbers"),
        ({"outcome": np.ones(COUNT, complex)}, "^outcome: holds complex numbers; must be finite"),
        ({"sample_weight": np.ones(COUNT - 1)}, r"^sample_weight: shape \(239,\), must be"),
        ({"sample_weight": np.ones((COUNT, 2))}, r"^sample_weight: shape \(240, 2\), must be"),
        ({"sample_weight": ["x"] * COUNT}, "^sample_weight: must be numbers, 0 or more, finite"),
        ({"sample_weight": np.full(COUNT, np.nan)}, "^sample_weight: must be 0 or more, finite"),
        ({"sample_weight": 2.0}, r"^sample_weight: shape \(\), must be \(240,\)"),
        ({"groups": np.arange(COUNT - 1)}, r"^groups: shape \(239,\), must be \(240,\)"),
        ({"groups": np.zeros((COUNT, 2))}, r"^groups: shape \(240, 2\), must be \(240,\)"),
        ({"groups": [1, "b"] * 120}, "^groups: holds 'b' and 1, must be all texts or all numbers"),
        ({"propensity": np.ones(COUNT - 1)}, r"^propensity: shape \(239,\), must be \(240,\)"),
        ({"propensity": 0.5}, r"^propensity: shape \(\), must be \(240,\)"),
        ({"confounders": np.ones(COUNT - 1)}, r"^confounders: shape \(239, 1\), must be \(240, c"),
        ({"confounders": ["x"] * COUNT}, "^confounders: must be numbers, unknown as NaN"),
        ({"X": data()[0][0]}, "^X: Expected 2D array, got 1D array"),
        ({"X": np.where(data()[0] > 2, np.inf, data()[0])}, "^Input X contains infinity"),
        ({"groups": np.zeros(COUNT)}, "groups: are 1; at least 10 are needed"),
        ({"X": np.array([["a"]] * COUNT)}, "^X: could not convert string to float"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_by_its_name(
    changes: dict[str, Any], says: str
) -> None:
    given = dict(zip(("X", "mix", "outcome"), data(), strict=True)) | changes
    with pytest.raises(ValueError, match=says):
        PolicyLearner(**QUICK).fit(**given)


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"folds": "3"}, "^folds: '3', must be a whole number, 3 to 10"),
        ({"folds": 4.5}, "^folds: 4.5, must be a whole number, 3 to 10"),
        ({"folds": 2}, "^folds: 2, must be 3 to 10"),
        ({"folds": True}, "^folds: True, must be a whole number, 3 to 10"),
        ({"pairs": "4"}, "^pairs: '4', must be a whole number, 0 or more"),
        ({"pairs": -1}, "^pairs: -1, must be 0 or more"),
        ({"n_jobs": 0}, "^n_jobs: 0, must be a whole number, 1 or more, or -1"),
        ({"n_jobs": 1.5}, "^n_jobs: 1.5, must be a whole number, 1 or more, or -1"),
        ({"calibrate": "no"}, "^calibrate: 'no', must be True or False"),
        ({"monotone": 1}, "^monotone: must be 0 or 1 for each of 3 features"),
        ({"monotone": ["x"] * 3}, "^monotone: must be 0 or 1 for each of 3 features"),
        ({"monotone": [0, 1]}, "^monotone: must be 0 or 1 for each of 3 features"),
        ({"teachers": 5}, "^teachers: 5 must be in a list of names"),
        ({"teachers": "r_spline"}, "^teachers: 'r_spline' must be in a list of names"),
        ({"teachers": [["r_spline"]]}, r"^teachers: \['r_spline'\] is none; known are"),
        ({"teachers": []}, "^teachers: there are none; at least one is needed"),
        ({"random_state": "x"}, "^random_state: 'x', must be a whole number, 0 to"),
        ({"random_state": -1}, "^random_state: -1, must be a whole number, 0 to"),
        ({"watch": "x"}, "^watch: 'x' must be a function of phase, parts done and of"),
    ],
)
def test_options_that_cannot_be_are_refused_by_name(option: dict[str, Any], says: str) -> None:
    with pytest.raises((TypeError, ValueError), match=says):
        PolicyLearner(**QUICK | option).fit(*data())


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("argument", ["X", "confounders"])
def test_columns_of_texts_are_refused_by_their_names(
    frame: Callable[..., Any], argument: str
) -> None:
    table = frame({"age": [30.0] * COUNT, "sex": ["m"] * COUNT, "town": ["Bodø"] * COUNT})
    rows, mix, outcome = data()
    given = {"X": rows, "mix": mix, "outcome": outcome} | {argument: table}
    with pytest.raises(ValueError, match=f"^{argument}: columns 'sex', 'town' hold other values"):
        PolicyLearner().fit(**given)


def test_rows_to_predict_are_refused_by_name() -> None:
    rows = data()[0]
    for wrong, says in (
        (rows[:, :2], "X has 2 features"),
        (rows[0], "^X: Expected 2D array"),
        ([["a"] * 3], "^X: could not convert string to float"),
    ):
        with pytest.raises(ValueError, match=says):
            fitted().predict(wrong)


def test_an_effect_may_be_asked_for_between_other_mixes_in_each_case() -> None:
    rows, learner = data()[0], fitted()
    base = ["phone" if number % 2 else "office" for number in range(len(rows))]
    for given in (base, np.array(base), pd.Series(base)):
        effect = learner.effect(rows, T0=given, T1="office")
        assert (effect[::2] == 0).all()
        assert np.array_equal(effect[1::2], learner.effect(rows, T0="phone", T1="office")[1::2])
    with pytest.raises(ValueError, match=r"T1: has shape \(2,\); give one mix, or one for each of"):
        learner.effect(rows, T0="phone", T1=["phone", "office"])


def test_a_mix_that_was_not_learned_has_no_effect() -> None:
    with pytest.raises(ValueError, match="T1: 'video' was not learned"):
        fitted().effect(data()[0], T0="phone", T1="video")
    with pytest.raises(ValueError, match="teachers: 'nobody' is none"):
        PolicyLearner(teachers=("nobody",)).fit(*data())
