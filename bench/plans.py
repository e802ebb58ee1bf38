"""Made-up problems for `bench.learning`: logged cases, and what every plan is truly worth.

What each plan is worth to each case is known, and so is the oracle.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.learning.scores import Floats, Numbers

OFFICES, ADVISERS = 12, 120
# Of each plan of `drawn_rules`.
_RULES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Logged cases with the truth.

    Attributes:
        rows: (n, features).
        mix: (n,) logged plan.
        outcome: (n,) 0 or 1.
        truth: (n, plans) probability of success of every plan.
        minutes: (plans,) adviser minutes of each plan.
        propensity: (n,) true probability of the logged plan; for tests of the estimators, never
            given to a learner.
    """

    rows: Floats
    mix: Numbers
    outcome: Floats
    truth: Floats
    minutes: Floats
    propensity: Floats


def _sigmoid(logit: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logit)))


def _bump(values: Floats, centre: float, width: float) -> Floats:
    return np.asarray(np.exp(-(((values - centre) / width) ** 2) / 2))


def _cases(n: int, random: np.random.Generator) -> dict[str, Floats]:
    office = random.integers(0, OFFICES, n)
    return {
        "age": np.clip(random.normal(42, 12, n), 18, 67).round(),
        "skill": random.normal(0, 1, n),
        "education": random.integers(0, 5, n).astype(float),
        "months": np.clip(random.lognormal(1.5, 0.9, n), 0, 60).round(),
        "language": (random.random(n) < 0.18).astype(float),
        "health": (random.random(n) < 0.2).astype(float),
        "dependants": random.poisson(0.8, n).astype(float),
        "contacts": random.poisson(2.0, n).astype(float),
        "distance": random.gamma(2.0, 12.0, n).round(),
        "unemployment": (random.normal(4, 1, OFFICES)[office] + random.normal(0, 0.2, n)).round(1),
        "office": office.astype(float),
    }


def _need(case: dict[str, Floats]) -> Floats:
    return (
        0.5 * case["language"]
        + 0.7 * case["health"]
        + 0.25 * np.log1p(case["months"])
        - 0.45 * case["skill"]
        - 0.12 * case["education"]
    )


def _choose(chance: Floats, random: np.random.Generator) -> Numbers:
    return np.asarray((chance.cumsum(axis=1) > random.random(len(chance))[:, None]).argmax(axis=1))


def _logged(
    case: dict[str, Floats],
    pull: Floats,
    logit: Floats,
    minutes: Floats,
    random: np.random.Generator,
    steep: float = 0.7,
) -> Problem:
    """Advisers with their own leniency give heavier plans to needier cases.

    One in 25 decisions is at random.
    """
    n, plans = logit.shape
    adviser = case["office"].astype(int) * (ADVISERS // OFFICES) + random.integers(
        0, ADVISERS // OFFICES, n
    )
    # Nothing tells the learner of the adviser: this much of the choice is as if by lot.
    leniency = random.normal(0, 0.8, ADVISERS)[adviser]
    wanted = (plans - 1) * _sigmoid(1.1 * (pull - pull.mean()) / pull.std() + 0.9 * leniency + 0.1)
    preference = -steep * (np.arange(plans) - wanted[:, None]) ** 2
    # Shifted by its largest, or the exponential could overflow.
    chance = np.exp(preference - preference.max(axis=1, keepdims=True))
    # Some of every plan for everybody, as advisers do: no propensity is below 0.04 / plans.
    chance = 0.96 * chance / chance.sum(axis=1, keepdims=True) + 0.04 / plans
    mix = _choose(chance, random)

    truth = _sigmoid(logit)
    each = np.arange(n)
    outcome = (random.random(n) < truth[each, mix]).astype(float)
    rows = np.column_stack(list(case.values()))
    return Problem(
        rows=rows,
        mix=mix,
        outcome=outcome,
        truth=truth,
        minutes=minutes,
        propensity=chance[each, mix],
    )


def five_plans(n: int, seed: int, *, hidden: float = 0.0) -> Problem:
    """Draws five plans: digital, digital with nudges, phone, mixed, personal.

    Ordered by minutes, smooth effects, confounded by need.

    Args:
        n: cases.
        seed: of everything.
        hidden: standard deviation of a severity that lowers success, that advisers see in part and
            the log not at all.
    """
    random = np.random.default_rng(seed)
    case = _cases(n, random)
    need, skill, months = _need(case), case["skill"], case["months"]

    severity = hidden * random.normal(0, 1, n)
    base = (
        -0.25
        + 0.12 * case["education"]
        - 0.22 * np.log1p(months)
        + 0.25 * skill
        - 0.35 * case["health"]
        - 0.012 * (case["age"] - 42)
        - 0.12 * (case["unemployment"] - 4)
        - 0.25 * case["language"]
        + 0.2
        - severity
    )

    effects = np.column_stack(
        [
            np.zeros(n),
            -0.16 + 0.55 * _sigmoid(3 * (skill - 0.2)),
            -0.10 + 0.85 * _bump(skill, -0.2, 0.8),
            -0.18 + 0.95 * (months > 6) * (1 - case["health"]) - 0.008 * (case["distance"] - 24),
            -0.45 + 1.9 * _sigmoid(2.5 * (need - 0.7)) - 0.7 * _sigmoid(3 * (skill - 0.5)),
        ]
    )
    # At full sight of it every learner loses to the best single mix by far, and nothing is told
    # apart.
    return _logged(
        case,
        need + 0.3 * severity,
        base[:, None] + effects,
        np.array([5.0, 15, 40, 90, 180]),
        random,
    )


