"""What a step of a fit holds beside what it is given grows by so many numbers a case, and no more.

Bytes that Python and NumPy ask for, which are the same on every machine, of twice as many cases
less those of one part: what does not grow with the cases is left out.
"""

import gc
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from bench.evaluation import simulated
from training.data.dataset import LoggedCases
from training.evaluation import soundness
from training.learning.scores import treatment_residuals
from training.learning.stack import centred
from training.learning.teachers import Lesson, r_spline
from training.learning.weigh import weigh

NUMBER = 8
MIXES, TEACHERS, FOLDS = 10, 8, 5


@pytest.fixture(scope="module")
def log() -> LoggedCases:
    return simulated(5_000, 5, 1.0)[0]


def held(call: Callable[[], object]) -> int:
    """Gives the most bytes that a call held at once."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def numbers_a_case(step: Callable[[int], Callable[[], object]], cases: int) -> float:
    """Gives by how many numbers of eight bytes a step grows with each case.

    Args:
        step: makes the step of so many cases.
        cases: of the smaller of two sizes.
    """
    # Imports and caches of a first call are no part of it, nor is what others left.
    step(cases)()
    gc.collect()
    return (held(step(2 * cases)) - held(step(cases))) / cases / NUMBER


def test_equal_cases_are_found_without_a_copy_of_all_columns(log: LoggedCases) -> None:
    def step(cases: int) -> Callable[[], object]:
        part = log.take(np.arange(cases) % len(log.mix))
        return lambda: soundness.copies(part)

    # So many that a megabyte of whatever else the process does meanwhile does not matter.
    assert numbers_a_case(step, 100_000) < log.rows.shape[1] / 2


def test_teachers_are_weighed_without_holding_what_they_said_twice() -> None:
    def step(cases: int) -> Callable[[], object]:
        random = np.random.default_rng(1)
        unseen = random.normal(size=(TEACHERS, cases, MIXES))
        mix = random.integers(0, MIXES, cases)
        chances = np.full((cases, MIXES), 1 / MIXES)
        scores = centred(random.normal(size=(cases, MIXES)))
        mean = np.full(cases, 0.5)
        outcome = random.integers(0, 2, cases).astype(np.float64)
        return lambda: weigh(
            unseen,
            scores,
            fold=np.arange(cases) % FOLDS,
            chances=chances,
            mean=mean,
            rows=random.normal(size=(1, 1)),
            mix=mix,
            outcome=outcome,
            prior=None,
        )

    # Sums go over parts of up to 50,000 cases: at both sizes these are whole ones.
    assert numbers_a_case(step, 49_999) < 4 * MIXES


def test_splines_are_learned_without_holding_those_of_all_features() -> None:
    features, mixes = 12, 2

    def step(cases: int) -> Callable[[], object]:
        random = np.random.default_rng(2)
        mix = random.integers(0, mixes, cases)
        chances = np.full((cases, mixes), 1 / mixes)
        lesson = Lesson(
            rows=random.normal(size=(cases, features)),
            mix=mix,
            outcome=random.integers(0, 2, cases).astype(np.float64),
            scores=treatment_residuals(chances, mix),
            outcomes=chances,
            chances=chances,
            seed=1,
        )
        return lambda: r_spline(lesson)

    # There are eight splines of each feature.
    assert numbers_a_case(step, 60_000) < 6 * features
