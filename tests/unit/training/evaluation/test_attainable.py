"""What could be gained at most where the truth is known, and what share of it was."""

import numpy as np
import pytest

from training.evaluation.attainable import attainable

TRUTH = np.array([[0.5, 0.6], [0.5, 0.4], [0.2, 0.2], [0.3, 0.5]])
COSTS = np.array([0.0, 0.05])
ALL = np.ones(TRUTH.shape, np.bool_)


def test_the_most_is_each_cases_best_mix_and_the_least_the_best_single_one() -> None:
    found = attainable(TRUTH, ALL, COSTS, np.array([1, 0, 1, 1]))
    assert found.single == pytest.approx(0.375)
    assert found.best == pytest.approx((0.55 + 0.5 + 0.2 + 0.45) / 4)
    assert found.got == pytest.approx((0.55 + 0.5 + 0.15 + 0.45) / 4)
    assert found.mixes == (0.5, 0.5)
    assert found.share == pytest.approx((found.got - 0.375) / found.gain)


def test_the_single_mix_is_lifted_to_what_each_case_may_get() -> None:
    permitted = ALL.copy()
    permitted[1, 0] = False
    found = attainable(TRUTH, permitted, COSTS)
    # The first for all, and the second for who may not get it; and that is the best single mix.
    assert found.single == pytest.approx(max((0.5 + 0.35 + 0.2 + 0.3) / 4, 1.5 / 4))
    assert found.got == found.single
    assert found.share == 0


def test_where_nothing_can_be_gained_there_is_no_share_of_it() -> None:
    same = np.tile([0.3, 0.6], (4, 1))
    found = attainable(same, ALL, COSTS)
    assert (found.gain, found.share) == (0, None)


def test_a_case_without_a_permitted_mix_is_refused() -> None:
    with pytest.raises(ValueError, match="every case must have a permitted mix"):
        attainable(TRUTH, np.zeros(TRUTH.shape, np.bool_), COSTS)
