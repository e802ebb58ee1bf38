"""Values of policies from logged cases, with intervals: doubly robust, and by propensities.

A policy is (n, K) probabilities of each mix, or (n,) mix numbers. `chance` is e_A(x), the
probability of the mix that was logged, shape (n,), never clipped. Every estimator returns
linearised scores, shape (n,): their mean is the estimate, and their spread over cases its standard
error (influence function). So values, paired differences and groups all come from one function,
`estimate`. The mean of a model's own predictions (direct method) is not here: it measures what the
model believes, and covered the truth in 0 of 100 trials.
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

from training.evaluation.clusters import clustered_error
from training.evaluation.figures import (
    ESTIMATORS,
    NOT_ENOUGH,
    OK,
    QUANTILES,
    Estimate,
    MixOverlap,
)
from training.learning.scores import Floats, Numbers

CONFIDENCE = 0.90
UPPER = (1 + CONFIDENCE) / 2
# Why these bounds: see `overlap_verdict`.
RARE = 0.01
ENOUGH_CASES = 200.0
ENOUGH_SHARE = 0.02
MOST_RARE = 0.05
BARS = 20
# What sums of probabilities may miss 1 by, having been stored and read.
_ROUNDING = 1e-6


def policy_matrix(policy: Floats | Numbers, mixes: int) -> Floats:
    """Gives a policy as probabilities of each mix, shape (n, mixes).

    Raises:
        ValueError: if a mix number is outside 0..mixes-1, or a row is no distribution.
    """
    if policy.ndim == 1:
        if len(policy) and not (policy.min() >= 0 and policy.max() < mixes):
            found = f"{policy.min()} to {policy.max()}"
            raise ValueError(f"policy: mix numbers {found}; permitted are 0 to {mixes - 1}")
        chosen: Floats = np.eye(mixes)[policy.astype(np.int64)]
        return chosen
    if (
        policy.shape[1:] != (mixes,)
        or (policy < 0).any()
        or (np.abs(policy.sum(axis=1) - 1) > _ROUNDING).any()
    ):
        raise ValueError(f"policy: rows must be {mixes} probabilities that sum to 1")
    return policy.astype(np.float64)


def policy_weights(policy: Floats, mix: Numbers, chance: Floats) -> Floats:
    """Weighs each logged case under a policy, shape (n,): w_i = pi(A_i | x_i) / e_A(x_i).

    Args:
        policy: (n, K) probabilities.
        mix: (n,) logged mixes A.
        chance: (n,) e_A(x), above 0 and at most 1.

    Raises:
        ValueError: if a chance is outside its bounds.
    """
    if not ((chance > 0) & (chance <= 1)).all():
        raise ValueError(f"chance: {chance.min()} to {chance.max()}; must be above 0 and at most 1")
    weights: Floats = policy[np.arange(len(mix)), mix] / chance
    return weights


def dr_scores(policy: Floats, mu: Floats, mix: Numbers, outcome: Floats, chance: Floats) -> Floats:
    """Gives doubly robust scores, shape (n,); the primary estimator.

        psi_i = sum_a pi(a | x_i) mu_a(x_i) + w_i (Y_i - mu_A(x_i)),   V = mean psi

    Args:
        policy: (n, K) probabilities.
        mu: (n, K) cross-fitted expected outcome of each mix.
        mix: (n,) logged mixes.
        outcome: (n,) Y, 0 to 1.
        chance: (n,) probability of the logged mix.

    Source: Dudik, Langford, Li 2011; Robins, Rotnitzky, Zhao 1994.
    """
    scores: Floats = (policy * mu).sum(axis=1) + policy_weights(policy, mix, chance) * _residual(
        mu, mix, outcome
    )
    return scores


def sndr_scores(
    policy: Floats, mu: Floats, mix: Numbers, outcome: Floats, chance: Floats
) -> Floats:
    """Gives self-normalised doubly robust scores, shape (n,); arguments as for `dr_scores`.

        V = mean_i sum_a pi(a | x_i) mu_a(x_i) + R,   R = sum_i w_i (Y_i - mu_A) / sum_i w_i
        psi_i = sum_a pi(a | x_i) mu_a(x_i) + R + w_i (Y_i - mu_A - R) / mean(w)

    Raises:
        ValueError: if no logged case got a mix of the policy.

    Source: Thomas, Brunskill 2016 (weighted doubly robust), linearised by the delta method.
    """
    direct: Floats = (policy * mu).sum(axis=1)
    return direct + _ratio_scores(policy_weights(policy, mix, chance), _residual(mu, mix, outcome))


def snips_scores(policy: Floats, mix: Numbers, outcome: Floats, chance: Floats) -> Floats:
    """Gives self-normalised inverse-propensity scores, shape (n,).

        V = sum_i w_i Y_i / sum_i w_i,   psi_i = V + w_i (Y_i - V) / mean(w)

    Raises:
        ValueError: if no logged case got a mix of the policy.

    Source: Swaminathan, Joachims 2015; Hajek 1971.
    """
    return _ratio_scores(policy_weights(policy, mix, chance), outcome)


def ips_scores(policy: Floats, mix: Numbers, outcome: Floats, chance: Floats) -> Floats:
    """Gives inverse-propensity scores, shape (n,): psi_i = w_i Y_i (Horvitz, Thompson 1952)."""
    return policy_weights(policy, mix, chance) * outcome


def policy_values(
    policy: Floats,
    mu: Floats,
    mix: Numbers,
    outcome: Floats,
    chance: Floats,
    cluster: Numbers | None = None,
) -> dict[str, Estimate]:
    """Values a policy by each of `ESTIMATORS`; arguments as for `dr_scores` and `estimate`.

    With estimated propensities the intervals of ips and snips treat them as known, which makes them
    wide rather than narrow (Hirano, Imbens, Ridder 2003); those of dr and sndr do not depend on it
    to first order.
    """
    scores = (
        dr_scores(policy, mu, mix, outcome, chance),
        sndr_scores(policy, mu, mix, outcome, chance),
        snips_scores(policy, mix, outcome, chance),
        ips_scores(policy, mix, outcome, chance),
    )
    return {name: estimate(one, cluster) for name, one in zip(ESTIMATORS, scores, strict=True)}


def estimate(scores: Floats, cluster: Numbers | None = None) -> Estimate:
    """Gives the mean of scores with standard error and two-sided 90 per cent interval.

    Args:
        scores: (n,) linearised scores; the difference of two policies' scores gives their paired
            difference.
        cluster: (n,) or (n, ways) numbers of what each case belongs to, such as its office, or its
            person and its office; None where cases count as independent. Where all cases are of
            one cluster the interval is about that one alone.

    Raises:
        ValueError: if there are fewer than two cases.

    Source: `clustered_error`; quantiles of Student's t, for few clusters make normal ones too
    short.
    """
    if len(scores) < 2:
        raise ValueError(f"scores: {len(scores)} cases; at least 2 are needed for a standard error")
    value = float(scores.mean())
    error, freedom = clustered_error(scores - value, cluster)
    reach = error * float(stdtrit(freedom, UPPER))
    return Estimate(value=value, error=error, low=value - reach, high=value + reach)


def ratio(numerator: Floats, denominator: Floats, cluster: Numbers | None = None) -> Estimate:
    """Gives a ratio of two means with its error, linearised (delta method).

    Args:
        numerator: (n,).
        denominator: (n,), its mean not 0.
        cluster: as for `estimate`.
    """
    mean = float(denominator.mean())
    found = float(numerator.mean()) / mean
    return estimate(found + (numerator - found * denominator) / mean, cluster)


def effective_cases(weights: Floats) -> float:
    """Gives the effective sample size, (sum w)^2 / sum w^2, from 0 to n (Kish 1965)."""
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def rare_share(policy: Floats, chances: Floats) -> float:
    """Gives the share of cases whose mix by the policy had a propensity below 0.01 there.

    Args:
        policy: (n, K) probabilities.
        chances: (n, K) propensity of every mix.
    """
    return float((policy * (chances < RARE)).sum(axis=1).mean())


def overlap_verdict(effective: float, cases: int, rare: float) -> str:
    """Says whether the log can tell a policy's worth: `OK` or `NOT_ENOUGH`.

    The rule: at least 200 effective cases and at least 2 per cent of all, and at most 5 per cent of
    cases given a mix that had a propensity below 0.01 there. Beyond that the value rests on a few
    heavy cases or on the outcome model alone, and an interval that looks narrow is not to be
    believed. Some rare mixes are borne: where advisers try everything in a few per cent of cases,
    each of six mixes has a chance just below 0.01, which is real.
    """
    enough = effective >= max(ENOUGH_CASES, ENOUGH_SHARE * cases)
    return OK if enough and rare <= MOST_RARE else NOT_ENOUGH


def mix_overlap(chances: Floats, mix: Numbers, names: tuple[str, ...]) -> tuple[MixOverlap, ...]:
    """Tells how often each mix was chosen, and might have been.

    By quantiles, and a histogram of 20 bars over 0 to 1.

    Args:
        chances: (n, K) propensity of every mix.
        mix: (n,) logged mixes.
        names: of the K mixes.
    """
    return tuple(
        MixOverlap(
            mix=name,
            logged=float((mix == number).mean()),
            quantiles=tuple(np.quantile(chances[:, number], QUANTILES).tolist()),
            below_one_percent=float((chances[:, number] < RARE).mean()),
            histogram=tuple(np.histogram(chances[:, number], BARS, (0.0, 1.0))[0].tolist()),
        )
        for number, name in enumerate(names)
    )


def _residual(mu: Floats, mix: Numbers, outcome: Floats) -> Floats:
    residual: Floats = outcome - mu[np.arange(len(mix)), mix]
    return residual


def _ratio_scores(weights: Floats, values: Floats) -> Floats:
    """Gives linearised scores of the ratio sum(w y) / sum(w).

    Raises:
        ValueError: if all weights are 0.
    """
    mean = weights.mean() if len(weights) else 0.0
    if mean == 0:
        nothing = "no logged case got the mix that the policy gives, so there is nothing to average"
        raise ValueError(f"policy: {nothing}")
    ratio = float(weights @ values / weights.sum())
    scores: Floats = ratio + weights * (values - ratio) / mean
    return scores
