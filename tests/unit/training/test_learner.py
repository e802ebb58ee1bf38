"""The learner on arrays whose truth is known."""

import numpy as np
import pytest

from training import learn
from training.scores import Floats, Numbers
from training.teachers import TEACHERS, Lesson, Values

FEW = {name: TEACHERS[name] for name in ("constant", "x_learner", "dr_linear")}


def logged(cases: int, effect: float, seed: int = 0) -> tuple[Floats, Numbers, Floats, Floats]:
    """Rows, mix, outcome and the true values; mix 1 helps where column 0 is high, and is chosen more there."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(cases, 3))
    rows[random.random(cases) < 0.05, 1] = np.nan
    values = np.column_stack([np.full(cases, 0.45), 0.45 + effect * np.sign(rows[:, 0])])
    mix = (random.random(cases) < np.where(rows[:, 0] > 0, 0.7, 0.3)).astype(np.int64)
    outcome = (random.random(cases) < values[np.arange(cases), mix]).astype(np.float64)
    return rows, mix, outcome, values


def test_it_finds_for_whom_each_mix_is_best_in_spite_of_confounding() -> None:
    rows, mix, outcome, _ = logged(6_000, 0.25)
    learned = learn(rows, mix, outcome, teachers=FEW, pairs=1)
    fresh, _, _, values = logged(2_000, 0.25, seed=1)
    assert (learned.values(fresh).argmax(axis=1) == values.argmax(axis=1)).mean() > 0.9


def test_equal_arguments_give_equal_values() -> None:
    rows, mix, outcome, _ = logged(1_500, 0.2)
    first, second = (learn(rows, mix, outcome, teachers=FEW, pairs=1, jobs=jobs) for jobs in (1, 2))
    assert np.array_equal(first.fold_values(rows), second.fold_values(rows))


def test_without_effects_it_does_not_pretend() -> None:
    rows, mix, outcome, _ = logged(6_000, 0.0)
    learned = learn(rows, mix, outcome, teachers=FEW, pairs=0)
    contrast = np.diff(learned.values(rows), axis=1)
    assert np.abs(contrast).mean() < 0.05


def test_the_known_propensity_may_be_given() -> None:
    rows, mix, outcome, values = logged(4_000, 0.25)
    chance = np.where((rows[:, 0] > 0) == (mix == 1), 0.7, 0.3)
    learned = learn(rows, mix, outcome, propensity=chance, teachers=FEW, pairs=0)
    assert (learned.values(rows).argmax(axis=1) == values.argmax(axis=1)).mean() > 0.9


def test_a_teacher_is_added_by_adding_a_function() -> None:
    def knows(lesson: Lesson) -> Values:
        return lambda rows: np.column_stack([np.zeros(len(rows)), np.sign(rows[:, 0])])

    rows, mix, outcome, _ = logged(4_000, 0.25)
    learned = learn(rows, mix, outcome, teachers={"constant": TEACHERS["constant"], "knows": knows}, pairs=0)
    assert learned.weights["knows"] == pytest.approx(0.25, abs=0.05)
    assert learned.weights["constant"] >= 0


@pytest.mark.parametrize("name", sorted(TEACHERS))
def test_every_teacher_values_every_mix_even_of_rows_with_unknowns(name: str) -> None:
    rows, mix, outcome, _ = logged(1_500, 0.2)
    learned = learn(rows, mix, outcome, teachers={name: TEACHERS[name]}, pairs=0)
    taught = learned.taught(rows)
    assert taught.shape == (1_500, 2)
    assert np.isfinite(taught).all()
    assert (learned.errors(rows) >= 0).all()
    assert name == "constant" or learned.weights[name] > 0


def test_the_pair_that_interacts_is_found() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(6_000, 4))
    mix = random.integers(0, 2, len(rows))
    chance = 0.5 + 0.4 * mix * np.sign(rows[:, 1] * rows[:, 3])
    outcome = (random.random(len(rows)) < chance).astype(np.float64)
    learned = learn(rows, mix, outcome, teachers=FEW, pairs=1)
    assert learned.pairs == ((1, 3),)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"rows": np.zeros(9)}, "rows"),
        ({"outcome": np.full(100, 1.5)}, "outcome"),
        ({"outcome": np.full(100, np.nan)}, "outcome"),
        ({"mix": np.full(100, 2)}, "mix"),
        ({"mix": np.zeros(99, np.int64)}, "mix"),
        ({"propensity": np.zeros(100)}, "propensity"),
    ],
)
def test_bad_arrays_are_refused_by_name(changed: dict[str, Floats], says: str) -> None:
    rows, mix, outcome, _ = logged(100, 0.1)
    arguments = {"rows": rows, "mix": mix, "outcome": outcome, "propensity": np.full(100, 0.5), **changed}
    propensity = arguments.pop("propensity")
    with pytest.raises(ValueError, match=f"^{says}:"):
        learn(arguments["rows"], arguments["mix"], arguments["outcome"], propensity=propensity)  # type: ignore[arg-type]
