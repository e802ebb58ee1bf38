"""Evaluates deciders on held-out cases, before anyone is affected: the measured parts of `figures.Figures`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.decision.catalogue import Catalogue
from router.decision.decide import Decider
from router.decision.decision import Decisions, Doubt, Status
from training.data.dataset import LoggedCases
from training.evaluation import estimators, figures
from training.evaluation.cost_curve import cost_curve, minutes_by_mix
from training.evaluation.groups import Measures, group_figures, schema_groups
from training.evaluation.heterogeneity import calibration, fidelity, heterogeneity
from training.evaluation.sensitivity import sensitivity
from training.evaluation.todays_rule import todays_rule
from training.learning.crossfit import FOLDS, Nuisances, cross_fit
from training.learning.scores import Floats, Numbers

LOGGED, ESTIMATED = "logged", "estimated"
RIVALS = ("promoted", "todays_rule")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What `evaluate` measured; names and meanings as in `figures.Figures`."""

    logged_mixes: dict[str, int]
    propensity: str
    policies: tuple[figures.PolicyFigures, ...]
    differences: tuple[figures.Difference, ...]
    sensitivity: tuple[figures.Sensitivity, ...]
    groups: tuple[figures.GroupFigures, ...]
    calibration: figures.Calibration
    heterogeneity: figures.Heterogeneity
    cost_curve: tuple[figures.CostPoint, ...]
    overlap: tuple[figures.MixOverlap, ...]
    fidelity: figures.Fidelity
    abstention: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Held:
    """Held-out cases, each of which may be given some mix, with all that evaluation needs of them.

    Attributes:
        cases: n of them.
        mixes: ids by number.
        fitted: their nuisances.
        cluster: (n,) office numbers, or None.
        minutes: (K,) adviser minutes that each mix takes.
        spent: (n,) adviser minutes of each case; where unknown, those of its mix.
    """

    cases: LoggedCases
    mixes: tuple[str, ...]
    fitted: Nuisances
    cluster: Numbers | None
    minutes: Floats
    spent: Floats


def evaluate(
    cases: LoggedCases,
    candidate: Decider,
    promoted: Decider | None,
    values: Floats,
    *,
    weights: dict[str, float],
    pairs: tuple[tuple[str, str], ...],
    seed: int,
    folds: int = FOLDS,
) -> Measured:
    """Measures the candidate against the promoted model, the log, today's rule and each mix for all.

    Nobody may be given less than the safeguards require: the mix of a rule is lifted to the first
    that they permit. Cases that only a person may assess (MANUAL_ONLY) are counted in `abstention`
    and left out of everything else.

    Args:
        cases: held-out cases, which no step of learning saw.
        candidate: what would be served; NEEDS_ASSESSMENT counts with the mix that it falls back to.
        promoted: what is served, or None.
        values: (n, K) the stack's values of the cases, before distillation.
        weights: of each teacher in the stack, passed on.
        pairs: of fields that the tables combine, passed on.
        seed: of folds, boosting and permutations.
        folds: of the nuisances, which are fitted on the held-out cases alone.

    Raises:
        ValueError: if catalogues or lengths differ, or the cases are too few to say anything.
    """
    ids, served = candidate.catalogue.ids, _served(cases, candidate, promoted, values)
    kept = cases.take(served)
    decided = candidate.decide(kept.rows)
    held = _held(kept, decided, candidate.catalogue, seed, folds)
    scores = held.fitted.scores
    policies = _policies(held, candidate, promoted, decided)
    return Measured(
        logged_mixes=dict(
            zip(ids, np.bincount(cases.mix, minlength=len(ids)).tolist(), strict=True)
        ),
        propensity=ESTIMATED if cases.propensity is None else LOGGED,
        policies=(
            *(_figures(name, policy, held) for name, policy in policies.items()),
            _logged(held),
        ),
        differences=_differences(policies, held),
        sensitivity=tuple(
            _sensitivity(than, policies, held) for than in RIVALS if than in policies
        ),
        groups=_groups(held, decided),
        calibration=_calibration(held, decided, policies["candidate"]),
        heterogeneity=heterogeneity(values[served], scores, decided.permitted, seed=seed),
        cost_curve=cost_curve(
            decided.expected, scores, held.minutes, decided.permitted, cluster=held.cluster
        ),
        overlap=estimators.mix_overlap(held.fitted.chances, kept.mix, ids),
        fidelity=fidelity(
            decided.expected,
            values[served],
            scores,
            decided.permitted,
            weights=weights,
            pairs=pairs,
        ),
        abstention=_abstention(candidate.decide(cases.rows)),
    )


def _served(
    cases: LoggedCases, candidate: Decider, promoted: Decider | None, values: Floats
) -> NDArray[np.bool_]:
    """Cases that every decider has a mix for, shape (n,)."""
    ids = candidate.catalogue.ids
    if promoted is not None and promoted.catalogue.ids != ids:
        raise ValueError(
            f"promoted: values the mixes {promoted.catalogue.ids}, the candidate {ids}"
        )
    if values.shape != (len(cases.mix), len(ids)):
        raise ValueError(f"values: shape {values.shape}, must be ({len(cases.mix)}, {len(ids)})")
    deciders = [candidate] if promoted is None else [candidate, promoted]
    served: NDArray[np.bool_] = np.all(
        [d.decide(cases.rows).status != Status.MANUAL_ONLY for d in deciders], axis=0
    )
    return served


