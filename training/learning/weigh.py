"""How much to believe: of the log's means, of what was known before, and of each teacher."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from training.learning.prior import (
    CONFLICT,
    Joined,
    Prior,
    believed,
    joined_means,
    shrunk_means,
    slope_on,
)
from training.learning.scores import Floats, Numbers, treatment_residuals
from training.learning.stack import centred, left_over, residual_means, stack_weights
from training.learning.teachers import Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What is believed.

    Attributes:
        means: (folds, mixes) value of each mix on average, without each fold, centred.
        weights: (teachers, mixes) to use.
        plausible: (teachers, mixes) with which effects vary as much as they seem to.
        prior: what was known before, or None.
        offset: (mixes,) its mean over the cases.
        belief: weight of its differences between people.
        joined: how it was joined with the log, or None.
    """

    means: Floats
    weights: Floats
    plausible: Floats
    prior: Prior | None
    offset: Floats
    belief: float
    joined: Joined | None

    def with_prior(self, values: Values) -> Values:
        """Adds the prior's differences between people, as far as believed, to a stack's values."""
        prior = self.prior
        if prior is None or not self.belief:
            return values
        return _WithPrior(values=values, prior=prior, belief=self.belief, offset=self.offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class _WithPrior:
    values: Values
    prior: Prior
    belief: float
    offset: Floats

    def __call__(self, rows: Floats) -> Floats:
        found: Floats = self.values(rows) + self.belief * (self.prior.values(rows) - self.offset)
        return found


def weigh(
    unseen: Floats,
    scores: Floats,
    *,
    fold: Numbers,
    chances: Floats,
    mean: Floats,
    rows: Floats,
    mix: Numbers,
    outcome: Floats,
    prior: Prior | None,
) -> Weighed:
    """Weighs means, prior and teachers by the log.

    The means of a mix are those of two views with errors of their own, averaged: of the doubly
    robust scores, which are clipped, and of the R-loss, which has to be told for whom a mix is
    worth more. Without a prior they are then drawn together as far as their errors could have
    parted them; with one, both are weighed by their precision.

    Args:
        unseen: (teachers, n, mixes) values by teachers that never saw the case, less their mean.
        scores: (n, mixes) doubly robust, clipped.
        fold: (n,) fold of each case, from 0.
        chances: (n, mixes) propensities e_a(x).
        mean: (n,) expected outcome under the logged policy m(x), which never saw the case.
        rows: (n, features).
        mix: (n,) logged mixes.
        outcome: (n,) 0 to 1.
        prior: what was known before, or None.
    """
    mixes, target = scores.shape[1], outcome - mean
    # Of the other folds, as the teachers are: a case's own outcome may not judge its mean.
    held = range(int(fold.max()) + 1)
    means = centred(np.stack([scores[fold != one].mean(axis=0) for one in held]))

    covariance = np.cov(centred(scores), rowvar=False) / len(scores)
    known, belief, slope, error = np.zeros((1, mixes)), 0.0, 0.0, np.inf
    offset = np.zeros(mixes)
    if prior is not None:
        known = prior.values(rows)
        offset = known.mean(axis=0)
        known = known - offset
        slope, error = slope_on(
            known,
            treatment_residuals(chances, mix),
            target - left_over(means[fold], chances, mix),
        )
        belief = believed(slope, error)

    def weights(means: Floats) -> tuple[Floats, Floats]:
        worth = means[fold] + belief * known
        return stack_weights(unseen, worth, chances, mean, mix, outcome)

    used, _ = weights(means)
    # One after the other: together they would be as large as what all teachers gave.
    differences = reduce(np.add, (one * values for one, values in zip(used, unseen, strict=True)))
    differences += belief * known
    own = residual_means(treatment_residuals(chances, mix), target, differences, fold)
    logged = (means + own) / 2

    joined, means = None, shrunk_means(logged, covariance)
    if prior is not None:
        expected, uncertainty = prior.means(rows)
        both, distance = joined_means(logged, covariance, expected, uncertainty)
        if distance > CONFLICT:
            belief = believed(slope, error, denied=True)
        else:
            means = both
        joined = Joined(
            slope=slope,
            slope_error=error,
            weight=belief,
            chi_square=distance,
            conflict=distance > CONFLICT,
            known=expected,
            logged=logged.mean(axis=0),
            means=means.mean(axis=0),
        )

    final, plausible = weights(means)
    return Weighed(
        means=means,
        weights=final,
        plausible=plausible,
        prior=prior,
        offset=offset,
        belief=belief,
        joined=joined,
    )
