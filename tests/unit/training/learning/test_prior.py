"""What is known beforehand, and how far a log bears it out."""

import numpy as np
import pytest

from training import learn
from training.learning.prior import CONFLICT, Prior, believed, joined_means, shrunk_means
from training.learning.scores import Floats, Numbers
from training.learning.teachers import TEACHERS

FEW = {name: TEACHERS[name] for name in ("r_spline",)}


def logged(cases: int, effect: float) -> tuple[Floats, Numbers, Floats]:
    """Gives rows, mix and outcome: mix 1 helps where column 0 is 1 and harms where it is 0."""
    random = np.random.default_rng(1)
    rows = random.integers(0, 2, (cases, 2)).astype(np.float64)
    mix = random.integers(0, 2, cases)
    chance = 0.5 + effect * mix * (2 * rows[:, 0] - 1)
    return rows, mix, (random.random(cases) < chance).astype(np.float64)


def says(effect: float) -> Prior:
    """Gives a prior that says so of mix 1, with an error of a point."""
    table = np.zeros((3, 2, 2))
    table[1:, 1] += np.array([-effect, effect])[:, None]
    intercept = np.array([[0.01, -0.01], [-0.01, 0.01]])
    return Prior(
        numbers=(np.array([0.0, 1.0]), np.zeros(0)),
        tables=(table, np.zeros((1, 2, 2))),
        intercept=intercept,
    )


def apart(prior: Prior | None, effect: float) -> float:
    """Gives by how much mix 1 is learned to be worth more to some than to others."""
    rows, mix, outcome = logged(2_000, effect)
    learned = learn(rows, mix, outcome, teachers=FEW, pairs=0, prior=prior, calibrate=False)
    some, others = np.diff(learned.values(np.array([[1.0, 0.0], [0.0, 0.0]])), axis=1)[:, 0]
    return float(some - others)


def test_what_a_small_log_cannot_show_is_learned_from_a_prior_that_says_it() -> None:
    assert apart(None, 0.03) < 0.01
    assert apart(says(0.03), 0.03) == pytest.approx(0.05, abs=0.02)


def test_a_prior_that_the_log_denies_is_not_believed() -> None:
    assert abs(apart(says(-0.15), 0.15) - apart(None, 0.15)) < 0.02


def test_belief_follows_the_log_as_far_as_it_can_tell() -> None:
    assert believed(3.0, 100.0) == pytest.approx(0.8, abs=0.05)
    assert believed(0.5, 0.01) == pytest.approx(0.5, abs=0.01)
    assert believed(-2.0, 0.1) == 0.0
    assert believed(0.0, np.inf) == 0.0


def test_means_are_weighed_by_their_precision() -> None:
    logged, known = np.array([[-0.02, 0.02]]), np.array([-0.01, 0.01])
    covariance = np.array([[1.0, -1.0], [-1.0, 1.0]]) * 0.01**2
    means, distance = joined_means(logged, 3 * covariance, known, covariance)
    assert means == pytest.approx(np.array([[-0.0125, 0.0125]]))
    assert distance < 1


def test_means_that_contradict_each_other_are_found_out() -> None:
    logged, known = np.array([[-0.05, 0.05]]), np.array([0.05, -0.05])
    covariance = np.array([[1.0, -1.0], [-1.0, 1.0]]) * 0.01**2
    _, distance = joined_means(logged, covariance, known, covariance)
    assert distance > CONFLICT
    # And what is denied of mixes is hardly believed of people.
    assert believed(0.0, 1.0, denied=True) < 0.1 < believed(0.0, 1.0)


def test_means_within_their_errors_are_drawn_together_and_keep_their_order() -> None:
    means, errors = np.array([[-0.01, 0.0, 0.01]]), np.eye(3) * 0.01**2
    drawn = shrunk_means(means, errors)
    assert np.abs(drawn).max() < 0.002
    assert (np.diff(drawn) > 0).all()
    # What the errors cannot have parted stays.
    assert shrunk_means(means, errors / 1e4) == pytest.approx(means, rel=0.01)
