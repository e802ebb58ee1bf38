"""Counts in tens: none of 1 to 9, and near the truth in every sum of neighbours."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from router.decision.whole_tens import full_tens, nearest_ten, whole_tens

COUNTS = st.lists(st.one_of(st.integers(0, 12), st.integers(0, 5000)), max_size=60)


@given(COUNTS, st.integers(0, 60), st.integers(0, 60))
def test_every_sum_of_neighbours_is_less_than_ten_off(
    counts: list[int], start: int, size: int
) -> None:
    exact = np.array(counts, np.int64)
    told, part = whole_tens(exact), slice(start, start + size)
    assert (told % 10 == 0).all()
    assert (told >= 0).all()
    assert abs(int(told[part].sum()) - int(exact[part].sum())) < 10


@given(COUNTS)
def test_what_is_told_may_be_the_truth(counts: list[int]) -> None:
    told = whole_tens(np.array(counts, np.int64))
    assert (whole_tens(told) == told).all()


def test_one_count_is_rounded_to_the_nearest_ten() -> None:
    assert [nearest_ten(count) for count in (0, 4, 5, 14, 41)] == [0, 0, 10, 10, 40]


def test_a_ten_that_is_not_full_is_not_told() -> None:
    assert [full_tens(count) for count in (0, 9, 10, 37)] == [0, 0, 10, 30]
