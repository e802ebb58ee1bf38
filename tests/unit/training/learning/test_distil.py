"""Students: sums of one-column functions and a few pairs, which read off as tables."""

from functools import cache

import numpy as np
import pytest

from training.learning.distil import BINS, Distilled, coarse, distil, strongest_pairs
from training.learning.scores import Floats
from training.learning.stack import centred

CASES = 4_000


@cache
def some_rows() -> Floats:
    random = np.random.default_rng(0)
    rows = random.normal(size=(CASES, 4))
    rows[random.random(CASES) < 0.1, 2] = np.nan
    return rows


def target_of(*steps: Floats) -> Floats:
    """Values of mixes, centred, that rise from mix to mix by these steps."""
    return centred(np.cumsum(np.column_stack([np.zeros(CASES), *steps]), axis=1))


def sign(column: int) -> Floats:
    return np.where(some_rows()[:, column] > 0, 1.0, -1.0)


def additive() -> Floats:
    rows = some_rows()
    return target_of(0.2 * np.tanh(rows[:, 0]), 0.1 * sign(1) + 0.1 * np.isnan(rows[:, 2]))


def contrasts(values: Floats) -> Floats:
    return np.diff(values, axis=1)


def student_of(target: Floats, pairs: int, monotone: list[int] | None = None) -> Distilled:
    found = strongest_pairs(some_rows(), target, pairs, 0, monotone)
    return distil(some_rows(), target, np.full(CASES, 0.4), found, 0, monotone)


def test_bins_hold_about_equally_many_cases_and_unknown_is_the_last() -> None:
    cut = coarse(some_rows(), 2)
    bins = cut.of(some_rows()[:, 2])
    unknown = np.isnan(some_rows()[:, 2])
    assert cut.bins == BINS + 1
    assert (bins[unknown] == cut.bins - 1).all()
    counts = np.bincount(bins[~unknown], minlength=BINS)
    assert counts.max() - counts.min() <= 2


@pytest.mark.parametrize(
    ("values", "bins"),
    [(np.repeat([1.0, 2.0], [60, 40]), 3), (np.full(5, 7.0), 2), (np.full(5, np.nan), 2)],
    ids=["two values", "one value", "all unknown"],
)
def test_a_column_of_few_values_has_few_bins_and_one_for_unknown(values: Floats, bins: int) -> None:
    cut = coarse(values[:, None], 0)
    assert cut.bins == bins
    found = cut.of(np.append(values, np.nan))
    assert found[-1] == bins - 1
    known = ~np.isnan(values)
    assert len(np.unique(found[:-1][known])) == len(np.unique(values[known]))


def test_what_is_a_sum_of_columns_is_kept_and_needs_no_pair() -> None:
    target = additive()
    student = student_of(target, 3)
    assert student.pairs == ()
    left_over = contrasts(student.values(some_rows())) - contrasts(target)
    assert left_over.var() < 0.02 * contrasts(target).var()


def test_the_pairs_that_interact_are_found_strongest_first_and_no_more_than_asked_for() -> None:
    target = additive() + target_of(0.1 * sign(0) * sign(3), 0.3 * sign(1) * sign(3))
    found = {most: strongest_pairs(some_rows(), target, most, 0) for most in (0, 1, 6)}
    columns = {
        most: [(one.column, other.column) for one, other in pairs] for most, pairs in found.items()
    }
    assert columns == {0: [], 1: [(1, 3)], 6: [(1, 3), (0, 3)]}


def test_a_pair_keeps_what_no_sum_of_columns_can() -> None:
    target = target_of(0.2 * sign(0) * sign(3), np.zeros(CASES))
    alone, paired = student_of(target, 0), student_of(target, 1)
    left_over = [
        (contrasts(one.values(some_rows())) - contrasts(target)).var() for one in (alone, paired)
    ]
    assert left_over[0] > 0.7 * contrasts(target).var()
    assert left_over[1] < 0.2 * contrasts(target).var()


def test_columns_with_an_order_are_never_combined_even_where_they_interact_most() -> None:
    target = target_of(0.3 * sign(0) * sign(3), 0.2 * sign(1) * sign(3))
    monotone = [1, 0, 0, 0]
    found = strongest_pairs(some_rows(), target, 6, 0, monotone)
    assert [(one.column, other.column) for one, other in found] == [(1, 3)]
    assert strongest_pairs(some_rows(), target, 6, 0, [1, 1, 1, 1]) == []


def test_a_higher_value_of_an_ordered_column_only_raises_the_later_of_two_mixes() -> None:
    # The target falls with the ordered column for some and rises for others.
    target = target_of(0.3 * sign(0) * sign(3) - 0.1 * sign(0), 0.2 * sign(1) * sign(3))
    student = student_of(target, 2, [1, 0, 0, 0])
    assert len(student.pairs) == 1
    grid = np.linspace(-3, 3, 61)
    for row in some_rows()[:50]:
        rows = np.tile(row, (61, 1))
        rows[:, 0] = grid
        assert (np.diff(contrasts(student.values(rows)), axis=0) >= -1e-12).all()


@pytest.mark.parametrize("unknown", [-1.0, 0.0, 1.0])
def test_an_unknown_value_of_an_ordered_column_is_anything_but_better_than_the_best(
    unknown: float,
) -> None:
    known = some_rows()[:, 2]
    wish = np.where(np.isnan(known), unknown, 0.3 * np.tanh(known))
    student = student_of(target_of(wish, wish), 0, [0, 0, 1, 0])
    rows = np.tile(some_rows()[0], (2, 1))
    rows[:, 2] = [np.nanmin(known), np.nan]
    best, found = contrasts(student.values(rows)).mean(axis=1)

    # Unknown never means "no problem": where cases say so, the best is drawn down with it.
    assert found >= best - 1e-12
    assert found == pytest.approx(unknown, abs=0.05)


def test_the_mean_over_mixes_is_the_level_and_not_the_stacks() -> None:
    rows = some_rows()
    level = 0.4 + 0.1 * np.tanh(rows[:, 1])
    student = distil(rows, additive(), level, (), 0)
    assert np.abs(student.values(rows).mean(axis=1) - level).mean() < 0.01


def test_equal_arguments_give_equal_students() -> None:
    target = target_of(0.2 * sign(0) * sign(3), 0.1 * sign(1))
    one, other = student_of(target, 1), student_of(target, 1)
    assert np.array_equal(one.values(some_rows()), other.values(some_rows()))
