"""Heterogeneity, calibration and fidelity, where it is known whether effects vary."""

import numpy as np
import pytest

from tests.unit.training.evaluation.log_builder import a_log
from training.evaluation.heterogeneity import calibration, fidelity, heterogeneity, reliability
from training.learning.scores import Floats


def test_without_heterogeneity_the_test_rejects_about_one_time_in_twenty() -> None:
    found = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x = rng.normal(0, 1, (400, 2))
        predicted = np.column_stack([x[:, 0], -x[:, 1], x[:, 0] * x[:, 1]])
        noise = rng.normal(0, 1, (400, 3)) * np.exp(0.5 * x[:, :1])
        scores = np.array([0.3, 0.4, 0.5]) + 0.2 * x[:, :1] + noise
        permitted = np.ones((400, 3), bool)
        permitted[x[:, 1] > 1, 0] = False
        found.append(
            heterogeneity(predicted, scores, permitted, permutations=99, seed=seed).p_value
        )
    assert 0.01 <= np.mean(np.array(found) <= 0.05) <= 0.10
    assert 0.42 <= np.mean(found) <= 0.58


def test_clear_heterogeneity_is_found() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(0, 1, 2000)
    true = np.column_stack([0 * x, 0.2 * x])
    found = heterogeneity(
        true, true + rng.normal(0, 1, (2000, 2)), np.ones((2000, 2), bool), permutations=199
    )
    assert found.found
    assert found.p_value == pytest.approx(1 / 200)


def test_predictions_that_do_not_vary_find_nothing() -> None:
    scores = np.random.default_rng(9).normal(0, 1, (300, 2))
    found = heterogeneity(
        np.tile([0.1, 0.2], (300, 1)), scores, np.ones((300, 2), bool), permutations=49
    )
    assert not found.found
    assert found.p_value == 1


def test_calibration_sees_predictions_that_are_true_too_bold_or_off() -> None:
    rng = np.random.default_rng(10)
    true = rng.normal(0.02, 0.05, 40_000)
    observed = true + rng.normal(0, 0.5, 40_000)
    right, bold, off = (calibration(one, observed) for one in (true, 3 * true, true + 0.1))
    assert right.slope.low < 1 < right.slope.high
    assert right.error < 0.01
    assert bold.slope.high < 0.5
    assert off.error == pytest.approx(0.1, abs=0.01)
    assert [tenth.cases for tenth in right.tenths] == [4000] * 10


def test_right_probabilities_are_told_from_ones_that_are_too_high() -> None:
    rng = np.random.default_rng(12)
    true = rng.uniform(0.1, 0.8, 40_000)
    outcome = (rng.random(40_000) < true).astype(np.float64)
    right, high = reliability(true, outcome), reliability(true + 0.05, outcome)
    assert right.low == 0
    assert right.error < 2 * right.chance < 0.02
    assert high.error == pytest.approx(0.05, abs=0.01)
    assert high.low < 0.05 < high.high
    assert high.low > 0.03
    assert [one.predicted for one in right.tenths] == sorted(one.predicted for one in right.tenths)
    assert sum(one.cases for one in right.tenths) == 40_000


@pytest.mark.parametrize("off", [0.0, 0.01, 0.05])
def test_the_interval_of_the_calibration_error_holds_it_nine_times_in_ten(off: float) -> None:
    held = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        true = rng.uniform(0.2, 0.7, 1500)
        found = reliability(true - off, (rng.random(1500) < true).astype(np.float64))
        held += found.low <= off <= found.high
    assert held >= 90


def test_too_few_cases_for_tenths_are_refused() -> None:
    with pytest.raises(ValueError, match="19 cases; at least 20"):
        reliability(np.full(19, 0.5), np.ones(19))


def test_a_perfect_copy_keeps_everything_and_a_flat_one_nothing() -> None:
    x, *_, values = a_log(20_000, 11, effect=0.4)
    permitted = np.ones_like(values, bool)
    copy = fidelity(values, values, values, permitted, weights={}, pairs=())
    flat = fidelity(
        np.tile(values.mean(axis=0), (len(x), 1)), values, values, permitted, weights={}, pairs=()
    )
    assert copy.lost is not None
    assert flat.lost is not None
    assert (copy.lost.value, copy.contrasts_r2, copy.best_differs) == (0, 1, 0)
    assert flat.lost.low > 0.02
    assert 0 <= flat.contrasts_r2 < 0.3


def test_what_distillation_lost_is_bounded_where_the_stack_itself_gains_nothing() -> None:
    rng = np.random.default_rng(5)
    noise = 0.001 * rng.normal(size=(2, 4000, 3))
    scores = rng.normal(0.4, 1.0, (4000, 3))
    found = fidelity(noise[0], noise[1], scores, np.ones((4000, 3), np.bool_), weights={}, pairs=())
    assert found.lost is not None
    assert found.contrasts is not None
    assert found.lost.low < 0 < found.lost.high < 0.1
    assert 0 <= found.contrasts.low <= found.contrasts_r2 <= found.contrasts.high <= 1


def test_predictions_that_are_the_same_for_all_are_no_evidence_however_they_are_rounded() -> None:
    rng = np.random.default_rng(3)
    rounding: Floats = 1e-16 * rng.integers(-3, 4, (4000, 3)).astype(np.float64)
    scores = rng.normal(size=(4000, 3)) + 1e13 * rounding
    found = heterogeneity(0.4 + rounding, scores, np.ones((4000, 3), np.bool_))
    assert not found.found
    assert found.p_value == 1
