"""Pairs: what two features add together, read from cells over the bins of both."""

import dataclasses
import itertools

import numpy as np
import pytest

from router.cases.features import FEATURES
from router.decision.pairs import Pair
from router.decision.tables import DecisionTables
from tests.builders import FOLDS, a_catalogue, a_row, random_rows, random_tables

MIXES = len(a_catalogue().mixes)
AGE, SKILL = FEATURES.column("age_band"), FEATURES.column("digital_skill")


def a_pair(**changes: object) -> Pair:
    """Pairs age band in two bins (to 30_39, and above) with digital skill, each slot a bin."""
    ages, skills = FEATURES["age_band"].slots, FEATURES["digital_skill"].slots
    old = np.arange(ages) > FEATURES["age_band"].slot("30_39")
    cells = 2 * skills
    usual = {
        "first": AGE,
        "second": SKILL,
        "first_bins": old.astype(np.uint16),
        "second_bins": np.arange(skills, dtype=np.uint16),
        "values": np.arange(cells * MIXES * FOLDS, dtype=np.float64).reshape(cells, MIXES, FOLDS),
        "counts": np.arange(cells),
    }
    return Pair(**(usual | changes))  # type: ignore[arg-type]


def some_tables(*pairs: Pair) -> DecisionTables:
    return dataclasses.replace(random_tables(2), pairs=pairs)


def test_the_value_is_that_of_the_features_plus_that_of_the_cell_for_every_combination() -> None:
    pair = a_pair()
    skills = FEATURES["digital_skill"].slots
    combinations = list(itertools.product(range(FEATURES["age_band"].slots), range(skills)))
    rows = np.tile(a_row(), (len(combinations), 1))
    rows[:, [AGE, SKILL]] = combinations
    added = some_tables(pair).fold_values(rows) - some_tables().fold_values(rows)
    expected = [
        pair.values[(age > FEATURES["age_band"].slot("30_39")) * skills + skill]
        for age, skill in combinations
    ]
    assert np.allclose(added, expected, atol=1e-9)


def test_an_unknown_value_has_a_cell_of_its_own_choice_of_bin() -> None:
    pair = a_pair()
    unknown = np.stack(
        [a_row(age_band=None, digital_skill=None), a_row(age_band="60_66", digital_skill=None)]
    )
    assert pair.cells(unknown).tolist() == [0, FEATURES["digital_skill"].slots]


def test_a_case_alone_and_among_others_gets_the_same_bits() -> None:
    tables = random_tables(6)
    rows = random_rows(6, 30)
    alone = np.concatenate([tables.fold_values(row[None]) for row in rows])
    assert np.array_equal(alone, tables.fold_values(rows))


def test_the_order_of_pairs_does_not_change_the_value() -> None:
    tables = random_tables(7)
    rows = random_rows(7, 30)
    turned = dataclasses.replace(tables, pairs=tables.pairs[::-1])
    assert np.allclose(turned.fold_values(rows), tables.fold_values(rows), atol=1e-12)


def test_the_average_of_a_pair_is_weighted_by_the_cases_in_its_cells() -> None:
    pair = a_pair()
    average = some_tables(pair).average
    assert len(average) == len(some_tables().average) + 1
    assert np.allclose(
        average[-1], np.average(pair.values.mean(axis=2), axis=0, weights=pair.counts)
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"second": AGE}, "must join two features"),
        (
            {"values": np.zeros((3, MIXES, FOLDS))},
            r"must have values \(10, mixes, folds\) and counts \(10,\)",
        ),
        ({"values": np.zeros((10, MIXES))}, "must have values"),
        ({"counts": np.zeros(9, np.int64)}, "counts"),
        ({"values": np.full((10, MIXES, FOLDS), np.nan)}, "finite"),
        ({"counts": np.full(10, -1)}, "not negative"),
    ],
)
def test_a_pair_that_does_not_fit_itself_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        a_pair(**changes)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"first": FEATURES.column("health_hindrance")}, "not that of a model feature"),
        ({"first": FEATURES.column("weeks_registered")}, "bins of weeks_registered"),
        ({"values": np.zeros((10, MIXES - 1, FOLDS))}, "a pair's values must have shape"),
        ({"values": np.zeros((10, MIXES, FOLDS + 1))}, "a pair's values must have shape"),
    ],
)
def test_tables_refuse_a_pair_that_does_not_fit_them(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        some_tables(a_pair(**changes))
