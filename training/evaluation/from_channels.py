"""What a mix is worth by its channels: for exploration, and never for advice.

    theta_a = phi(z_a)' beta + u_a,   u ~ N(0, tau^2),   theta_hat_a - theta_a ~ N(0, Sigma)
    beta = (phi' W phi)^-1 phi' W theta_hat,   W = (Sigma + tau^2 I)^-1

z_a are the contacts of mix a by channel. A contact adds less than the one before it, so phi is the
logarithm of one and the contacts, for each channel, beside a constant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2

from training.learning.scores import Floats

TAU_BOUND = 0.8
"""Confidence of the upper bound of tau^2: with few mixes the likeliest tau is often 0."""
_WIDEST = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FromChannels:
    """A fit of what mixes are worth on their channels.

    Attributes:
        beta: (p,) worth of a unit of each term.
        weight: (p, K) how beta follows from the estimates of the K mixes.
        variance: (p, p) of beta.
        tau: standard deviation of what a mix is worth beside its channels, its upper bound.
    """

    beta: Floats
    weight: Floats
    variance: Floats
    tau: float

    def worth(self, terms: Floats) -> tuple[Floats, Floats]:
        """Predicts what mixes are worth that were never logged.

        Args:
            terms: (m, p) rows of `terms_of`.

        Returns:
            (m,) values, and (m, m) the covariance of their errors, what no channel tells included.
        """
        covariance = terms @ self.variance @ terms.T + self.tau**2 * np.eye(len(terms))
        return terms @ self.beta, covariance


def terms_of(contacts: Floats) -> Floats:
    """Gives the terms of mixes, shape (mixes, channels + 1), by contacts of each channel."""
    return np.column_stack([np.ones(len(contacts)), np.log1p(contacts)])


def fit_from_channels(terms: Floats, worth: Floats, sigma: Floats) -> FromChannels:
    """Fits what mixes are worth on their channels.

    Args:
        terms: (K, p), of full column rank, K above p.
        worth: (K,) estimates.
        sigma: (K, K) covariance of their errors.

    Raises:
        ValueError: if there are no more mixes than terms, or terms cannot be told apart.
    """
    mixes, count = terms.shape
    if mixes <= count or np.linalg.matrix_rank(terms) < count:
        raise ValueError(f"terms: {count} of {mixes} mixes; must be fewer, and independent")
    tau2 = tau2_bound(terms, worth, sigma)
    beta, weight, variance = _least_squares(terms, worth, sigma, tau2)
    return FromChannels(beta=beta, weight=weight, variance=variance, tau=tau2**0.5)


def tau2_bound(terms: Floats, worth: Floats, sigma: Floats) -> float:
    """Gives the upper 80 per cent bound of tau^2 by the Q-profile; 0 if even that fits 0.

        Q(tau^2) = r' (Sigma + tau^2 I)^-1 r = chi^2_(K - p) quantile at 0.2,   r: residuals

    Source: Viechtbauer 2007 (Q-profile), here with correlated errors.
    """
    mixes, count = terms.shape
    aim = float(chi2.ppf(1 - TAU_BOUND, mixes - count))

    def over(tau2: float) -> float:
        beta, _, _ = _least_squares(terms, worth, sigma, tau2)
        left = worth - terms @ beta
        return float(left @ np.linalg.solve(sigma + tau2 * np.eye(mixes), left)) - aim

    # Outcomes are from 0 to 1, so no spread of their means is above 1.
    if over(0.0) <= 0:
        return 0.0
    return _WIDEST if over(_WIDEST) > 0 else float(brentq(over, 0.0, _WIDEST))


def left_out(terms: Floats, worth: Floats, sigma: Floats) -> tuple[Floats, Floats]:
    """Predicts each mix from the others.

    Returns:
        (K,) differences of estimate and prediction, and their standard errors; NaN of a mix without
        which some term cannot be told.
    """
    mixes = len(worth)
    apart, errors = np.full(mixes, np.nan), np.full(mixes, np.nan)
    for held in range(mixes):
        kept = np.arange(mixes) != held
        try:
            fit = fit_from_channels(terms[kept], worth[kept], sigma[np.ix_(kept, kept)])
        except ValueError:
            continue
        predicted, covariance = fit.worth(terms[held : held + 1])
        # Both are of the same cases: their errors go together.
        shared = float((terms[held] @ fit.weight) @ sigma[kept, held])
        apart[held] = worth[held] - predicted[0]
        errors[held] = (covariance[0, 0] + sigma[held, held] - 2 * shared) ** 0.5
    return apart, errors


def _least_squares(
    terms: Floats, worth: Floats, sigma: Floats, tau2: float
) -> tuple[Floats, Floats, Floats]:
    weighted = np.linalg.solve(sigma + tau2 * np.eye(len(worth)), terms)
    variance = np.linalg.inv(terms.T @ weighted)
    weight = variance @ weighted.T
    return weight @ worth, weight, variance
