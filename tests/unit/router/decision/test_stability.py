"""Drift of a field between two sets of cases."""

import numpy as np
import pytest

from router.cases.features import FEATURES
from router.decision.schema import Feature
from router.decision.stability import stability_index

WEEKS, SKILL = FEATURES["weeks_registered"], FEATURES["digital_skill"]


def counts(feature: Feature, seed: int, cases: int = 20_000) -> np.ndarray:
    random = np.random.default_rng(seed)
    shares = random.dirichlet(np.full(feature.slots, 2.0))
    return random.multinomial(cases, shares)


@pytest.mark.parametrize("feature", FEATURES.features, ids=FEATURES.names)
def test_the_index_of_the_same_cases_is_zero_however_many_there_are(feature: Feature) -> None:
    before = counts(feature, 1)
    assert stability_index(before, before, feature) == 0
    assert stability_index(before, 3 * before, feature) == pytest.approx(0, abs=1e-12)


def test_a_sample_of_the_same_people_has_not_moved() -> None:
    random = np.random.default_rng(0)
    shares = random.dirichlet(np.full(WEEKS.slots, 2.0))
    before, now = random.multinomial(5_000, shares), random.multinomial(5_000, shares)
    assert stability_index(before, now, WEEKS) < 0.02


def test_the_index_is_the_sum_over_values_of_difference_times_log_ratio() -> None:
    before, now = np.array([0, 10, 20, 30, 40]), np.array([0, 40, 30, 20, 10])
    p, q = np.array([1, 2, 3, 4]) / 10, np.array([4, 3, 2, 1]) / 10
    assert stability_index(before, now, SKILL) == pytest.approx(((q - p) * np.log(q / p)).sum())


def test_numbers_that_moved_ask_for_action() -> None:
    weeks = np.arange(WEEKS.slots - 1)
    before = np.concatenate([[50], np.rint(1_000 * np.exp(-weeks / 40))]).astype(np.int64)
    a_little, much = (
        np.concatenate([[50], np.rint(1_000 * np.exp(-weeks / scale))]).astype(np.int64)
        for scale in (44, 120)
    )
    assert stability_index(before, a_little, WEEKS) < 0.1
    assert stability_index(before, much, WEEKS) > 0.25


def test_values_that_became_unknown_are_drift() -> None:
    before = np.concatenate([[0], np.full(WEEKS.slots - 1, 10)])
    now = before.copy()
    now[0] = before.sum()
    assert stability_index(before, now, WEEKS) > 0.25


def test_a_value_that_nobody_had_before_gives_a_large_and_finite_index() -> None:
    before, now = np.array([0, 100, 0, 0, 0]), np.array([0, 0, 0, 0, 100])
    assert 1 < stability_index(before, now, SKILL) < 100


def test_a_field_that_nobody_filled_in_has_an_index_too() -> None:
    never = np.zeros(WEEKS.slots, np.int64)
    never[0] = 500
    filled = np.full(WEEKS.slots, 5)
    assert stability_index(never, never, WEEKS) == 0
    assert 1 < stability_index(never, filled, WEEKS) < 100


@pytest.mark.parametrize("name", ["weeks_registered", "age_band"])
def test_a_field_that_is_unknown_on_one_side_or_both_has_a_finite_drift(name: str) -> None:
    feature = FEATURES[name]
    unknown, known = np.zeros(feature.slots, np.int64), np.ones(feature.slots, np.int64)
    unknown[0] = 1000
    assert stability_index(unknown, unknown, feature) == 0
    assert 0 < stability_index(unknown, known, feature) < 100
    assert 0 < stability_index(known, unknown, feature) < 100
