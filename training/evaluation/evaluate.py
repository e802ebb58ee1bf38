"""Evaluates a version on held-out cases, before anyone is affected: all its figures."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from router.advice.todays_rule import todays_rule
from router.cases.features import FEATURES
from router.decision.catalogue import Catalogue
from router.decision.decide import Decider
from router.decision.decision import Decisions, Doubt, Status
from router.decision.policy import Policy
from router.decision.probability import as_probabilities
from router.decision.schema import Role, Rows
from router.decision.severity import prove
from router.decision.tables import DecisionTables
from training.data.dataset import LoggedCases
from training.evaluation import estimators, figures
from training.evaluation.cost_curve import cost_curve, minutes_by_mix
from training.evaluation.diagnostics import diagnostics
from training.evaluation.drift import field_figures
from training.evaluation.groups import Measures, group_figures, schema_groups
from training.evaluation.handed_over import handed_over, lead
from training.evaluation.heterogeneity import calibration, fidelity, heterogeneity, reliability
from training.evaluation.in_tens import figures_in_tens
from training.evaluation.learning_curve import Smaller, learning_curve
from training.evaluation.peeking import peeks
from training.evaluation.sensitivity import sensitivity
from training.evaluation.synergy import Log, synergies
from training.learning.at_once import AtOnce
from training.learning.confounders import confounders
from training.learning.crossfit import FOLDS, Nuisances, cross_fit
from training.learning.encoding import plain_numbers, slot_counts
from training.learning.scores import Floats, Numbers


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """The version to evaluate, and what its figures tell of how it was made.

    Attributes:
        version: its name.
        synthetic: whether its cases are.
        trained_at: ISO 8601.
        tables: what would be served; NEEDS_ASSESSMENT counts with the mix that it falls back to.
        trained_on: (cases, features) slots of the cases that it was learned from.
        stack: (n, K) values of the held-out cases before distillation.
        weights: of each teacher in the stack.
        pairs: of fields that the tables combine.
        error_scale: factor that calibration put on the fold spread.
        clipped: share of learning cases whose propensity was raised to the learning bound.
        smaller: tables learned from parts of the cases, if asked for.
    """

    version: str
    synthetic: bool
    trained_at: str
    tables: DecisionTables
    trained_on: Rows
    stack: Floats
    weights: dict[str, float]
    pairs: tuple[tuple[str, str], ...]
    error_scale: float
    clipped: float
    smaller: tuple[Smaller, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """The promoted version that a candidate is compared with."""

    version: str
    tables: DecisionTables


@dataclass(frozen=True, kw_only=True)
class Held:
    """Held-out cases, each of which may be given some mix, with all that evaluation needs of them.

    Attributes:
        cases: n of them.
        mixes: ids by number.
        fitted: their nuisances.
        cluster: (n, ways) numbers of what each case belongs to, or None.
        minutes: (K,) adviser minutes that each mix takes.
        spent: (n,) adviser minutes of each case; where unknown, those of its mix.
    """

    cases: LoggedCases
    mixes: tuple[str, ...]
    fitted: Nuisances
    cluster: Numbers | None
    minutes: Floats
    spent: Floats

    def chances_of(self, policy: Floats | Numbers) -> Floats:
        """Gives a policy as probabilities of each mix, shape (n, K)."""
        return estimators.policy_matrix(policy, len(self.mixes))


Policies = dict[str, Floats | Numbers]
"""By name, (n,) mix numbers or (n, K) probabilities. There is a policy for each mix, and one asked
after the other: as probabilities of them all they would be held of every case mixes times mixes."""


def evaluate(
    cases: LoggedCases,
    by: str,
    candidate: Candidate,
    rival: Rival | None,
    catalogue: Catalogue,
    policy: Policy,
    *,
    seed: int,
    folds: int = FOLDS,
    at_once: AtOnce | None = None,
) -> figures.Figures:
    """Measures the candidate against what is served, the log, today's rule and each mix for all.

    Nobody may be given less than the safeguards require: the mix of a rule is lifted to the first
    that they permit. Cases that only a person may assess (MANUAL_ONLY) are counted in `abstention`
    and left out of everything else.

    Args:
        cases: held-out cases, which no step of learning saw.
        by: how they were told apart, "time" or "random".
        candidate: the version to evaluate.
        rival: the promoted version, or None.
        catalogue: the mixes.
        policy: with which both versions decide.
        seed: of folds, boosting and permutations.
        folds: of the nuisances, which are fitted on the held-out cases alone.
        at_once: makes their fits; one after the other if not given.

    Returns:
        The figures; time and memory, which only the caller knows at the end, are empty.

    Raises:
        ValueError: if lengths differ, or the cases are too few to say anything.
    """
    shape, needed = candidate.stack.shape, (len(cases.mix), len(catalogue.ids))
    if shape != needed:
        raise ValueError(f"values: shape {shape}, must be {needed}")
    decider = Decider(tables=candidate.tables, catalogue=catalogue, policy=policy)
    promoted = replace(decider, tables=rival.tables) if rival else None
    # One set of cases for all policies, or differences could not be paired.
    served = _served(cases, decider, promoted)
    kept, stack = cases.take(served), candidate.stack[served]

    decided = decider.decide(kept.rows)
    held = _held(kept, decided, catalogue, seed, folds, at_once)
    policies = _policies(held, catalogue, promoted, decided)
    scores, expected, permitted = held.fitted.scores, decided.expected, decided.permitted
    measured = replace(
        _of_any_policy(candidate.version, cases, by, held, decided, policies, rival, catalogue),
        synthetic=candidate.synthetic,
        trained_at=candidate.trained_at,
        trained_on=len(candidate.trained_on),
        calibration=_calibration(held, decided, held.chances_of(policies["candidate"])),
        reliability=_reliability(held, decided),
        severity=prove(candidate.tables, catalogue.ids),
        # Of the stack: the test asks whether effects vary, `fidelity` what the tables kept of them.
        heterogeneity=heterogeneity(stack, scores, permitted, seed=seed),
        cost_curve=cost_curve(expected, scores, held.minutes, permitted, cluster=held.cluster),
        fidelity=fidelity(
            expected,
            stack,
            scores,
            permitted,
            weights=candidate.weights,
            pairs=candidate.pairs,
            cluster=held.cluster,
        ),
        fields=field_figures(candidate.trained_on, rival.tables if rival else None),
        # Of all cases, unlike the rest: who must be assessed by people is counted here alone.
        abstention=_abstention(decider.decide(cases.rows)),
        handed_over=handed_over(
            lead(decider, kept.rows, decided),
            decided,
            scores[np.arange(len(decided.mix)), decided.mix],
            kept.outcome,
            held.cluster,
        ),
        learning_curve=learning_curve(
            [
                (one.cases, replace(decider, tables=one.tables).decide(kept.rows).mix)
                for one in candidate.smaller
            ],
            decided.mix,
            scores,
            held.cluster,
        )
        or None,
        error_scale=candidate.error_scale,
        clipped=candidate.clipped,
    )
    return figures_in_tens(measured)


def evaluate_policy(
    cases: LoggedCases,
    by: str,
    name: str,
    chosen: Floats,
    rival: Rival | None,
    catalogue: Catalogue,
    policy: Policy,
    sound: figures.Soundness,
    *,
    seed: int,
    folds: int = FOLDS,
) -> figures.Figures:
    """Measures a policy that somebody made elsewhere, by the same estimators.

    Where it would give less than the safeguards require, it is lifted to the first mix that they
    permit, as every rule is. What is only known of tables (calibration, fidelity, fields, cost
    curve) is empty.

    Args:
        cases: held-out cases, which no step of its learning saw.
        by: how they were told apart, "time" or "random".
        name: what it is called.
        chosen: (n, K) chances of each mix.
        rival: the promoted version, or None.
        catalogue: the mixes.
        policy: of the agency, whose safeguards hold.
        sound: whether the cases can be believed; whether the policy can is added.
        seed: of folds and boosting.
        folds: of the nuisances, which are fitted on the held-out cases alone.

    Raises:
        ValueError: if lengths differ, or the cases are too few to say anything.
    """
    chances = estimators.policy_matrix(chosen, len(catalogue.ids))
    if len(chances) != len(cases.mix):
        raise ValueError(f"policy: {len(chances)} cases, must be {len(cases.mix)}")
    decider = Decider(tables=nothing_known(len(catalogue.ids)), catalogue=catalogue, policy=policy)
    promoted = replace(decider, tables=rival.tables) if rival else None
    served = _served(cases, decider, promoted)
    kept = cases.take(served)
    decided = decider.decide(kept.rows)
    held = _held(kept, decided, catalogue, seed, folds)

    policies = _policies(held, catalogue, promoted, decided)
    policies["candidate"] = _lifted(chances[served], decided)
    found = figures_in_tens(
        _of_any_policy(name, cases, by, held, decided, policies, rival, catalogue)
    )
    peeking = peeks(
        chances[served, kept.mix],
        _inputs(kept, decided),
        kept.mix,
        kept.outcome,
        held.fitted,
        held.cluster,
        seed=seed,
    )
    return replace(
        found,
        # It says whom to give what, and predicts nothing.
        groups=tuple(replace(group, calibration=None) for group in found.groups),
        soundness=replace(sound, suspicions=(*sound.suspicions, *peeking)),
    )


def lifted_share(cases: LoggedCases, chosen: Floats, catalogue: Catalogue, policy: Policy) -> float:
    """Gives the share of cases whose mix the safeguards lift, weighed by its chance, 0 to 1.

    Args:
        cases: held-out cases.
        chosen: (n, K) chances of each mix.
        catalogue: the mixes.
        policy: of the agency, whose safeguards hold.
    """
    decider = Decider(tables=nothing_known(len(catalogue.ids)), catalogue=catalogue, policy=policy)
    served = _served(cases, decider, None)
    chances = chosen[served]
    decided = decider.decide(cases.rows[served])
    return float(np.maximum(chances - _lifted(chances, decided), 0).sum(axis=1).mean())


def measured_synergy(
    cases: LoggedCases,
    tried: Catalogue,
    catalogue: Catalogue,
    policy: Policy,
    size: float,
    seed: int,
) -> figures.Synergies:
    """Measures the synergy of every two channels on logged cases; no model is judged.

    Args:
        cases: of the mixes of `tried`.
        tried: of the mixes that there are enough cases of.
        catalogue: of all mixes.
        policy: whose safeguards say who may be served.
        size: outcome points to count the needed cases for.
        seed: of folds and boosting.
    """
    held = served_by_nothing(cases, tried, policy, seed)
    groups = schema_groups(held.cases.rows)
    return synergies(synergy_log(held), held.mixes, catalogue, groups, size)


def served_by_nothing(cases: LoggedCases, tried: Catalogue, policy: Policy, seed: int) -> Held:
    """Gives the cases that advice may be given to at all, with their nuisances."""
    decider = Decider(tables=nothing_known(len(tried.ids)), catalogue=tried, policy=policy)
    kept = cases.take(_served(cases, decider, None))
    return _held(kept, decider.decide(kept.rows), tried, seed, FOLDS)


def synergy_log(held: Held) -> Log:
    """Gives what contrasts of mixes are measured on."""
    return Log.of(held.fitted, held.cases.mix, held.cases.outcome, held.cluster)


def _of_any_policy(
    name: str,
    cases: LoggedCases,
    by: str,
    held: Held,
    decided: Decisions,
    policies: Policies,
    rival: Rival | None,
    catalogue: Catalogue,
) -> figures.Figures:
    """Measures what can be known of any policy; what is only known of tables is empty."""
    unknown = figures.Estimate(value=np.nan, error=np.nan, low=np.nan, high=np.nan)
    candidate = held.chances_of(policies["candidate"])
    counts = np.bincount(cases.mix, minlength=len(held.mixes))
    return figures.Figures(
        version=name,
        synthetic=bool(cases.synthetic),
        trained_at="",
        trained_on=0,
        held_out=_held_out(cases, by),
        promoted=rival.version if rival else "",
        logged_mixes=dict(zip(held.mixes, counts.tolist(), strict=True)),
        propensity=figures.ESTIMATED if cases.propensity is None else figures.LOGGED,
        policies=(*(_figures(one, given, held) for one, given in policies.items()), _logged(held)),
        synergy=synergies(synergy_log(held), held.mixes, catalogue, schema_groups(held.cases.rows)),
        differences=_differences(policies, held),
        sensitivity=tuple(
            _sensitivity(than, policies, held) for than in figures.RIVALS if than in policies
        ),
        groups=_groups(held, decided, candidate),
        overlap=estimators.mix_overlap(held.fitted.chances, held.cases.mix, held.mixes),
        diagnostics=diagnostics(held.fitted, held.cases, candidate, held.mixes, held.cluster),
        calibration=figures.Calibration(tenths=(), slope=unknown, error=np.nan),
        heterogeneity=figures.Heterogeneity(
            statistic=np.nan, p_value=np.nan, permutations=0, found=False
        ),
        fidelity=figures.Fidelity(
            value_kept=np.nan, contrasts_r2=np.nan, best_differs=np.nan, weights={}, pairs=()
        ),
        cost_curve=(),
        fields=(),
        abstention={},
        error_scale=np.nan,
        clipped=np.nan,
        seconds={},
        peak_memory_mib=0,
    )


def nothing_known(mixes: int, rows: Rows | None = None) -> DecisionTables:
    """Gives tables for which all mixes are alike: only safeguards decide.

    Args:
        mixes: how many.
        rows: (n, features) slots of cases that values are counted of; none if not given, and every
            value is rare.
    """
    columns = FEATURES.columns(Role.MODEL)
    known = np.zeros((0, len(FEATURES.features)), np.uint16) if rows is None else rows
    counts = slot_counts(FEATURES, columns, known)
    return DecisionTables(
        features=FEATURES,
        values=np.zeros((len(counts), mixes, 2)),
        intercept=np.zeros((mixes, 2)),
        counts=counts,
    )


def _lifted(chances: Floats, decided: Decisions) -> Floats:
    """Moves the chance of each mix to the first permitted one that is as heavy, (n, K)."""
    lifted, each = np.zeros_like(chances), np.arange(len(chances))
    for number in range(chances.shape[1]):
        lifted[each, decided.at_least(np.full(len(chances), number))] += chances[:, number]
    return lifted


def _served(cases: LoggedCases, candidate: Decider, promoted: Decider | None) -> NDArray[np.bool_]:
    """Finds the cases that every decider has a mix for, shape (n,)."""
    served: NDArray[np.bool_] = candidate.decide(cases.rows).status != Status.MANUAL_ONLY
    if promoted is not None:
        served &= promoted.decide(cases.rows).status != Status.MANUAL_ONLY
    return served


def _held_out(cases: LoggedCases, by: str) -> figures.HeldOut:
    first, last = cases.dates or ("", "")
    return figures.HeldOut(by=by, cases=len(cases.mix), first=str(first), last=str(last))


def _held(
    cases: LoggedCases,
    decided: Decisions,
    catalogue: Catalogue,
    seed: int,
    folds: int,
    at_once: AtOnce | None = None,
) -> Held:
    count = len(catalogue.ids)
    fitted = cross_fit(
        _inputs(cases, decided),
        cases.mix,
        cases.outcome,
        count,
        propensity=cases.propensity,
        seed=seed,
        folds=folds,
        groups=cases.person_numbers(),
        at_once=at_once,
    )

    minutes = minutes_by_mix(cases.mix, cases.minutes, catalogue.minutes)
    spent = minutes[cases.mix]
    if cases.minutes is not None:
        spent = np.where(np.isnan(cases.minutes), spent, cases.minutes)
    return Held(
        cases=cases,
        mixes=catalogue.ids,
        fitted=fitted,
        cluster=cases.cluster_numbers(),
        minutes=minutes,
        spent=spent,
    )


def _inputs(cases: LoggedCases, decided: Decisions) -> Floats:
    """Gives all that advisers go by, as in learning, (n, features).

    By the candidate's safeguards, which are the policy's.
    """
    rows, offices = plain_numbers(cases.rows), cases.office_numbers()
    return confounders(rows, decided.first_permitted, offices, cases.days)


def _policies(
    held: Held, catalogue: Catalogue, promoted: Decider | None, decided: Decisions
) -> Policies:
    """Gives every policy by name, as (n,) mix numbers."""
    rows = held.cases.rows
    mixes: Policies = {"candidate": decided.mix}
    if promoted is not None:
        mixes["promoted"] = promoted.decide(rows).mix

    # Nobody may get less than safeguards permit, so no rule is valued as if it gave less.
    mixes["todays_rule"] = decided.at_least(todays_rule(rows, catalogue))
    for number, name in enumerate(held.mixes):
        mixes[f"uniform:{name}"] = decided.at_least(np.full(len(rows), number))
    return mixes


def _figures(name: str, given: Floats | Numbers, held: Held) -> figures.PolicyFigures:
    cases, policy = held.cases, held.chances_of(given)
    weights = estimators.policy_weights(policy, cases.mix, held.fitted.chance)
    effective = estimators.effective_cases(weights)
    rare = estimators.rare_share(policy, held.fitted.chances)
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
    """Values the logged policy: its outcomes were seen, so every estimator is their mean."""
    cases, count = held.cases, len(held.mixes)
    shares = np.bincount(cases.mix, minlength=count) / len(cases.mix)
    seen = estimators.estimate(cases.outcome, held.cluster)
    return figures.PolicyFigures(
        name="logged",
        estimates=dict.fromkeys(figures.ESTIMATORS, seen),
        minutes=float(held.spent.mean()),
        effective_cases=float(len(cases.mix)),
        matched=len(cases.mix),
        rare=0.0,
        mixes=dict(zip(held.mixes, shares.tolist(), strict=True)),
        verdict=figures.OK,
    )


def _differences(policies: Policies, held: Held) -> tuple[figures.Difference, ...]:
    cases = held.cases
    scores, minutes = {}, {}
    for name, given in policies.items():
        policy = held.chances_of(given)
        # A policy's score is linear in its probabilities, so the mixes' scores serve every policy.
        scores[name] = (policy * held.fitted.scores).sum(axis=1)
        minutes[name] = float((policy @ held.minutes).mean())

    # What was logged was seen: its outcomes need no weight and no model.
    scores["logged"] = cases.outcome
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


def _sensitivity(than: str, policies: Policies, held: Held) -> figures.Sensitivity:
    first, second = (held.chances_of(policies[one]) for one in ("candidate", than))
    cases = held.cases
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
    """Compares predicted gains over the logged policy with doubly robust ones.

    The logged policy's mixes count by their propensities: what advisers did is not known
    beforehand.
    """
    # A logged chance beside estimated ones may leave a row's sum a little off 1.
    usual = held.fitted.chances / held.fitted.chances.sum(axis=1, keepdims=True)
    predicted = ((chosen - usual) * decided.expected).sum(axis=1)
    observed = (chosen * held.fitted.scores).sum(axis=1) - held.cases.outcome
    return calibration(predicted, observed, held.cluster)


def _reliability(held: Held, decided: Decisions) -> figures.Reliability:
    """Compares what would have been shown of the mix each case was given with what came of it."""
    given = decided.expected[np.arange(len(decided.mix)), held.cases.mix]
    return reliability(as_probabilities(given), held.cases.outcome, held.cluster)


def _groups(held: Held, decided: Decisions, chosen: Floats) -> tuple[figures.GroupFigures, ...]:
    """Measures groups; of a policy that draws, the likeliest mix counts as a case's mix."""
    cases, each = held.cases, np.arange(len(decided.mix))
    mix = chosen.argmax(axis=1)
    measures = Measures(
        candidate=(chosen * held.fitted.scores).sum(axis=1),
        logged=cases.outcome,
        expected=as_probabilities(decided.expected[each, mix]),
        minutes=chosen @ held.minutes,
        logged_minutes=held.spent,
        mix=mix,
        cluster=held.cluster,
    )
    schema = group_figures("schema", schema_groups(cases.rows), measures, held.mixes)
    return schema + group_figures("audit", cases.audit, measures, held.mixes)


def _abstention(decided: Decisions) -> dict[str, float]:
    shares = {status.name: float((decided.status == status).mean()) for status in Status}
    for doubt in Doubt:
        shares[str(doubt.name)] = float((decided.doubts & doubt > 0).mean())
    return shares
