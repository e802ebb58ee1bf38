"""Do effects vary between cases, and are predicted ones true? By doubly robust scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from training.evaluation.estimators import estimate, ratio
from training.evaluation.figures import (
    Calibration,
    Estimate,
    Fidelity,
    Heterogeneity,
    Reliability,
    Tenth,
)
from training.learning.scores import Floats, Numbers

# The least p-value is then 1 in 501, a twenty-fifth of the level.
PERMUTATIONS = 500
SIGNIFICANT = 0.05
TENTHS = 10
_LEVEL = 0.90
# Outcome points: far below what anybody could tell, far above rounding.
_NOTHING = 1e-9


def heterogeneity(
    values: Floats,
    scores: Floats,
    permitted: NDArray[np.bool_],
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> Heterogeneity:
    """Tests by permutation that "each mix's effect is the same for every case".

    Predicted contrasts v and scores G are centred over the permitted mixes of a case, then over the
    cases with the same permitted mixes. The statistic is the t-ratio of q_i = sum_a v_ia G_ia.
    Under the hypothesis it does not matter which case a prediction belongs to, so the rows of v are
    permuted among cases with the same permitted mixes. A t-ratio, not a mean, is permuted, since
    some cases' scores are noisier than others' and predictions may know which.

        p = (1 + number of permuted t >= t) / (1 + permutations)

    Args:
        values: (n, K) predictions that never saw these cases' outcomes.
        scores: (n, K) doubly robust scores of the same cases.
        permitted: (n, K) mixes that each case may get; a mix nobody might have got says nothing.
        permutations: how many.
        seed: of the permutations.

    Source: Chernozhukov, Demirer, Duflo, Fernandez-Val 2018 (best linear predictor of effects);
    Chung, Romano 2013 (studentised permutation tests).
    """
    _, stratum = np.unique(permitted, axis=0, return_inverse=True)
    stratum = stratum.ravel()
    predicted = _within(values, permitted, stratum)
    observed = _within(scores, permitted, stratum)
    if np.abs(predicted).max(initial=0.0) < _NOTHING:
        # Predictions that are the same for all say nothing of variation; what is left of them
        # is rounding, whose sign is no evidence.
        return Heterogeneity(statistic=0.0, p_value=1.0, permutations=permutations, found=False)
    statistic = _t_ratio(predicted, observed)

    rng = np.random.default_rng(seed)
    # Once: no permutation moves it.
    target = observed[np.argsort(stratum, kind="stable")]
    as_high = 0
    for _ in range(permutations):
        # Sorted by stratum and, within it, at random: a permutation of each stratum.
        drawn = np.lexsort((rng.random(len(stratum)), stratum))
        as_high += _t_ratio(predicted[drawn], target) >= statistic

    # The observed order counts as one of them, or p could be 0.
    p_value = (1 + as_high) / (1 + permutations)
    return Heterogeneity(
        statistic=statistic,
        p_value=p_value,
        permutations=permutations,
        found=bool(p_value < SIGNIFICANT),
    )


def _within(values: Floats, permitted: NDArray[np.bool_], stratum: Numbers) -> Floats:
    """Centres values over permitted mixes, then over a stratum's cases; 0 where not permitted."""
    count = np.maximum(permitted.sum(axis=1, keepdims=True), 1)
    kept = np.where(permitted, values, 0.0)
    kept = np.where(permitted, kept - kept.sum(axis=1, keepdims=True) / count, 0.0)

    sizes = np.bincount(stratum)
    means = np.column_stack([np.bincount(stratum, weights=column) / sizes for column in kept.T])
    centred: Floats = kept - means[stratum]
    return centred


def _t_ratio(predicted: Floats, observed: Floats) -> float:
    products = np.einsum("ij,ij->i", predicted, observed)
    spread = float(products.std())
    return float(products.mean()) / spread * len(products) ** 0.5 if spread > 0 else 0.0


def calibration(predicted: Floats, observed: Floats, cluster: Numbers | None = None) -> Calibration:
    """Compares predicted gains with doubly robust ones.

    The slope is that of least squares with an intercept, sandwich standard error. The error is the
    root mean square distance of the tenths from the diagonal, less what chance alone would give:

        error^2 = max(0, sum_t n_t / n ((observed_t - predicted_t)^2 - se_t^2))

    Args:
        predicted: (n,) gain that the model expects, from what is known of a case before its mix is
            chosen.
        observed: (n,) doubly robust scores of the gain.
        cluster: (n,) or (n, ways), as for `estimate`.

    Raises:
        ValueError: if there are fewer than 20 cases.

    Source: Xu, Yadlowsky 2022 (calibration error of effects); Kumar, Liang, Ma 2019 (debiased
    error).
    """
    cases = len(predicted)
    tenths = _tenths(predicted, observed, cluster)
    excess = sum(
        one.cases / cases * ((one.observed.value - one.predicted) ** 2 - one.observed.error**2)
        for one in tenths
    )
    return Calibration(
        tenths=tenths,
        slope=_slope(predicted, observed, cluster),
        error=float(max(0.0, excess)) ** 0.5,
    )


