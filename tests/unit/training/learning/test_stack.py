"""The stack: how much each teacher is believed, judged on cases that it never saw."""

import numpy as np
import pytest

from training.learning.scores import Floats
from training.learning.stack import centred, stack_weights, stacked
from training.learning.teachers import Values

CASES, MIXES = 20_000, 3


def true_values(rows: Floats, effect: float) -> Floats:
    """Makes mix 1 worth more where the first column is high, mix 2 a little more for all."""
    more = effect * np.tanh(rows[:, 0])
    values: Floats = 0.5 + np.column_stack([np.zeros(len(rows)), more, np.full(len(rows), 0.05)])
    return values


def says(effect: float) -> Values:
    """Gives a teacher who holds that the effect is so large."""
    return lambda rows: true_values(rows, effect)


def guesses(rows: Floats) -> Floats:
    """Gives a teacher whose values have nothing to do with the truth."""
    guessed: Floats = 0.1 * np.cos(rows[:, 1:2] * np.array([1.0, 2.0, 3.0]))
    return guessed


def stack_of(*teachers: Values, effect: float) -> tuple[Floats, Floats]:
    """Gives weights, and the stack's contrasts to mix 0 for fresh rows.

    Learned from a randomised log with known values.
    """
    random = np.random.default_rng(5)
    rows, fresh = random.normal(size=(2, CASES, 2))
    mix = random.integers(0, MIXES, CASES)
    true = true_values(rows, effect)
    outcome = (random.random(CASES) < true[np.arange(CASES), mix]).astype(np.float64)
    unseen = np.stack([centred(teacher(rows)) for teacher in teachers])
    offsets = unseen.mean(axis=1)
    weights, _ = stack_weights(
        unseen - offsets[:, None],
        np.tile(true.mean(axis=0), (CASES, 1)),
        np.full((CASES, MIXES), 1 / MIXES),
        true.mean(axis=1),
        mix,
        outcome,
    )
    values = stacked(teachers, weights, offsets, true.mean(axis=0))(fresh)
    assert np.allclose(values.mean(axis=1), 0)
    return weights, np.column_stack([values[:, 1:] - values[:, :1], np.tanh(fresh[:, :1])])


def slope(contrasts: Floats) -> float:
    """Measures how the contrast of mix 1 rises with the column that the truth rises with."""
    return float(np.polyfit(contrasts[:, 2], contrasts[:, 0], 1)[0])


def test_a_teacher_who_knows_the_effects_is_believed_and_one_who_guesses_is_not() -> None:
    weights, contrasts = stack_of(says(0.2), guesses, effect=0.2)
    assert slope(contrasts) == pytest.approx(0.2, abs=0.03)
    assert np.mean(weights[1]) < 0.1 * np.mean(weights[0])
    assert np.abs(contrasts[:, 1] - 0.05).mean() < 0.02


@pytest.mark.parametrize("factor", [0.5, 4.0])
def test_a_teacher_who_says_too_much_or_too_little_is_brought_to_the_truth(factor: float) -> None:
    _, contrasts = stack_of(says(factor * 0.2), effect=0.2)
    assert slope(contrasts) == pytest.approx(0.2, abs=0.03)


def test_a_teacher_who_says_the_opposite_has_no_weight_and_never_a_negative_one() -> None:
    weights, contrasts = stack_of(says(-0.2), guesses, effect=0.2)
    assert (weights >= 0).all()
    assert slope(contrasts) == pytest.approx(0, abs=0.01)


def test_two_teachers_who_say_the_same_are_believed_as_one() -> None:
    _, once = stack_of(says(0.2), effect=0.2)
    _, twice = stack_of(says(0.2), says(0.2), effect=0.2)
    assert slope(twice) == pytest.approx(slope(once), abs=0.02)


def test_where_effects_do_not_vary_nobody_has_weight_to_speak_of() -> None:
    _, contrasts = stack_of(says(0.2), guesses, effect=0.0)
    assert contrasts[:, 0].std() < 0.01
    assert contrasts[:, 1].std() < 0.01


def test_what_mixes_are_worth_on_average_is_nobodys_merit() -> None:
    def average(rows: Floats) -> Floats:
        return np.tile([0.0, 0.3, 0.6], (len(rows), 1))

    _, contrasts = stack_of(average, effect=0.0)
    assert np.allclose(contrasts[:, :2], contrasts[0, :2])
    assert contrasts[0, :2] == pytest.approx([0.0, 0.05], abs=1e-9)
