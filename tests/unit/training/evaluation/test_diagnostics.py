"""Diagnostics on a log whose propensities are exactly known."""

import numpy as np

from router.cases.features import FEATURES
from training.evaluation.diagnostics import standardised_differences


def test_weights_by_known_propensities_bring_fields_back_into_balance() -> None:
    rng = np.random.default_rng(1)
    rows = np.zeros((8000, len(FEATURES.features)), np.uint16)
    group, weeks = FEATURES.column("need_group"), FEATURES.column("weeks_registered")
    rows[:, group] = rng.integers(1, 4, 8000)
    rows[:, weeks] = rng.integers(1, 80, 8000)
    chance = np.where(rows[:, group] == 1, 0.2, 0.7)
    got = rng.random(8000) < chance
    before, fields = standardised_differences(rows, got.astype(np.float64))
    after, _ = standardised_differences(rows, np.where(got, 1 / chance, 0.0))
    assert fields[int(before.argmax())] == "need_group"
    assert before.max() > 0.3
    assert after.max() < 0.1


def test_fields_that_hardly_vary_have_no_balance_to_tell() -> None:
    rows = np.zeros((500, len(FEATURES.features)), np.uint16)
    found, fields = standardised_differences(rows, np.ones(500))
    assert (found.tolist(), fields) == ([], ())
