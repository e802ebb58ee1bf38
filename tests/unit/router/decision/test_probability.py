"""What is shown of a sum: a probability, in the order of the sums."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.decision.probability import EDGE, as_probabilities, as_probability
from tests.builders import random_rows, random_tables

SUMS = st.floats(-1e6, 1e6)


@given(SUMS)
def test_no_sum_is_shown_as_impossible_or_certain(value: float) -> None:
    assert 0 < as_probability(value) < 1


@given(st.floats(EDGE, 1 - EDGE))
def test_between_the_edges_the_sum_itself_is_shown(value: float) -> None:
    assert as_probability(value) == value


@given(st.floats(-2, 3), st.floats(1e-9, 1))
def test_more_is_always_shown_as_more(value: float, more: float) -> None:
    assert as_probability(value + more) > as_probability(value)


@pytest.mark.parametrize("edge", [EDGE, 1 - EDGE])
def test_the_tails_touch_the_line_without_a_kink(edge: float) -> None:
    step = 1e-6
    before, at, after = (as_probability(edge + part) for part in (-step, 0.0, step))
    assert at == pytest.approx(edge, abs=1e-12)
    assert (at - before) / step == pytest.approx(1, abs=1e-3)
    assert (after - at) / step == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0, 0.025), (-0.1, 0.0125), (1.0, 0.975), (1.1, 0.9875), (0.3, 0.3)]
)
def test_some_sums_and_what_is_shown(value: float, shown: float) -> None:
    assert as_probability(value) == pytest.approx(shown)


@given(st.lists(SUMS, min_size=1, max_size=20))
def test_many_at_once_have_the_bits_of_each_alone(values: list[float]) -> None:
    found = as_probabilities(np.array(values))
    assert found.tolist() == [as_probability(value) for value in values]


def test_what_was_not_scored_stays_without_a_number() -> None:
    assert np.isnan(as_probabilities(np.array([np.nan, 0.5]))).tolist() == [True, False]


def test_no_option_of_any_case_is_shown_as_impossible_or_certain() -> None:
    # Far stronger effects than any data hold: plain sums leave 0 to 1 for most rows.
    tables = random_tables(1, effect=0.2)
    sums = tables.fold_values(random_rows(1, 100_000)).mean(axis=2)
    assert ((sums < 0) | (sums > 1)).any(axis=1).mean() > 0.5
    shown = as_probabilities(sums)
    assert ((shown > 0) & (shown < 1)).all()
    assert np.array_equal(shown.argmax(axis=1), sums.argmax(axis=1))