def _held(
    cases: LoggedCases, decided: Decisions, catalogue: Catalogue, seed: int, folds: int
) -> Held:
    # What advisers go by: the case, the office, the time, and what the safeguards permit. Without
    # the last, boosting needs many splits to find who may be given what, and the estimated
    # propensities of those cases are far off.
    features = [
        np.where(cases.rows == 0, np.nan, cases.rows.astype(np.float64)),
        decided.first_permitted,
    ]
    cluster = None
    if cases.offices is not None:
        cluster = np.unique(cases.offices, return_inverse=True)[1].astype(np.int64)
        features.append(cluster)
    if cases.days is not None:
        features.append((cases.days - cases.days.min()).astype(np.float64))
    inputs, count = np.column_stack(features), len(catalogue.ids)
    fitted = cross_fit(
        inputs, cases.mix, cases.outcome, count, propensity=cases.propensity, seed=seed, folds=folds
    )
    minutes = minutes_by_mix(cases.mix, cases.minutes, catalogue.minutes)
    planned = minutes[cases.mix]
    return Held(
        cases=cases,
        mixes=catalogue.ids,
        fitted=fitted,
        cluster=cluster,
        minutes=minutes,
        spent=planned
        if cases.minutes is None
        else np.where(np.isnan(cases.minutes), planned, cases.minutes),
    )


def _policies(
    held: Held, candidate: Decider, promoted: Decider | None, decided: Decisions
) -> dict[str, Floats]:
    """Every policy by name, as (n, K) probabilities."""
    rows, count = held.cases.rows, len(held.mixes)
    lightest = decided.first_permitted
    mixes = {"candidate": decided.mix}
    if promoted is not None:
        mixes["promoted"] = promoted.decide(rows).mix
    mixes["todays_rule"] = np.maximum(lightest, todays_rule(rows, candidate.catalogue))
    mixes |= {
        f"uniform:{name}": np.maximum(lightest, number) for number, name in enumerate(held.mixes)
    }
    return {name: estimators.policy_matrix(mix, count) for name, mix in mixes.items()}


def _figures(name: str, policy: Floats, held: Held) -> figures.PolicyFigures:
    cases = held.cases
    weights = estimators.policy_weights(policy, cases.mix, held.fitted.chance)
    effective, rare = (
        estimators.effective_cases(weights),
        estimators.rare_share(policy, held.fitted.chances),
    )
    return figures.PolicyFigures(
        name=name,
        estimates=estimators.policy_values(
            policy, held.fitted.mu, cases.mix, cases.outcome, held.fitted.chance, held.cluster
        ),
        minutes=float((policy @ held.minutes).mean()),
        effective_cases=effective,
        matched=int((weights > 0).sum()),
        rare=rare,
        mixes=dict(zip(held.mixes, policy.mean(axis=0).tolist(), strict=True)),
        verdict=estimators.overlap_verdict(effective, len(weights), rare),
    )


def _logged(held: Held) -> figures.PolicyFigures:
    """The logged policy: its outcomes were seen, so every estimator is their mean."""
    cases, count = held.cases, len(held.mixes)
    shares = np.bincount(cases.mix, minlength=count) / len(cases.mix)
    return figures.PolicyFigures(
        name="logged",
        estimates=dict.fromkeys(
            figures.ESTIMATORS, estimators.estimate(cases.outcome, held.cluster)
        ),
        minutes=float(held.spent.mean()),
        effective_cases=float(len(cases.mix)),
        matched=len(cases.mix),
        rare=0.0,
        mixes=dict(zip(held.mixes, shares.tolist(), strict=True)),
        verdict=estimators.OK,
    )


def _differences(policies: dict[str, Floats], held: Held) -> tuple[figures.Difference, ...]:
    cases = held.cases
    scores = {
        name: (policy * held.fitted.scores).sum(axis=1) for name, policy in policies.items()
    } | {"logged": cases.outcome}
    minutes = {name: float((policy @ held.minutes).mean()) for name, policy in policies.items()}
    minutes["logged"] = float(held.spent.mean())
    return tuple(
        figures.Difference(
            better="candidate",
            than=name,
            outcome=estimators.estimate(scores["candidate"] - scores[name], held.cluster),
            minutes=minutes["candidate"] - minutes[name],
        )
        for name in scores
        if name != "candidate"
    )


def _sensitivity(than: str, policies: dict[str, Floats], held: Held) -> figures.Sensitivity:
    first, second, cases = policies["candidate"], policies[than], held.cases
    return sensitivity(
        than,
        first,
        second,
        held.fitted.mu,
        cases.mix,
        cases.outcome,
        held.fitted.chance,
        held.cluster,
    )


def _calibration(held: Held, decided: Decisions, chosen: Floats) -> figures.Calibration:
    """Gain over the logged policy: its mixes by their propensities, for what advisers did is not known beforehand."""
    usual = held.fitted.chances / held.fitted.chances.sum(axis=1, keepdims=True)
    predicted = ((chosen - usual) * decided.expected).sum(axis=1)
    return calibration(
        predicted, (chosen * held.fitted.scores).sum(axis=1) - held.cases.outcome, held.cluster
    )


def _groups(held: Held, decided: Decisions) -> tuple[figures.GroupFigures, ...]:
    cases, each = held.cases, np.arange(len(decided.mix))
    measures = Measures(
        candidate=held.fitted.scores[each, decided.mix],
        logged=cases.outcome,
        expected=decided.expected[each, decided.mix],
        minutes=held.minutes[decided.mix],
        logged_minutes=held.spent,
        mix=decided.mix.astype(np.int64),
        cluster=held.cluster,
    )
    schema = group_figures("schema", schema_groups(cases.rows), measures, held.mixes)
    return schema + group_figures("audit", cases.audit, measures, held.mixes)


def _abstention(decided: Decisions) -> dict[str, float]:
    statuses = {status.name: float((decided.status == status).mean()) for status in Status}
    return statuses | {
        str(doubt.name): float((decided.doubts & doubt > 0).mean()) for doubt in Doubt
    }
