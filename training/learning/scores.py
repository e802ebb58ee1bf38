"""Folds and doubly robust scores: free functions over arrays of any rows, mixes and outcomes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
# Between 0.03 and 0.08 learning gains more by less variance than it loses by bias.
CLIP = 0.05
ERRORS = 4.0
"""Standard errors that a mean weight may be from 1: a true log is so once in 15,000 mixes."""
MOST_APART = 0.1
"""What a mean weight may miss 1 by, beyond that: estimated chances are not exact either."""


def folds_of(cases: int, folds: int, seed: int, groups: Numbers | None = None) -> Numbers:
    """Gives the fold of each case, shape (cases,), sizes equal within one.

    Args:
        cases: how many.
        folds: how many.
        seed: of the draw.
        groups: (cases,) numbers from 0 of those whose cases stay in one fold, such as persons; the
            folds then hold equally many of them.
    """
    units = cases if groups is None else int(groups.max()) + 1
    fold = np.random.default_rng(seed).permutation(np.arange(units) % folds)
    return fold if groups is None else fold[groups]


def treatment_residuals(chances: Floats, mix: Numbers) -> Floats:
    """Gives r_ia = 1{A_i = a} - e_a(x_i), shape (n, mixes).

    Args:
        chances: (n, mixes) propensities e_a(x).
        mix: (n,) logged mixes A.
    """
    return np.eye(chances.shape[1])[mix] - chances


def doubly_robust(
    mu: Floats, mix: Numbers, outcome: Floats, propensity: Floats, clip: float = CLIP
) -> Floats:
    """Gives doubly robust scores, shape (n, mixes).

        Gamma_ia = mu_a(x_i) + 1{A_i = a} / max(e_a(x_i), clip) * (Y_i - mu_a(x_i))

    Source: Dudik, Langford, Li 2011. The clip is for learning only: it trades a little bias for
    much variance.
    """
    scores = mu.copy()
    each = np.arange(len(mix))
    scores[each, mix] += (outcome - mu[each, mix]) / np.maximum(propensity, clip)
    return scores
