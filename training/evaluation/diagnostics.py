"""What the values rest on: fit of the nuisances, balance of the fields, the largest weights."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import log_loss

from router.cases.features import FEATURES
from router.decision.schema import Rows
from training.data.dataset import LoggedCases
from training.evaluation.estimators import dr_scores, estimate, policy_weights, ratio
from training.evaluation.figures import Diagnostics, Influence, MixDiagnostics, ModelFit
from training.evaluation.propensities import weights_by_fields
from training.learning.crossfit import Nuisances
from training.learning.scores import Floats, Numbers

HEAVIEST = 10
_BINS = 10
# A predicted chance of 0 or 1 that turns out wrong would have no finite logarithm.
_TINY = 1e-6


def diagnostics(
    fitted: Nuisances,
    cases: LoggedCases,
    policy: Floats,
    names: tuple[str, ...],
    cluster: Numbers | None,
) -> Diagnostics:
    """Looks at nuisances and weights on held-out cases.

    Args:
        fitted: nuisances of the cases.
        cases: n of them.
        policy: (n, K) probabilities of the candidate.
        names: of the K mixes.
        cluster: as for `estimate`.
    """
    each, mix, outcome = np.arange(len(cases.mix)), cases.mix, cases.outcome
    expected = fitted.mu[each, mix]
    away = (outcome - outcome.mean()) ** 2
    return Diagnostics(
        propensity=_propensity_fit(fitted.estimated, mix),
        outcome=_outcome_fit(expected, outcome),
        explained=ratio(away - (outcome - expected) ** 2, away, cluster)
        if away.any()
        else estimate(away),
        mixes=_mixes(fitted, cases, names, cluster),
        influence=_influence(fitted, cases, policy, cluster),
    )


def standardised_differences(rows: Rows, weights: Floats) -> tuple[Floats, tuple[str, ...]]:
    """Gives how far weighed cases are from all cases, in standard deviations, by field and value.

        d = |mean_w(x) - mean(x)| / sd(x),      x = 1{value}, or the number of an integer field

    Unknown is a value like any other. Values of under one case in a hundred are left out: their
    deviation is too small to divide by.

    Args:
        rows: (n, features) slots.
        weights: (n,), not all 0.

    Returns:
        The differences, and the field of each.

    Source: Austin 2009 (balance; 0.1 is the customary bound).
    """
    shares = weights / weights.sum()
    found, fields = [], []
    for column, feature in enumerate(FEATURES.features):
        slots = rows[:, column].astype(np.int64)
        before = np.bincount(slots, minlength=feature.slots) / len(slots)
        after = np.bincount(slots, weights=shares, minlength=feature.slots)
        if feature.values:
            common = (before >= 0.01) & (before <= 0.99)
            spread = np.sqrt(before * (1 - before))[common]
            found += (np.abs(after - before)[common] / spread).tolist()
            fields += [feature.name] * int(common.sum())
            continue
        known = slots > 0
        deviation = float(slots[known].std()) if known.any() else 0.0
        if deviation > 0 and shares[known].sum() > 0:
            mean = float(shares[known] @ slots[known] / shares[known].sum())
            found.append(abs(mean - float(slots[known].mean())) / deviation)
            fields.append(feature.name)
    return np.array(found), tuple(fields)


def _mixes(
    fitted: Nuisances, cases: LoggedCases, names: tuple[str, ...], cluster: Numbers | None
) -> tuple[MixDiagnostics, ...]:
    weights = weights_by_fields(cases.mix, fitted.chance, fitted.estimated, cluster)
    found = []
    for number, name in enumerate(names):
        got = cases.mix == number
        if got.sum() < 2:
            # Nothing can be said of a mix that nobody got.
            continue
        residual = cases.outcome[got] - fitted.mu[got, number]
        before, fields = standardised_differences(cases.rows, got.astype(np.float64))
        after, _ = standardised_differences(cases.rows, np.where(got, 1 / fitted.chance, 0.0))
        found.append(
            MixDiagnostics(
                mix=name,
                cases=int(got.sum()),
                chance=float(fitted.estimated[:, number].mean()),
                weight=weights[number],
                expected=float(fitted.mu[got, number].mean()),
                missed=estimate(residual, None if cluster is None else cluster[got]),
                apart=float(before.max(initial=0.0)),
                apart_weighted=float(after.max(initial=0.0)),
                field=fields[int(after.argmax())] if len(after) else "",
            )
        )
    return tuple(found)


def _propensity_fit(chances: Floats, mix: Numbers) -> ModelFit:
    mixes = chances.shape[1]
    given = np.eye(mixes)[mix]
    shares = given.mean(axis=0)
    return ModelFit(
        log_loss=_log_loss(mix, chances),
        blind_log_loss=_log_loss(mix, np.tile(shares, (len(mix), 1))),
        brier=float(((chances - given) ** 2).sum(axis=1).mean()),
        blind_brier=float(((shares - given) ** 2).sum(axis=1).mean()),
        calibration=_distance(chances.ravel(), given.ravel()),
    )


def _outcome_fit(expected: Floats, outcome: Floats) -> ModelFit:
    binary = bool(np.isin(outcome, (0.0, 1.0)).all())
    mean = np.full(len(outcome), outcome.mean())
    return ModelFit(
        log_loss=_log_loss(outcome, np.column_stack([1 - expected, expected])) if binary else None,
        blind_log_loss=_log_loss(outcome, np.column_stack([1 - mean, mean])) if binary else None,
        brier=float(((outcome - expected) ** 2).mean()),
        blind_brier=float(((outcome - mean) ** 2).mean()),
        calibration=_distance(expected, outcome),
    )


def _log_loss(seen: Floats | Numbers, chances: Floats) -> float:
    sure = np.clip(chances, _TINY, 1 - _TINY)
    sure /= sure.sum(axis=1, keepdims=True)
    return float(log_loss(seen, sure, labels=np.arange(chances.shape[1])))


def _distance(predicted: Floats, observed: Floats) -> float:
    parts = np.array_split(np.argsort(predicted, kind="stable"), _BINS)
    apart = [abs(float((observed[part] - predicted[part]).sum())) for part in parts]
    return sum(apart) / len(predicted)


def _influence(
    fitted: Nuisances, cases: LoggedCases, policy: Floats, cluster: Numbers | None
) -> Influence:
    weights = policy_weights(policy, cases.mix, fitted.chance)
    heaviest = np.argsort(weights, kind="stable")[::-1]
    matched = int((weights > 0).sum())
    top = heaviest[: max(1, matched // 100)]
    scores = dr_scores(policy, fitted.mu, cases.mix, cases.outcome, fitted.chance)
    rest = np.sort(heaviest[HEAVIEST:])
    return Influence(
        largest=float(weights.max()),
        top_share=float(weights[top].sum() / weights.sum()) if matched else 0.0,
        without=estimate(scores[rest], None if cluster is None else cluster[rest]),
    )
