"""How much hidden confounding a gain survives: the marginal sensitivity model, solved exactly.

Advisers see severity that no field holds. Suppose that given it, the odds of the logged mix were up
to Gamma times higher or lower than the propensity says. A logged case then stands for not 1/e cases
but for

    1 + (1/e - 1) / Gamma   to   1 + (1/e - 1) * Gamma,

and the gain may be anything that weights within these bounds give. Source: Tan 2006; Zhao, Small,
Bhattacharya 2019; for policies Kallus, Zhou 2021.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from training.evaluation.estimators import estimate
from training.evaluation.figures import STRONGEST, Sensitivity
from training.learning.scores import Floats, Numbers

GAMMAS = (1.0, 1.05, 1.1, 1.15, 1.25, 1.5, 2.0, 3.0)
# Of the log odds up to 3: the odds ratio is then exact to nine digits.
_HALVINGS = 30


def gain_scores(
    difference: Floats,
    mu: Floats,
    mix: Numbers,
    outcome: Floats,
    chance: Floats,
    gamma: float,
    *,
    lowest: bool,
) -> Floats:
    """Gives linearised scores of the lowest or highest gain under odds ratio `gamma`, (n,).

    `estimate` means them. With d = pi_1 - pi_2, r = Y - mu_A, and T = mean_i sum_a max(d_a, 0), the
    share of cases that are treated otherwise:

        gain = mean_i sum_a d_a mu_a + T * (R_plus - R_minus),
        R_plus = sum w_i max(d_A, 0) r_i / sum w_i max(d_A, 0),
        R_minus likewise with max(-d_A, 0).

    The cases of R_plus and R_minus are different ones, so each is minimised or maximised by itself;
    in a ratio of sums the extreme weights are high below a threshold of r and low above it (or the
    reverse), and all thresholds are tried. By the envelope theorem the weights may be held fixed in
    the standard error.

    Args:
        difference: (n, K) pi_1 - pi_2, rows sum to 0.
        mu: (n, K) cross-fitted expected outcomes.
        mix: (n,) logged mixes.
        outcome: (n,) 0 to 1.
        chance: (n,) propensity of the logged mix.
        gamma: odds ratio, 1 or more; 1 gives the self-normalised doubly robust gain.
        lowest: the lowest gain, else the highest.

    Raises:
        ValueError: if gamma is below 1.
    """
    if not gamma >= 1:
        raise ValueError(f"gamma: {gamma}; must be 1 or more")

    each = np.arange(len(mix))
    given, residual = difference[each, mix], outcome - mu[each, mix]
    moved = np.maximum(difference, 0).sum(axis=1)

    # The gain is lowest where the candidate's own cases do worst and the other policy's best.
    plus, sure = _extreme(np.maximum(given, 0), residual, chance, gamma, lowest=lowest)
    minus, other = _extreme(np.maximum(-given, 0), residual, chance, gamma, lowest=not lowest)
    scores: Floats = (
        (difference * mu).sum(axis=1) + moved * (plus - minus) + moved.mean() * (sure - other)
    )
    return scores


def sensitivity(
    than: str,
    first: Floats,
    second: Floats,
    mu: Floats,
    mix: Numbers,
    outcome: Floats,
    chance: Floats,
    cluster: Numbers | None = None,
) -> Sensitivity:
    """Bounds the gain of one policy over another by odds ratio.

    And finds the odds ratio that takes the gain away. Bounds are ends of 90 per cent intervals:
    sampling error is in them. `gamma` is found by bisection, to at most 20.

    Args:
        than: name of the second policy.
        first: (n, K) probabilities of the policy that should gain.
        second: (n, K) probabilities of the other.
        mu: (n, K) cross-fitted expected outcomes.
        mix: (n,) logged mixes.
        outcome: (n,) 0 to 1.
        chance: (n,) propensity of the logged mix.
        cluster: (n,) or (n, ways), as for `estimate`.
    """
    difference = first - second

    def lower(gamma: float) -> float:
        return estimate(
            gain_scores(difference, mu, mix, outcome, chance, gamma, lowest=True), cluster
        ).low

    def upper(gamma: float) -> float:
        return estimate(
            gain_scores(difference, mu, mix, outcome, chance, gamma, lowest=False), cluster
        ).high

    return Sensitivity(
        than=than,
        gamma=_last_positive(lower),
        bounds={f"{gamma:g}": (lower(gamma), upper(gamma)) for gamma in GAMMAS},
    )


def survived(sensitivity: Sensitivity, level: float) -> float:
    """Gives the odds ratio at which the lowest gain falls to a level.

    At 0 it is the one found, elsewhere between its bounds.
    """
    if level == 0:
        return sensitivity.gamma
    steps = sorted((float(gamma), low) for gamma, (low, _) in sensitivity.bounds.items())
    survived = 1.0
    for (before, high), (after, low) in pairwise(steps):
        if low > level:
            survived = after
        elif high > level:
            return before + (after - before) * (high - level) / (high - low)
    return survived


def _last_positive(lower: Callable[[float], float]) -> float:
    if lower(1.0) <= 0:
        return 1.0
    if lower(STRONGEST) > 0:
        return STRONGEST
    # Halved in logarithms: 2 is to 1 as 20 is to 10.
    low, high = 0.0, math.log(STRONGEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if lower(math.exp(middle)) > 0 else (low, middle)
    return math.exp(low)


def _extreme(
    given: Floats, residual: Floats, chance: Floats, gamma: float, *, lowest: bool
) -> tuple[float, Floats]:
    """Gives the lowest or highest weighted mean of residuals.

    With its linearised deviations, shape (n,), mean 0.
    """
    used = np.flatnonzero(given > 0)
    if not len(used):
        return 0.0, np.zeros(len(given))
    sign = 1.0 if lowest else -1.0
    order = used[np.argsort(sign * residual[used], kind="stable")]
    odds = 1 / chance[order] - 1
    low, high = given[order] * (1 + odds / gamma), given[order] * (1 + odds * gamma)
    values = sign * residual[order]

    # Threshold t: the t smallest values weigh high, the others low.
    top = np.append(0.0, np.cumsum((high - low) * values)) + low @ values
    bottom = np.append(0.0, np.cumsum(high - low)) + low.sum()
    threshold = int(np.argmin(top / bottom))
    best = float(top[threshold] / bottom[threshold])
    weights = np.where(np.arange(len(order)) < threshold, high, low)
    deviations = np.zeros(len(given))
    deviations[order] = sign * weights * (values - best) * len(given) / weights.sum()
    return sign * best, deviations
