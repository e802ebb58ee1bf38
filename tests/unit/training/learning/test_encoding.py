"""How slots become the numbers that learners see."""

import numpy as np
import pytest

from router.cases.features import FEATURES
from router.decision.schema import Role
from tests.builders import a_row, random_rows
from training.learning.encoding import Encoding, encoding_for

PLAIN = Encoding(features=FEATURES)
NAMES = [FEATURES.features[column].name for column in FEATURES.columns(Role.MODEL)]
ORDERED = [name for name in NAMES if FEATURES[name].severity]
NOMINAL = [name for name in NAMES if FEATURES[name].nominal and name not in ORDERED]


def numbers(encoding: Encoding, name: str) -> np.ndarray:
    """Gives the number of each slot of a field."""
    rows = np.tile(a_row(), (FEATURES[name].slots, 1))
    rows[:, FEATURES.column(name)] = np.arange(FEATURES[name].slots)
    return encoding.inputs(rows)[:, NAMES.index(name)]


@pytest.mark.parametrize("name", sorted({*NAMES} - {*ORDERED}))
def test_known_values_are_different_numbers_and_unknown_is_no_number(name: str) -> None:
    found = numbers(PLAIN, name)
    assert np.isnan(found[0])
    assert len(np.unique(found[1:])) == FEATURES[name].slots - 1


@pytest.mark.parametrize("name", ORDERED)
def test_a_worse_value_is_a_higher_number_and_what_stands_in_no_order_is_none(name: str) -> None:
    found, feature = numbers(PLAIN, name), FEATURES[name]
    for rank, step in enumerate(feature.severity):
        assert found[list(step)].tolist() == [rank] * len(step)
    outside = [slot for slot in range(feature.slots) if slot not in feature.ranks]
    assert np.isnan(found[outside]).all()


@pytest.mark.parametrize(
    ("name", "mildest", "worst"),
    [
        ("need_group", "GOOD_OPPORTUNITIES", "SMALL_OPPORTUNITY"),
        ("self_assessed_need", "CAN_MANAGE", "WANTS_GUIDANCE"),
        ("benefit_weeks_left", 208, 0),
        ("days_since_personal_contact", 0, None),
    ],
)
def test_the_order_is_the_contracts(
    name: str, mildest: str | int | None, worst: str | int | None
) -> None:
    found, feature = numbers(PLAIN, name), FEATURES[name]
    assert found[feature.slot(mildest)] == 0
    assert found[feature.slot(worst)] == np.nanmax(found) == len(feature.severity) - 1


def test_exactly_the_fields_with_an_order_of_severity_are_monotone() -> None:
    marked = [name for name, sign in zip(NAMES, PLAIN.monotone, strict=True) if sign == 1]
    assert tuple(marked) == PLAIN.ordered == tuple(ORDERED)
    assert set(PLAIN.monotone) == {0, 1}


@pytest.mark.parametrize("name", NOMINAL)
def test_values_without_an_order_stand_in_that_of_their_mean_outcome(name: str) -> None:
    column, slots = FEATURES.column(name), FEATURES[name].slots
    rows = random_rows(2, 12_000)
    chance = np.random.default_rng(3).permutation(np.linspace(0.1, 0.9, slots))
    outcome = (np.random.default_rng(4).random(len(rows)) < chance[rows[:, column]]).astype(
        np.float64
    )
    found = numbers(encoding_for(FEATURES, rows, outcome), name)
    assert np.isnan(found[0])
    means = np.array([outcome[rows[:, column] == slot].mean() for slot in range(1, slots)])
    assert np.array_equal(np.argsort(found[1:]), np.argsort(means))


def test_a_value_of_few_cases_is_drawn_to_the_middle() -> None:
    name = NOMINAL[0]
    rows = random_rows(2, 4_000)
    column = FEATURES.column(name)
    rows[:, column] = np.where(np.arange(4_000) % 2 == 0, 1, 2)
    rows[:2, column] = 3
    outcome = np.where(rows[:, column] == 1, 0.2, 0.8)
    outcome[:2] = 1.0
    found = numbers(encoding_for(FEATURES, rows, outcome), name)
    assert found[1] < found[3] < found[2]


def test_fields_with_an_order_keep_it_whatever_the_outcomes() -> None:
    rows = random_rows(5, 1_000)
    fitted = encoding_for(FEATURES, rows, np.random.default_rng(0).random(1_000))
    assert set(fitted.orders) == set(NOMINAL)
    for name in set(NAMES) - set(NOMINAL):
        assert np.array_equal(numbers(fitted, name), numbers(PLAIN, name), equal_nan=True), name


def test_what_the_model_must_not_decide_by_is_no_input_of_it() -> None:
    rows = random_rows(6, 300)
    changed = rows.copy()
    others = np.setdiff1d(np.arange(len(FEATURES.features)), FEATURES.columns(Role.MODEL))
    changed[:, others] = random_rows(7, 300)[:, others]
    assert np.array_equal(PLAIN.inputs(rows), PLAIN.inputs(changed), equal_nan=True)
    found = PLAIN.others(rows)
    assert found.shape == (300, len(others))
    assert np.array_equal(np.isnan(found), rows[:, others] == 0)
    assert "health_hindrance" in {FEATURES.features[column].name for column in others}
