"""Calibrated errors: intervals that cover the truth nine times in ten, where it is known."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from training import learn
from training.learning.error_scale import COVERAGE, UNSEEN, error_scale, unseen_effects
from training.learning.learned import Learned, jackknife
from training.learning.scores import Floats, Numbers
from training.learning.stack import centred
from training.learning.teachers import TEACHERS

CASES, MIXES, FOLDS = 2_000, 3, 5
SLOPES = np.zeros((MIXES, 8))
SLOPES[1, 0], SLOPES[2, 1], SLOPES[2, 2] = 0.1, -0.08, 0.05
NINETY = 1.645


def drawn(seed: int, cases: int = CASES) -> tuple[Floats, Numbers, Floats, Floats]:
    """Draws rows, mix, outcome and true values of a randomised log with straight effects."""
    random = np.random.default_rng(seed)
    rows = np.clip(random.normal(size=(cases, 8)), -2, 2)
    values = 0.45 + rows @ SLOPES.T + np.array([0.0, 0.02, 0.05])
    mix = random.integers(0, MIXES, cases)
    outcome = (random.random(cases) < values[np.arange(cases), mix]).astype(np.float64)
    return rows, mix, outcome, values


@dataclass(frozen=True)
class Lines:
    """One fold's straight lines, one a mix."""

    coefficients: Floats

    @property
    def features(self) -> int:
        return int(self.coefficients.shape[1]) - 1

    def values(self, rows: Floats) -> Floats:
        values: Floats = np.column_stack([np.ones(len(rows)), rows]) @ self.coefficients.T
        return values

    def contrasts(self, rows: Floats) -> Floats:
        return centred(self.values(rows))


def straight(rows: Floats, mix: Numbers, outcome: Floats, *, spread: float = 1.0) -> Learned:
    """Fits least squares for each mix and fold; `spread` widens the folds around their mean."""
    fold = np.arange(len(rows)) % FOLDS
    found = np.empty((FOLDS, MIXES, rows.shape[1] + 1))
    for held in range(FOLDS):
        for number in range(MIXES):
            own = (fold != held) & (mix == number)
            design = np.column_stack([np.ones(own.sum()), rows[own]])
            found[held, number] = np.linalg.lstsq(design, outcome[own], rcond=None)[0]
    mean = found.mean(axis=0)
    students = tuple(Lines(mean + spread * (one - mean)) for one in found)
    contrasts = tuple(one.contrasts for one in students)
    return Learned(
        students=students,  # type: ignore[arg-type] # lines in the place of boosted students
        stacks=contrasts,
        plausible_stacks=contrasts,
        weights={},
        scores=np.zeros((len(rows), MIXES)),
        chances=np.full((len(rows), MIXES), 1 / MIXES),
        fold=fold,
        pairs=(),
    )


def scale_of(
    learned: Learned, rows: Floats, mix: Numbers, outcome: Floats, *, spread: float = 1.0
) -> float:
    def again(kept: Numbers, anew: Floats) -> Learned:
        return straight(rows[kept], mix[kept], anew, spread=spread)

    return error_scale(learned, rows, mix, outcome, again, 0)


def covered(learned: Learned, rows: Floats, values: Floats) -> float:
    """Gives the share of contrasts to the first mix whose 90 % interval holds the truth."""
    found = learned.fold_values(rows)
    contrasts = found[:, 1:] - found[:, :1]
    error = learned.error_scale * jackknife(contrasts)
    missed = np.abs(contrasts.mean(axis=2) - (values[:, 1:] - values[:, :1]))
    return float((missed <= NINETY * error).mean())


@pytest.mark.parametrize(
    "spread", [1.0, 0.3], ids=["folds as they are", "folds that agree too much"]
)
def test_ninety_per_cent_intervals_cover_the_truth_about_nine_times_in_ten(spread: float) -> None:
    shares = []
    for seed in range(30):
        rows, mix, outcome, values = drawn(seed)
        learned = straight(rows, mix, outcome, spread=spread)
        scaled = learned.with_error_scale(scale_of(learned, rows, mix, outcome, spread=spread))
        shares.append((covered(learned, rows, values), covered(scaled, rows, values)))
    before, after = np.mean(shares, axis=0)
    assert after == pytest.approx(COVERAGE, abs=0.03)
    assert before < after


