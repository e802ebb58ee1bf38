"""A policy that knows the outcomes it is measured by is suspected, and an honest one is not."""

import numpy as np

from training.evaluation.peeking import peeks
from training.learning.crossfit import cross_fit

CASES, MIXES = 1500, 2


def test_one_that_gives_the_logged_mix_where_it_went_well_is_suspected_and_no_other() -> None:
    rng = np.random.default_rng(3)
    fields = rng.integers(0, 4, (CASES, 2)).astype(np.float64)
    mix = rng.integers(0, MIXES, CASES)
    outcome = (rng.random(CASES) < 0.4 + 0.2 * (mix == (fields[:, 0] > 1))).astype(np.float64)
    fitted = cross_fit(fields, mix, outcome, MIXES, propensity=None, seed=1, folds=2)

    # A tenth of the cases is enough.
    looked = rng.random(CASES) < 0.1
    for given, suspected in (
        (np.where(looked & (outcome == 1), mix, 0), True),
        (fields[:, 0] > 1, False),
        (rng.integers(0, MIXES, CASES), False),
        (mix, False),
    ):
        agreement = (given == mix).astype(np.float64)
        told = peeks(agreement, fields, mix, outcome, fitted, None, seed=1)
        assert ["beyond what all fields explain" in one.problem for one in told] == [
            True
        ] * suspected