def six_unordered(n: int, seed: int) -> Problem:
    """Draws six plans without an order, weaker effects, thresholds, combinations of fields."""
    random = np.random.default_rng(seed)
    case = _cases(n, random)
    need, skill, months = _need(case), case["skill"], case["months"]
    base = (
        0.1
        + 0.1 * case["education"]
        - 0.2 * np.log1p(months)
        + 0.2 * skill
        - 0.3 * case["health"]
        - 0.4 * need
    )

    young, far = case["age"] < 30, case["distance"] > 30
    effects = np.column_stack(
        [
            np.zeros(n),
            -0.10 + 0.40 * (skill > 0.3) * (case["contacts"] < 2),
            -0.10 + 0.45 * ((months >= 4) & (months <= 9)),
            -0.15 + 0.50 * (case["language"] + (case["education"] < 1) > 0),
            -0.15 + 0.40 * (young ^ far),
            -0.20 + 0.60 * ((case["health"] > 0) | (need > 1.0)) - 0.15 * far,
        ]
    )

    minutes = np.array([5.0, 30, 60, 45, 20, 120])
    # Advisers' order of plans is not that of the plans' numbers.
    problem = _logged(
        case,
        need,
        (base[:, None] + effects)[:, [0, 4, 1, 3, 2, 5]],
        minutes[[0, 4, 1, 3, 2, 5]],
        random,
    )
    # And back again, so that plans have their own numbers.
    back = np.array([0, 2, 4, 3, 1, 5])
    place = np.argsort(back)
    return Problem(
        rows=problem.rows,
        mix=np.argsort(place)[problem.mix],
        outcome=problem.outcome,
        truth=problem.truth[:, back],
        minutes=minutes,
        propensity=problem.propensity,
    )


def hidden_severity(n: int, seed: int) -> Problem:
    """Draws the five plans with a severity that advisers see in part and the log not at all."""
    return five_plans(n, seed, hidden=0.7)


def drawn_rules(n: int, seed: int) -> Problem:
    """Draws six plans whose worth turns on thresholds and combinations of up to three fields.

    The rules are drawn too, so no two seeds are the same problem: what does well here does well on
    the kind. Practice drifts over a year.

    Args:
        n: cases.
        seed: of the cases; seeds that differ by a multiple of 1,000 have the same rules.
    """
    rules, random = np.random.default_rng(77_000 + seed % 1_000), np.random.default_rng(seed)
    # Thresholds and means are those of other cases, or rules would move with the cases.
    others, case = _cases(5_000, np.random.default_rng(0)), _cases(n, random)
    minutes = np.array([5.0, 25, 45, 70, 110, 160])

    # Plans are worth much the same on average: who gets which is what matters.
    effects = 0.001 * minutes + rules.normal(0, 0.05, len(minutes)) + np.zeros((n, 1))
    for plan in range(len(minutes)):
        for _ in range(_RULES):
            rule = _rule(rules)
            size = rules.uniform(0.25, 0.6) * rules.choice([-1, 1, 1])
            effects[:, plan] += size * (rule(case, others) - rule(others, others).mean())

    need = _need(case)
    base = 0.1 * case["education"] - 0.2 * np.log1p(case["months"]) + 0.2 * case["skill"]
    case["week"] = np.floor(52 * random.random(n))
    logit = (base - 0.3 * need)[:, None] + effects
    return _logged(case, need + 0.02 * case["week"], logit, minutes, random)


def _rule(rules: np.random.Generator) -> Callable[[dict[str, Floats], dict[str, Floats]], Floats]:
    """Draws up to three conditions on fields that all must hold, each at a quantile of others'."""
    fields = ["age", "skill", "education", "months", "contacts", "distance", "language", "health"]
    names = rules.choice(fields, rules.choice([1, 2, 2, 3]), replace=False)
    quantiles = rules.uniform(0.3, 0.7, len(names))
    above = rules.random(len(names)) < 0.5

    def holds(case: dict[str, Floats], others: dict[str, Floats]) -> Floats:
        found = np.ones(len(case["age"]))
        for name, quantile, up in zip(names.tolist(), quantiles, above, strict=True):
            over = case[name] > np.quantile(others[name], quantile)
            found *= over if up else ~over
        return found

    return holds


PROBLEMS: dict[str, Callable[[int, int], Problem]] = {
    "five_plans": five_plans,
    "six_unordered": six_unordered,
    "hidden_severity": hidden_severity,
    "drawn_rules": drawn_rules,
}
