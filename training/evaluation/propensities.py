"""Are known propensities those that the mixes were drawn with? Asked before they are used."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaincinv

from training.evaluation.estimators import ratio
from training.evaluation.figures import Estimate
from training.learning.scores import ERRORS, Floats, Numbers

# How seldom a true log may be refused for its smallest chances.
_LUCK = 0.001


def impossibly_rare(propensity: Floats, mixes: int) -> Numbers:
    """Finds the cases whose chances are smaller than so many cases could ever show, in order.

    A chance of at most t is drawn at most t * n * K times in the mean, so the j smallest of a true
    log lie under chi2_{2j}(0.001) / (2 n K) once in a thousand logs.

    Args:
        propensity: (n,) chance of the logged mix.
        mixes: K.
    """
    order = np.argsort(propensity, kind="stable")
    ranks = np.arange(1, len(order) + 1)
    # chi2.ppf of scipy.stats, to the byte: to import that takes longer than all else that
    # `gate`, `compare` or `promote` does.
    quantiles = 2 * gammaincinv(ranks, _LUCK)
    least = quantiles / (2 * len(order) * mixes)
    below = np.flatnonzero(propensity[order] < least)
    return order[: below[-1] + 1] if len(below) else order[:0]


def mean_weights(mix: Numbers, propensity: Floats, mixes: int) -> tuple[Estimate, ...]:
    """Gives the mean of 1{A = a} / e_a for each mix: 1, or the share of cases that could get it.

    Args:
        mix: (n,) logged mixes.
        propensity: (n,) their chances.
        mixes: K.
    """
    ones = np.ones(len(mix))
    return tuple(ratio((mix == number) / propensity, ones) for number in range(mixes))


def weights_by_fields(
    mix: Numbers, propensity: Floats, expected: Floats, cluster: Numbers | None = None
) -> tuple[Estimate, ...]:
    """Gives the mean weight of each mix among cases like those that may get it; 1 if all is true.

        R_a = sum_i 1{A_i = a} p_a(x_i)^2 / e_a(x_i)  /  sum_i p_a(x_i)^2

    Whatever p is, numerator and denominator are equal in the mean wherever e_a is above 0. With p
    near the truth the weights p / e are near 1: this sees what a mean of 1 / e is too noisy to
    show, and leaves out who could never get the mix. Squares, because p is smooth and e is not: of
    light mixes a third of the sum of p lay with those who hardly ever or never get them, and the
    simulator's own chances were refused (5,000 cases, seed 1).

    Args:
        mix: (n,) logged mixes.
        propensity: (n,) their chances as known.
        expected: (n, K) chances estimated from fields, p, by models that did not see the case.
        cluster: as for `estimate`.
    """
    weights = expected[np.arange(len(mix)), mix] ** 2 / propensity
    found = []
    for number, likely in enumerate(expected.T**2):
        if not likely.any():
            # Nobody gets this mix: there is nothing that could be weighed wrongly.
            found.append(Estimate(value=1.0, error=0.0, low=1.0, high=1.0))
            continue
        found.append(ratio(np.where(mix == number, weights, 0.0), likely, cluster))
    return tuple(found)


def apart(weight: Estimate) -> float:
    """Gives how far a mean weight is from 1 beyond four standard errors, 0 if it is not."""
    return max(0.0, abs(weight.value - 1) - ERRORS * weight.error)
