"""What is known before a log is seen, and how far the log bears it out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from training.learning.scores import Floats
from training.learning.stack import centred

# Of the slope with which the log confirms a prior: mostly it is right but for its size, sometimes
# it has nothing to do with the log.
_RIGHT, _NOTHING = (0.8, 1.0, 0.5), (0.2, 0.0, 0.5)
"""Probability, mean and standard deviation of each."""
# Mean chi-square a contrast from which the log's means and the prior's cannot be of one thing.
CONFLICT = 2.2
# Of means, as a share of their errors' variance: what looks best stays so where nothing is sure.
_LEAST_SPREAD = 0.05


@dataclass(frozen=True, kw_only=True)
class Prior:
    """Values of every mix as sums of one-column tables, with their uncertainty in folds.

    Attributes:
        numbers: of each column of the rows, the known numbers that have entries, rising.
        tables: of each column the entry for unknown, then one for each number, shape (numbers + 1,
            mixes, folds); a number without an entry counts as the one below it.
        intercept: (mixes, folds).
    """

    numbers: tuple[Floats, ...]
    tables: tuple[Floats, ...]
    intercept: Floats

    def values(self, rows: Floats) -> Floats:
        """Gives the value of each mix, centred over mixes, shape (n, mixes)."""
        total = np.tile(self.intercept.mean(axis=1), (len(rows), 1))
        for places, table in zip(self._places(rows), self.tables, strict=True):
            total += table.mean(axis=2)[places]
        return centred(total)

    def means(self, rows: Floats) -> tuple[Floats, Floats]:
        """Gives the mean value of each mix over rows, centred, and its covariance."""
        total = self.intercept.copy()
        for places, table in zip(self._places(rows), self.tables, strict=True):
            shares = np.bincount(places, minlength=len(table)) / len(rows)
            total += np.tensordot(shares, table, axes=1)
        total -= total.mean(axis=0)
        spread = total - total.mean(axis=1, keepdims=True)
        folds = total.shape[1]
        return total.mean(axis=1), (folds - 1) / folds * (spread @ spread.T)

    def _places(self, rows: Floats) -> list[np.ndarray[tuple[int], np.dtype[np.intp]]]:
        return [
            np.where(np.isnan(column), 0, np.searchsorted(known, column, side="right"))
            for column, known in zip(rows.T, self.numbers, strict=True)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """How prior and log were joined.

    Attributes:
        slope: of the log's contrasts between people on the prior's: 1 if the log says the same.
        slope_error: its standard error.
        weight: that the prior's differences between people were given.
        chi_square: how far the mixes' means are apart, a contrast, in their common errors; about 1
            by chance.
        conflict: whether they are too far apart, so that the log's alone were taken.
        known: (mixes,) mean value by the prior, centred.
        logged: (mixes,) by the log.
        means: (mixes,) as joined.
    """

    slope: float
    slope_error: float
    weight: float
    chi_square: float
    conflict: bool
    known: Floats
    logged: Floats
    means: Floats


def slope_on(known: Floats, treated: Floats, target: Floats) -> tuple[float, float]:
    """Regresses what the log leaves to explain on a prior's differences between people.

        min over slope of sum_i (target_i - slope * sum_a r_ia known_ia)^2

    Args:
        known: (n, mixes) the prior's values, less their mean over the cases.
        treated: (n, mixes) r_ia = 1{A = a} - e_a(x).
        target: (n,) Y - m(x) - r(means).

    Returns:
        The slope and its sandwich error; 0 and infinity where the prior tells nobody apart.
    """
    design = (treated * known).sum(axis=1)
    squares = float(design @ design)
    if squares == 0:
        return 0.0, np.inf
    slope = float(design @ target) / squares
    residual = target - slope * design
    return slope, float(np.sqrt(((design * residual) ** 2).sum())) / squares


def believed(slope: float, error: float, *, denied: bool = False) -> float:
    """Gives the posterior mean of the slope, at least 0.

    One slope for the whole prior: of its parts a log of this size tells nothing.

    Args:
        slope: found in the log.
        error: its standard error.
        denied: whether the log contradicts the prior's means: then it is hardly right of people.
    """
    if not np.isfinite(error):
        return 0.0
    chances, means = [], []
    for share, centre, spread in (_NOTHING,) if denied else (_RIGHT, _NOTHING):
        total = spread**2 + error**2
        chances.append(np.log(share) + norm.logpdf(slope, centre, np.sqrt(total)))
        means.append((centre * error**2 + slope * spread**2) / total)
    weights = np.exp(np.array(chances) - max(chances))
    return max(0.0, float(weights @ np.array(means) / weights.sum()))


def shrunk_means(means: Floats, covariance: Floats) -> Floats:
    """Draws the mixes' means together as far as their errors could have parted them.

    The best of several uncertain means looks better than it is, and would then be chosen for
    everybody before a difference between people is heard. The means' own spread is that which
    explains their squares beside the errors; mixes with larger errors are drawn further.

    Args:
        means: (..., mixes) from the log, centred.
        covariance: (mixes, mixes) of them.

    Source: the empirical Bayes estimator (Efron and Morris 1973; James and Stein 1961).
    """
    mixes = len(covariance)
    # An orthonormal basis of what tells mixes apart: centred means have a singular covariance.
    basis = np.linalg.svd(np.eye(mixes) - 1 / mixes)[0][:, : mixes - 1]
    errors = basis.T @ covariance @ basis
    found = means @ basis
    centre = found.reshape(-1, mixes - 1).mean(axis=0)
    noise = float(np.trace(errors)) / (mixes - 1)
    if noise == 0:
        return means
    spread = max(_LEAST_SPREAD * noise, float(centre @ centre) / (mixes - 1) - noise)
    drawn = spread * np.linalg.inv(spread * np.eye(mixes - 1) + errors)
    shrunk: Floats = found @ drawn.T @ basis.T
    return shrunk


def joined_means(
    logged: Floats, covariance: Floats, known: Floats, uncertainty: Floats
) -> tuple[Floats, float]:
    """Weighs two means of each mix by their precision.

    Args:
        logged: (..., mixes) from the log, centred.
        covariance: (mixes, mixes) of them.
        known: (mixes,) from the prior, centred.
        uncertainty: (mixes, mixes) of them.

    Returns:
        The means, (..., mixes), and how far both are apart: their mean chi-square a contrast.
    """
    # Contrasts to the first mix: centred means have a covariance without an inverse.
    contrast = np.column_stack([-np.ones(len(known) - 1), np.eye(len(known) - 1)])
    apart = (logged - known) @ contrast.T
    both = contrast @ (covariance + uncertainty) @ contrast.T
    mean = apart.reshape(-1, len(both)).mean(axis=0)
    distance = float(mean @ np.linalg.solve(both, mean)) / len(both)

    # What the log moves of the prior: its uncertainty over that of both.
    moved = apart @ np.linalg.solve(both, contrast @ uncertainty @ contrast.T)
    contrasts = known @ contrast.T + moved
    whole = np.concatenate([np.zeros((*contrasts.shape[:-1], 1)), contrasts], axis=-1)
    return centred(whole), distance
