"""A figure about fewer than ten cases is neither shown nor computable."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from router.ledger.small_cells import AT_LEAST, hidden

COUNTS = st.lists(st.one_of(st.integers(0, 12), st.integers(0, 200)), min_size=1, max_size=12)


def test_a_lone_small_cell_takes_the_smallest_other_with_it() -> None:
    assert hidden(np.array([4, 300, 40, 0])).tolist() == [True, False, True, False]


def test_two_small_cells_that_hold_too_few_together_take_another_with_them() -> None:
    assert hidden(np.array([2, 3, 50, 60])).tolist() == [True, True, True, False]


def test_large_cells_and_empty_ones_are_shown() -> None:
    assert not hidden(np.array([10, 0, 5000])).any()


@given(COUNTS)
def test_what_is_hidden_can_not_be_computed_from_the_total(counts: list[int]) -> None:
    cells = np.array(counts)
    hide = hidden(cells)
    assert not ((cells > 0) & (cells < AT_LEAST) & ~hide).any()
    if hide.any() and (~hide & (cells > 0)).any():
        assert hide.sum() >= 2
        assert cells[hide].sum() >= AT_LEAST


@given(st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=3), min_size=1, max_size=8))
def test_in_a_table_no_row_and_no_column_gives_a_hidden_cell_away(table: list[list[int]]) -> None:
    cells = np.array(table)
    hide = hidden(cells)
    for counts, flags in [*zip(cells, hide, strict=True), *zip(cells.T, hide.T, strict=True)]:
        assert not ((counts > 0) & (counts < AT_LEAST) & ~flags).any()
        if flags.any() and (~flags & (counts > 0)).any():
            assert flags.sum() >= 2
            assert counts[flags].sum() >= AT_LEAST
