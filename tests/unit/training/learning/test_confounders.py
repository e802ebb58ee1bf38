"""What advisers go by, as columns of numbers."""

import numpy as np

from router.cases.features import FEATURES
from tests.builders import random_rows
from training.learning.confounders import confounders
from training.learning.encoding import Encoding, plain_numbers

ROWS = random_rows(1, 5)
LIGHTEST = np.array([0, 2, 1, 6, 0])


def test_fields_come_first_then_what_is_permitted_the_office_and_the_days_since_the_first() -> None:
    days = np.datetime64("2026-01-05") + np.array([3, 0, 1, 2, 9]).astype("timedelta64[D]")
    offices = np.array([1, 0, 0, 2, 1])
    found = confounders(plain_numbers(ROWS), LIGHTEST, offices, days)
    assert np.array_equal(found[:, :-3], plain_numbers(ROWS), equal_nan=True)
    assert found[:, -3:].T.tolist() == [LIGHTEST.tolist(), offices.tolist(), [3, 0, 1, 2, 9]]


def test_what_is_not_known_has_no_column() -> None:
    others = Encoding(features=FEATURES).others(ROWS)
    found = confounders(others, LIGHTEST, None, None)
    assert found.shape == (5, others.shape[1] + 1)
    assert found[:, -1].tolist() == LIGHTEST.tolist()


def test_an_unknown_slot_is_no_number() -> None:
    assert np.array_equal(np.isnan(plain_numbers(ROWS)), ROWS == 0)
