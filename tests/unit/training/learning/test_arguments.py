"""Chances of mixes as they are given: by name or in order, possible or not."""

from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped] # its stubs would be one more package
import polars as pl
import pytest

from training.data import dataset
from training.learning.arguments import LEAST_CHANCE, array_of, check_chances, in_order
from training.learning.scores import Floats, Numbers

LABELS = ["office", "phone"]
CHANCES = np.array([[0.2, 0.8], [0.6, 0.4], [0.5, 0.5]])


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_a_table_says_by_its_names_which_mix_a_column_is_of(frame: Any) -> None:
    turned = frame({"phone": CHANCES[:, 1], "office": CHANCES[:, 0]})
    assert np.array_equal(in_order(turned, LABELS), CHANCES)


def test_numbers_of_mixes_are_names_too() -> None:
    turned = pd.DataFrame({1: CHANCES[:, 1], 0: CHANCES[:, 0]})
    assert np.array_equal(in_order(turned, range(2)), CHANCES)


@pytest.mark.parametrize("given", [CHANCES, CHANCES.tolist(), pd.DataFrame(CHANCES)])
def test_what_has_no_names_is_in_the_order_of_labels(given: Any) -> None:
    assert np.array_equal(in_order(given, LABELS), CHANCES)


def test_names_of_other_mixes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^propensity: columns are a, b, must be the mixes"):
        in_order(pd.DataFrame({"a": [0.5], "b": [0.5]}), LABELS)


def test_words_are_no_chances() -> None:
    with pytest.raises(ValueError, match=r"^propensity: must be numbers"):
        in_order(["often", "rarely"], LABELS)


DAYS = ["2026-01-01", "2026-01-02"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            pd.DataFrame({"a": [1, 2], "day": pd.to_datetime(DAYS)}),
            "rows: column 'day' holds times",
        ),
        (
            pl.DataFrame({"day": DAYS}).with_columns(pl.col("day").str.to_date()),
            "rows: column 'day' holds times",
        ),
        (np.array([DAYS], "M8[D]"), "rows: holds times"),
    ],
    ids=["pandas", "polars", "NumPy"],
)
def test_times_are_no_numbers(given: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        array_of("rows", given)


def drawn(chances: Floats, seed: int) -> Numbers:
    random = np.random.default_rng(seed)
    return (random.random(len(chances)) > chances[:, 0]).astype(np.int64)


@pytest.mark.parametrize("seed", range(20))
def test_a_mix_that_some_could_not_get_has_a_chance_of_0_there(seed: int) -> None:
    # Half may get the first mix alone; the others either.
    chances = np.tile([[1.0, 0.0], [0.3, 0.7]], (500, 1))
    check_chances(chances, drawn(chances, seed), LABELS)


@pytest.mark.parametrize(
    ("chances", "says"),
    [
        (np.full(100, 1e-300), r"^propensity: 1e-300 of the logged mix in 100 cases"),
        (np.tile([1.0, 0.0], (100, 1)), "^propensity: 0 of the logged mix in 50 cases"),
        (np.tile([0.5, 0.4], (100, 1)), r"^propensity: the chances of case 0 sum to 0\.9"),
        (np.full((100, 3), 1 / 3), "^propensity: has 3 columns, must have one for each of 2"),
        (np.full((100, 2), np.nan), "^propensity: must be 0 to 1"),
        (np.tile([0.9, 0.1], (100, 1)), "^propensity: .* with mix office .* must be 1.00 but for"),
    ],
)  # fmt: skip
def test_chances_that_cannot_be_are_refused(chances: Floats, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check_chances(chances, np.arange(100) % 2, LABELS)


def test_learning_and_reading_have_one_least_chance() -> None:
    assert LEAST_CHANCE == dataset.LEAST_CHANCE