def test_folds_that_agree_three_times_too_much_get_three_times_the_scale() -> None:
    rows, mix, outcome, _ = drawn(0)
    plain, narrow = (
        scale_of(straight(rows, mix, outcome, spread=spread), rows, mix, outcome)
        for spread in (1.0, 1 / 3)
    )
    assert narrow == pytest.approx(3 * plain)


def test_the_scale_is_bounded_where_the_folds_say_nothing_or_far_too_much() -> None:
    rows, mix, outcome, _ = drawn(0)
    for spread, scale in ((0.0, 10.0), (1_000.0, 1.0)):
        assert scale_of(straight(rows, mix, outcome, spread=spread), rows, mix, outcome) == scale


def test_an_outcome_between_0_and_1_keeps_its_own_noise() -> None:
    rows, mix, _, values = drawn(0)
    exact = values[np.arange(CASES), mix]
    learned = straight(rows, mix, exact)
    seen: list[Floats] = []

    def again(kept: Numbers, anew: Floats) -> Learned:
        seen.append(anew)
        return straight(rows[kept], mix[kept], anew)

    error_scale(learned, rows, mix, exact, again, 0)
    assert np.abs(seen[0] - exact).max() < 5 * UNSEEN  # nobody's outcome became 0 or 1


def test_equal_seeds_give_equal_scales() -> None:
    rows, mix, outcome, _ = drawn(0)
    learned = straight(rows, mix, outcome)
    assert scale_of(learned, rows, mix, outcome) == scale_of(learned, rows, mix, outcome)


def test_standard_errors_grow_with_the_scale_and_values_do_not_move() -> None:
    rows, mix, outcome, _ = drawn(0)
    learned = straight(rows, mix, outcome)
    wider = learned.with_error_scale(2.5)
    assert np.allclose(wider.errors(rows), 2.5 * learned.errors(rows))
    assert np.array_equal(wider.values(rows), learned.values(rows))


def test_the_jackknife_of_means_without_a_fold_is_the_standard_error_of_the_mean() -> None:
    random = np.random.default_rng(0)
    groups = random.normal(size=(2_000, FOLDS))
    without = (groups.sum(axis=1, keepdims=True) - groups) / (FOLDS - 1)
    assert np.allclose(jackknife(without), groups.std(axis=1, ddof=1) / np.sqrt(FOLDS))


def test_what_is_learned_is_calibrated_unless_that_is_declined() -> None:
    cases, random = 4_000, np.random.default_rng(1)
    rows = random.normal(size=(cases, 3))
    values = 0.45 + 0.25 * np.column_stack(
        [np.zeros(cases), np.tanh(rows[:, 0]), -np.tanh(rows[:, 1])]
    )
    mix = random.integers(0, MIXES, cases)
    outcome = (random.random(cases) < values[np.arange(cases), mix]).astype(np.float64)
    spline = {"r_spline": TEACHERS["r_spline"]}
    learned = learn(rows, mix, outcome, teachers=spline, pairs=0, folds=3)
    declined = replace(learned, error_scale=1.0)
    assert learned.error_scale > 1
    assert covered(declined, rows, values) < covered(learned, rows, values)
    assert covered(learned, rows, values) > 0.85
    few = rows[:300], mix[:300], outcome[:300]
    assert learn(*few, teachers=spline, pairs=0, calibrate=False, folds=3).error_scale == 1.0


def test_a_column_that_is_unknown_throughout_has_no_unseen_effect() -> None:
    rows = np.random.default_rng(0).normal(size=(500, 2))
    rows[:, 1] = np.nan
    effects = unseen_effects(rows, 3, np.random.default_rng(1))
    assert np.isfinite(effects).all()
    assert (unseen_effects(rows * np.nan, 3, np.random.default_rng(1)) == 0).all()
