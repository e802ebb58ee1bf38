"""Parts of the cases that are drawn, and how what is learned from them is valued."""

import numpy as np
import pytest

from training.evaluation.learning_curve import learning_curve, part_of


def test_a_person_s_cases_come_together_and_a_larger_part_holds_the_smaller_one() -> None:
    persons = np.repeat(np.arange(500), 3)
    quarter, half = (part_of(1500, persons, share, seed=1) for share in (0.25, 0.5))
    assert (quarter.reshape(-1, 3) == quarter.reshape(-1, 3)[:, :1]).all()
    assert (half >= quarter).all()
    assert quarter.mean() == pytest.approx(0.25, abs=0.06)
    assert half.mean() == pytest.approx(0.5, abs=0.07)
    alone = part_of(1500, None, 0.5, seed=1)
    assert (alone == part_of(1500, None, 0.5, seed=1)).all()


def test_parts_are_valued_on_the_same_cases_as_the_whole() -> None:
    # Of four cases mix 0 is worth 0 and mix 1 is worth 1, but for the last, where both are 0.5.
    scores = np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [0.5, 0.5]])
    every = np.ones(4, np.int64)
    half, same = np.array([0, 0, 1, 1]), every
    first, second = learning_curve([(1004, half), (2006, same)], every, scores, None)
    assert (first.cases, second.cases) == (1000, 2010)
    assert (first.value.value, first.more.value) == (0.375, 0.5)
    # The same advice is worth the same to the last bit, however few cases there are.
    assert (second.more.value, second.more.error) == (0.0, 0.0)
