"""Ours and the peers on problems with known counterfactuals."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from bench.learning.peers import answer
from bench.learning.worth import BUDGETS, best, gain, gain_within
from bench.plans import PROBLEMS as OPEN
from bench.plans import Problem
from bench.sealed import SEALED
from training import learn
from training.learning.scores import Floats, Numbers

PROBLEMS = OPEN | SEALED
"""By name. The sealed ones are run by name alone: what is run each day is tuned on."""

CASES = 20_000
FRESH = 1_000  # a fresh problem's seed is the logged one's plus this


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What one learner reached on one seed.

    Attributes:
        gains: share of the attainable gain: without a budget, then at each of BUDGETS; NaN where it
            gives no values.
        minutes: mean minutes a case of the rule without a budget.
        seconds: of fitting and predicting.
    """

    gains: tuple[float, ...]
    minutes: float
    seconds: float


def logged_and_fresh(name: str, seed: int) -> tuple[Problem, Problem]:
    """Draws 20,000 logged cases to learn from, and 20,000 others to be judged on."""
    return PROBLEMS[name](CASES, seed), PROBLEMS[name](CASES, seed + FRESH)


def scored(
    fresh: Problem, seconds: float, values: Floats | None, chosen: Numbers | None = None
) -> Score:
    """Scores a learner on fresh cases by its values (n, mixes), by what it chose (n,), or by both.

    What it chose counts without a budget; its values count under one.
    """
    rule = (
        best(values)
        if chosen is None and values is not None
        else np.eye(fresh.truth.shape[1])[chosen]
    )
    at = [float("nan")] * len(BUDGETS)
    if values is not None:
        at = [gain_within(values, fresh.truth, fresh.minutes, budget) for budget in BUDGETS]
    return Score(
        gains=(gain(rule, fresh.truth), *at),
        minutes=float((rule @ fresh.minutes).mean()),
        seconds=seconds,
    )


def peer(name: str, problem: str, seed: int) -> Score | None:
    """Scores a peer on one seed; None if it failed."""
    logged, fresh = logged_and_fresh(problem, seed)
    found = answer(
        name, problem, logged.rows, logged.mix, logged.outcome, fresh.rows, seed, randomised=False
    )
    if found is None:
        return None
    chosen = found["chosen"].astype(np.int64) if "chosen" in found else None
    return scored(fresh, float(found["seconds"]), found.get("values"), chosen)


def practice(problem: str, seed: int) -> Score:
    """Scores what the log's advisers did."""
    _, fresh = logged_and_fresh(problem, seed)
    return scored(fresh, float("nan"), None, fresh.mix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """Ours on one seed.

    Attributes:
        tables: the served tables.
        stack: the weighted teachers before distillation.
        weights: of the teachers in the stack.
    """

    tables: Score
    stack: Score
    weights: dict[str, float]


def ours(name: str, seed: int) -> Ours:
    """Learns from a problem's logged cases and scores tables and stack on fresh ones."""
    logged, fresh = logged_and_fresh(name, seed)
    start = time.perf_counter()
    learned = learn(logged.rows, logged.mix, logged.outcome, calibrate=False, seed=seed, jobs=2)
    learnt = time.perf_counter() - start
    tables = scored(fresh, learnt, learned.values(fresh.rows))
    stack = scored(fresh, learnt, learned.taught(fresh.rows))
    return Ours(tables=tables, stack=stack, weights=learned.weights)