def reliability(shown: Floats, outcome: Floats, cluster: Numbers | None = None) -> Reliability:
    """Compares shown probabilities with what came of the cases.

        error = sum_t w_t |observed_t - shown_t|,      w_t = n_t / n

    A sum of distances is above 0 by chance alone. Its interval is what the tenths' true distances
    can sum up to within their joint 90 per cent region, error -+ sqrt(chi2 * sum_t (w_t se_t)^2),
    which holds the truth at least so often (Cauchy, Schwarz).

    Args:
        shown: (n,) probability of the mix that each case was given, from a model that never saw the
            case.
        outcome: (n,) 0 to 1.
        cluster: (n,) or (n, ways), as for `estimate`.

    Raises:
        ValueError: if there are fewer than 20 cases.

    Source: Naeini, Cooper, Hauskrecht 2015 (expected calibration error).
    """
    tenths = _tenths(shown, outcome, cluster)
    weight = np.array([one.cases for one in tenths]) / len(shown)
    distance = np.array([abs(one.observed.value - one.predicted) for one in tenths])
    errors = np.array([one.observed.error for one in tenths])
    error = float(weight @ distance)
    reach = float(np.sqrt(chi2.ppf(_LEVEL, len(tenths)) * ((weight * errors) ** 2).sum()))
    return Reliability(
        tenths=tenths,
        error=error,
        low=max(0.0, error - reach),
        high=error + reach,
        # The mean distance of a normal from its centre.
        chance=float(weight @ errors * np.sqrt(2 / np.pi)),
    )


def _tenths(predicted: Floats, observed: Floats, cluster: Numbers | None) -> tuple[Tenth, ...]:
    if len(predicted) < 2 * TENTHS:
        needed = f"at least {2 * TENTHS} are needed for tenths"
        raise ValueError(f"predicted: {len(predicted)} cases; {needed}")
    return tuple(
        Tenth(
            predicted=float(predicted[part].mean()),
            observed=estimate(observed[part], None if cluster is None else cluster[part]),
            cases=len(part),
        )
        for part in np.array_split(np.argsort(predicted, kind="stable"), TENTHS)
    )


def _slope(predicted: Floats, observed: Floats, cluster: Numbers | None) -> Estimate:
    away = predicted - predicted.mean()
    spread = float(away @ away) / len(away)
    if spread <= np.finfo(np.float64).eps:
        # Predictions that are all alike have no slope to be wrong; their level is judged by the
        # error.
        return Estimate(value=1.0, error=0.0, low=1.0, high=1.0)

    slope = float(away @ observed) / len(away) / spread
    residual = observed - observed.mean() - slope * away
    return estimate(slope + away * residual / spread, cluster)


def fidelity(
    tables: Floats,
    stack: Floats,
    scores: Floats,
    permitted: NDArray[np.bool_],
    *,
    weights: dict[str, float],
    pairs: tuple[tuple[str, str], ...],
    cluster: Numbers | None = None,
) -> Fidelity:
    """Tells what distillation kept of the stack, on held-out cases, within permitted mixes.

    Args:
        tables: (n, K) values that would be served.
        stack: (n, K) values of the stack they were distilled from.
        scores: (n, K) doubly robust scores.
        permitted: (n, K) mixes that each case may get.
        weights: of each teacher, passed on.
        pairs: of fields, passed on.
        cluster: (n,) or (n, ways), as for `estimate`.
    """
    each = np.arange(len(tables))
    best = [np.where(permitted, values, -np.inf).argmax(axis=1) for values in (tables, stack)]

    # As one stratum, which leaves average contrasts out: teachers have no say in those.
    stratum = np.zeros(len(tables), np.int64)
    contrasts = [_within(values, permitted, stratum) for values in (tables, stack)]
    spread = (contrasts[1] ** 2).sum(axis=1)
    lost = ((contrasts[1] - contrasts[0]) ** 2).sum(axis=1)
    kept = _kept(lost, spread, cluster)
    return Fidelity(
        contrasts_r2=kept.value,
        best_differs=float((best[0] != best[1]).mean()),
        weights=weights,
        pairs=pairs,
        lost=estimate(scores[each, best[1]] - scores[each, best[0]], cluster),
        contrasts=kept,
    )


def _kept(lost: Floats, spread: Floats, cluster: Numbers | None) -> Estimate:
    """Gives 1 - lost / spread, from 0 to 1; all of it where neither is more than nothing."""
    if spread.mean() < _NOTHING**2:
        # What does not vary can only be spoilt.
        value = float(lost.mean() < _NOTHING**2)
        return Estimate(value=value, error=0.0, low=value, high=value)
    found = ratio(spread - lost, spread, cluster)
    value, low, high = (min(1.0, max(0.0, one)) for one in (found.value, found.low, found.high))
    return Estimate(value=value, error=found.error, low=low, high=high)
