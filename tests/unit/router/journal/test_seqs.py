"""Numbers as runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.journal.seqs import Seqs

NUMBERS = st.sets(st.integers(1, 40))


@given(NUMBERS, NUMBERS)
def test_runs_hold_the_numbers_they_were_given(one: set[int], other: set[int]) -> None:
    first, second = Seqs(sorted(one)), Seqs(sorted(other))
    assert list(first) == sorted(one)
    assert len(first) == len(one)
    assert list(Seqs.parse(list(first.runs))) == sorted(one)
    assert list(Seqs.union([first, second])) == sorted(one | other)
    assert list(first.without(second)) == sorted(one - other)
    assert [number in first for number in range(42)] == [number in one for number in range(42)]


def test_neighbours_are_one_run() -> None:
    assert Seqs([1, 2, 3, 7, 9, 10]).runs == [[1, 3], [7, 7], [9, 10]]


@pytest.mark.parametrize("runs", [[[2, 1]], [[1, 2], [2, 3]], [[0, 1]], [[1]], [["1", 2]], [7]])
def test_what_are_no_runs_is_refused(runs: list[object]) -> None:
    with pytest.raises(ValueError, match="is no run of numbers"):
        Seqs.parse(runs)
