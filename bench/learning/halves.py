"""What a rule learned on one half of a trial is worth on the other, by the known chances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.learning.peers import answer
from bench.learning.trials import Trial
from bench.learning.worth import best, within
from bench.peers.nuisances import outcome_model
from training import learn
from training.learning.scores import Floats, Numbers

# Peers that give values: without them a budget cannot be kept.
TRIED_PEERS = ("EconML CausalForestDML", "EconML DRPolicyForest", "CausalML X-learner")
OURS, OUR_STACK = "**ours, tables**", "ours, stack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A rule less another on one half, in the trial's unit.

    Attributes:
        aipw: mean difference of doubly robust scores.
        aipw_error: its standard error, paired by case.
        ips: the same by inverse probabilities alone; noisier.
        ips_error: its standard error.
        spend: mean spend of the rule.
    """

    aipw: float
    aipw_error: float
    ips: float
    ips_error: float
    spend: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """One random half split.

    Attributes:
        to_single: each rule less the single arm that looked best on the training half.
        to_none: each rule less treating nobody.
        at_budget: each rule at the trial's budget less a covariate-blind mixture at the same spend.
    """

    to_single: dict[str, Difference]
    to_none: dict[str, Difference]
    at_budget: dict[str, Difference]


def half(trial: Trial, key: str, split: int, *, with_peers: bool) -> Half:
    """Learns on a random half, compares on the other."""
    train = np.random.default_rng(split).permutation(len(trial.arm)) < len(trial.arm) // 2
    values, chosen = _learned(trial, key, train, split, with_peers=with_peers)
    judge = Judge.of(trial, train)
    arms = len(trial.spend)
    means = _arm_means(trial, train)
    # The best arm of the learning half: that of the other would be chosen with hindsight.
    single = np.tile(np.eye(arms)[int(means.argmax())], (int((~train).sum()), 1))

    rules = {
        f"all: {name}": np.tile(np.eye(arms)[number], (len(single), 1))
        for number, name in enumerate(trial.arms)
    }
    rules |= {"best single arm": single} | {name: best(found) for name, found in values.items()}
    rules |= {name: np.eye(arms)[found] for name, found in chosen.items()}

    none = rules[f"all: {trial.arms[0]}"]
    at_budget = {}
    if trial.budget is not None:
        for name, found in values.items():
            rule = within(found, trial.spend, trial.budget)
            # At what the rule really spent: a rule that saves must not look worse for it.
            blind = _blind(means, trial.spend, float((rule @ trial.spend).mean()))
            at_budget[name] = judge.difference(rule, np.tile(blind, (len(rule), 1)))
    return Half(
        to_single={name: judge.difference(rule, single) for name, rule in rules.items()},
        to_none={name: judge.difference(rule, none) for name, rule in rules.items()},
        at_budget=at_budget,
    )


def _learned(
    trial: Trial, key: str, train: np.ndarray, split: int, *, with_peers: bool
) -> tuple[dict[str, Floats], dict[str, Numbers]]:
    """Values by each learner, shape (m, arms).

    And the arms of those who choose for themselves, shape (m,).
    """
    rows, arm, outcome = trial.rows[train], trial.arm[train], trial.outcome[train]
    fresh = trial.rows[~train]
    known = trial.chance[train][np.arange(len(arm)), arm]

    # Errors are not looked at here, and would take as long again.
    learned = learn(rows, arm, outcome, propensity=known, calibrate=False, seed=split, jobs=2)
    values, chosen = {OURS: learned.values(fresh), OUR_STACK: learned.taught(fresh)}, {}

    for name in TRIED_PEERS if with_peers else ():
        found = answer(name, key, rows, arm, outcome, fresh, split, trial.by_chance)
        if found is None:
            continue
        values[name] = found["values"]
        if "chosen" in found:
            chosen[name] = found["chosen"].astype(np.int64)
    return values, chosen


def _arm_means(trial: Trial, train: np.ndarray) -> Floats:
    """Gives each arm's mean outcome on the training half, weighted by the chances of the draw."""
    weight = np.eye(trial.chance.shape[1])[trial.arm[train]] / trial.chance[train]
    means: Floats = (weight * trial.outcome[train][:, None]).sum(axis=0) / weight.sum(axis=0)
    return means


def _blind(means: Floats, spend: Floats, spent: float) -> Floats:
    """Gives the probability of every arm of a rule that looks at nobody and spends exactly `spent`.

    Between treating nobody and the arm that looked best for its money.
    """
    paid = np.flatnonzero(spend > 0)
    arm = paid[((means[paid] - means[0]) / spend[paid]).argmax()]
    share = np.zeros(len(spend))
    share[arm] = spent / spend[arm]
    share[0] = 1 - share[arm]
    return share


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Scores of every arm for every case of the half that nobody learned from, in the trial's unit.

    Attributes:
        aipw: (m, arms) doubly robust scores; their outcome model is of the training half.
        ips: (m, arms) outcome less the training half's mean over chance where the arm was drawn, 0
            elsewhere; what is taken off falls out of every difference and takes much noise with it.
        spend: (arms,).
    """

    aipw: Floats
    ips: Floats
    spend: Floats

    @classmethod
    def of(cls, trial: Trial, train: np.ndarray) -> Judge:
        """Scores every arm, with the known chances p, unclipped.

        Gamma_ia = mu_a(x_i) + 1{A_i = a} / p_ia (Y_i - mu_a(x_i))
        """
        columns = np.column_stack([trial.rows, trial.arm])
        # The judge's own model, so that no judgement moves when the learner does.
        model = outcome_model(0).fit(columns[train], trial.outcome[train])
        arms = range(len(trial.spend))
        fresh = trial.rows[~train]
        mu = np.column_stack(
            [model.predict(np.column_stack([fresh, np.full(len(fresh), arm)])) for arm in arms]
        )

        drawn = np.eye(len(trial.spend))[trial.arm[~train]] / trial.chance[~train]
        outcome = trial.outcome[~train][:, None]
        centre = trial.outcome[train].mean()
        return cls(
            aipw=trial.scale * (mu + drawn * (outcome - mu)),
            ips=trial.scale * drawn * (outcome - centre),
            spend=trial.spend,
        )

    def difference(self, rule: Floats, other: Floats) -> Difference:
        """Takes one rule from another; each is (m, arms) of probabilities."""
        aipw = ((rule - other) * self.aipw).sum(axis=1)
        ips = ((rule - other) * self.ips).sum(axis=1)
        root = np.sqrt(len(rule))
        return Difference(
            aipw=float(aipw.mean()),
            aipw_error=float(aipw.std(ddof=1) / root),
            ips=float(ips.mean()),
            ips_error=float(ips.std(ddof=1) / root),
            spend=float((rule @ self.spend).mean()),
        )
