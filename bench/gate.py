"""Does the gate refuse what is bad, and take what is better? `python -m bench.gate`.

Bad files: simulated logs, each spoilt in one of ten ways. What `fit` would do with it is done in
its order, and stops where the answer is known, for every condition must hold: suspicions of the
cases; nuisances of the held-out cases, by which `outcome_explained` and `mean_weights` are judged;
a small fit, one teacher and standard errors not calibrated, and the whole gate.

Better candidates: in the published world within its safeguards hardly anything can be gained. So
of the two mixes that are logged most, one is made better where a sum over some fields is high, and
the other where it is low: by 15 to 40 outcome points one standard deviation from the middle. Tables
fitted to the noisy truth of another log are evaluated on a fresh one with known propensities,
against today's rule and a worse model that is promoted. Those count that are truly better than both
by three standard errors or more. Two folds save half of the time.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections import Counter
from collections.abc import Callable

import numpy as np

from bench.evaluation import (
    CATALOGUE,
    FOLDS,
    NATIONAL,
    POLICIES,
    candidate,
    models_of,
    simulated,
)
from router.advice.todays_rule import todays_rule
from router.cases.features import FEATURES
from training.data.dataset import LoggedCases
from training.data.hold_out import hold_out
from training.evaluation.diagnostics import diagnostics
from training.evaluation.estimators import policy_matrix
from training.evaluation.evaluate import Rival, evaluate
from training.evaluation.figures import Diagnostics
from training.evaluation.gate import Gate, judge, load_gate
from training.evaluation.propensities import apart
from training.evaluation.ready import ready
from training.evaluation.soundness import soundness
from training.fit import Run, fit
from training.learning.confounders import confounders
from training.learning.crossfit import cross_fit
from training.learning.encoding import plain_numbers
from training.learning.scores import Floats
from training.learning.teachers import TEACHERS

FIRST_SEED = 7000
KNOWN = 5000
"""Cases that a candidate is fitted to."""
TEACHER = "r_spline"
STANDARD_ERRORS = 3.0
"""Of the gain: so many are power enough. At 1.645 half of all would pass by chance."""

Spoil = Callable[[LoggedCases, np.random.Generator], LoggedCases]


def constant(cases: LoggedCases, rng: np.random.Generator) -> LoggedCases:
    """Everybody, or nobody, reaches the goal."""
    return dataclasses.replace(cases, outcome=np.full(len(cases.mix), float(rng.integers(0, 2))))


def shuffled(cases: LoggedCases, rng: np.random.Generator) -> LoggedCases:
    """Outcomes are of other cases."""
    return dataclasses.replace(cases, outcome=rng.permutation(cases.outcome))


def leaked(cases: LoggedCases, rng: np.random.Generator) -> LoggedCases:
    """A field is 0 if the goal was reached, and else 8."""
    return _with(cases, _a_field(rng, integers=True), np.where(cases.outcome > 0, 1, 9))


def leaked_with_errors(cases: LoggedCases, rng: np.random.Generator) -> LoggedCases:
    """The same, but in 15 to 20 per cent of the cases it is the other way round."""
    wrong = rng.random(len(cases.mix)) < rng.uniform(0.15, 0.20)
    reached = (cases.outcome > 0) ^ wrong
    return _with(cases, _a_field(rng, integers=True), np.where(reached, 1, 9))


def leaked_as_unknown(cases: LoggedCases, rng: np.random.Generator) -> LoggedCases:
    """A field is emptied for most of those who reached the goal."""
    column = _a_field(rng, integers=False)
    gone = (cases.outcome > 0) & (rng.random(len(cases.mix)) < rng.uniform(0.8, 1.0))
    return _with(cases, column, np.where(gone, 0, cases.rows[:, column]))


def leaked_in_two(cases: LoggedCases, rng: np.random.Generator) -> LoggedCases:
    """Two fields whose difference is the outcome; each by itself says a little."""
    first, second = rng.choice(_fields(integers=True), 2, replace=False)
    base = rng.integers(1, 6, len(cases.mix))
    shifted = np.where(cases.outcome > 0, base, base + 3)
    return _with(_with(cases, int(first), base), int(second), shifted)


def wrong_propensities(cases: LoggedCases, rng: np.random.Generator) -> LoggedCases:
    """Propensities that nobody drew with, of six kinds in turn."""
    assert cases.propensity is not None
    true, count = cases.propensity, len(cases.mix)
    tiny = true.copy()
    tiny[rng.integers(0, count, 3)] = 1e-300
    kinds = (
        np.full(count, 1 / len(CATALOGUE.ids)),
        rng.uniform(0.05, 1, count),
        rng.permutation(true),
        np.sqrt(true),
        np.full(count, 0.9),
        tiny,
    )
    return dataclasses.replace(cases, propensity=kinds[rng.integers(0, len(kinds))])


def censored(cases: LoggedCases, rng: np.random.Generator) -> LoggedCases:
    """Goals are reached after 60 to 200 days in the mean; later than the last day is never."""
    assert cases.days is not None
    left = (cases.days.max() - cases.days).astype(np.int64)
    after = rng.exponential(rng.uniform(60, 200), len(cases.mix))
    return dataclasses.replace(cases, outcome=np.where(after <= left, cases.outcome, 0.0))


def tripled(cases: LoggedCases, rng: np.random.Generator) -> LoggedCases:
    """A third of the cases, each three times under other references."""
    some = rng.permutation(len(cases.mix))[: len(cases.mix) // 3]
    found = cases.take(np.sort(np.repeat(some, 3)))
    refs = np.array([f"{ref}-{number}" for number, ref in enumerate(found.case_refs)])
    return dataclasses.replace(found, case_refs=refs)


def swapped(cases: LoggedCases, rng: np.random.Generator) -> LoggedCases:
    """Half of the files: 1 means failure. The others: two mixes have each other's names."""
    if rng.random() < 0.5:
        return dataclasses.replace(cases, outcome=1 - cases.outcome)
    one, other = rng.choice(len(CATALOGUE.ids), 2, replace=False)
    names = np.arange(len(CATALOGUE.ids))
    names[[one, other]] = other, one
    return dataclasses.replace(cases, mix=names[cases.mix])


KINDS: tuple[Spoil, ...] = (
    constant,
    shuffled,
    leaked,
    leaked_with_errors,
    leaked_as_unknown,
    leaked_in_two,
    wrong_propensities,
    censored,
    tripled,
    swapped,
)


def _fields(*, integers: bool) -> list[int]:
    """Gives model fields: integers of ten values or more, or any."""
    return [
        column
        for column, feature in enumerate(FEATURES.features)
        if "MODEL" in {role.name for role in feature.roles}
        and (not integers or (not feature.values and feature.slots >= 10))
    ]


def _a_field(rng: np.random.Generator, *, integers: bool) -> int:
    return int(rng.choice(_fields(integers=integers)))


def _with(cases: LoggedCases, column: int, slots: np.ndarray) -> LoggedCases:
    rows = cases.rows.copy()
    rows[:, column] = slots
    return dataclasses.replace(cases, rows=rows)


def refused_by(cases: LoggedCases, gate: Gate, seed: int) -> tuple[str, ...]:
    """Says which conditions a file does not meet, as far as is needed to know; none if passed."""
    # Without propensities first: asking whether they were drawn with takes longest.
    for asked in (dataclasses.replace(cases, propensity=None), cases):
        sound = soundness(asked, CATALOGUE, seed=seed)
        if sound.suspicions:
            return tuple(sorted({f"sound_cases: {one.kind}" for one in sound.suspicions}))
    found = _basis(hold_out(cases, seed)[1], seed)
    most = next(float(rule.bound) for rule in gate.rules if rule.name == "outcome_explained")
    if not (found.explained.low > 0 and found.explained.value <= most):
        return ("outcome_explained",)
    weights = next(float(rule.bound) for rule in gate.rules if rule.name == "mean_weights")
    if max(apart(one.weight) for one in found.mixes) > weights:
        return ("mean_weights",)

    run = Run(
        version="bad",
        trained_at="",
        synthetic=True,
        teachers={TEACHER: TEACHERS[TEACHER]},
        calibrate=False,
    )
    fitted = fit(ready(cases, CATALOGUE, NATIONAL, seed=seed), run)
    verdict = judge(
        fitted.figures,
        gate,
        parity_difference=fitted.parity.max_abs_difference,
        features_ok=True,
    )
    return tuple(f"fitted: {one.name}" for one in verdict.conditions if not one.passed)


def _basis(held: LoggedCases, seed: int) -> Diagnostics:
    nothing = np.zeros(len(held.mix), np.int64)
    inputs = confounders(plain_numbers(held.rows), nothing, held.office_numbers(), held.days)
    fitted = cross_fit(
        inputs,
        held.mix,
        held.outcome,
        len(CATALOGUE.ids),
        propensity=held.propensity,
        seed=seed,
        folds=FOLDS,
    )
    logged = policy_matrix(held.mix, len(CATALOGUE.ids))
    return diagnostics(fitted, held, logged, CATALOGUE.ids, held.cluster_numbers())


def bad(files: int, cases: int, gate: Gate, kinds: list[str]) -> bool:
    """Prints which conditions refuse which kind of file; says whether all were refused.

    Each kind spoils the same logs.
    """
    print(f"{files} bad files of each kind, {cases} cases", flush=True)
    logs = [simulated(cases, FIRST_SEED + number)[0] for number in range(files)]
    every = True
    for place, spoil in enumerate(KINDS):
        if kinds and spoil.__name__ not in kinds:
            continue
        began, why, refused = time.perf_counter(), Counter[str](), 0
        for number, log in enumerate(logs):
            seed = FIRST_SEED + place * 100 + number
            spoilt = spoil(log, np.random.default_rng(seed))
            names = refused_by(spoilt, gate, seed)
            refused += bool(names)
            why.update(names or ("PASSED",))
        told = ", ".join(f"{name} {count}" for name, count in why.most_common(6))
        seconds = time.perf_counter() - began
        print(
            f"  {spoil.__name__:20} {refused:3} of {files}  {told}  ({seconds:.0f} s)", flush=True
        )
        every &= refused == files
    return every


def better(candidates: int, cases: int, gate: Gate) -> bool:
    """Prints how many better candidates are taken; says whether four of five are."""
    taken, tried, why = 0, 0, Counter[str]()
    number = 0
    while tried < candidates and number < 3 * candidates:
        number += 1
        seed = FIRST_SEED + 5000 + number
        passed, enough, names = _judged(cases, seed, gate)
        if not enough:
            continue
        tried += 1
        taken += passed
        why.update(names)
        print(f"  {taken} of {tried} taken", file=sys.stderr, flush=True)
    told = ", ".join(f"{name} {count}" for name, count in why.most_common(6))
    print(f"better candidates with enough power, {cases} held-out cases: {taken} of {tried} taken")
    print(f"  conditions not met: {told or 'none'}")
    return tried > 0 and taken >= 0.8 * tried


def _differing(cases: int, seed: int, effects: int) -> tuple[LoggedCases, Floats]:
    """Simulates a log in which it matters which of two mixes a case gets, and the true values.

    Args:
        cases: how many.
        seed: of the cases and outcomes.
        effects: seed of who gains by what, and how much.
    """
    logged, values = simulated(cases, seed, 1.0)
    rng = np.random.default_rng(effects)
    half = rng.uniform(0.15, 0.40) / 2
    names = rng.choice(("age_band", "education_level", "job_situation", "main_goal"), 3, False)
    gains = np.zeros(len(values))
    for name in names:
        feature = FEATURES[str(name)]
        gains += rng.normal(size=feature.slots)[logged.rows[:, FEATURES.column(str(name))]]
    gains = np.clip((gains - np.median(gains)) / gains.std(), -2, 2)

    usual = np.argsort(np.bincount(logged.mix, minlength=values.shape[1]))[::-1]
    apart = np.zeros_like(values)
    apart[:, usual[0]], apart[:, usual[1]] = half * gains, -half * gains
    # The others are worth what the worse of the two is.
    apart[:, usual[2:]] = -half * np.abs(gains)[:, None]
    values = np.clip(values.mean(axis=1, keepdims=True) + apart, 0.02, 0.98)
    chance = values[np.arange(len(values)), logged.mix]
    outcome = (np.random.default_rng(seed).random(len(values)) < chance).astype(np.float64)
    return dataclasses.replace(logged, outcome=outcome), values


def _judged(cases: int, seed: int, gate: Gate) -> tuple[bool, bool, list[str]]:
    """Says whether the better one passes, whether power was enough, and what was not met."""
    known, truth = _differing(KNOWN, seed + 1000, seed)
    noise = np.random.default_rng(seed).normal(0, 0.2, truth.shape)
    good, worse = models_of(known, truth + noise)
    logged, truth = _differing(cases, seed, seed)
    decided = good.decide(logged.rows)
    figures = evaluate(
        logged,
        "time",
        candidate(good.tables, decided.expected),
        Rival(version="worse", tables=worse.tables),
        CATALOGUE,
        NATIONAL,
        seed=seed,
        folds=FOLDS,
    )
    figures = dataclasses.replace(figures, soundness=soundness(logged, CATALOGUE, seed=seed))
    each = np.arange(len(truth))
    rivals = {
        "promoted": worse.decide(logged.rows).mix,
        "todays_rule": decided.at_least(todays_rule(logged.rows, CATALOGUE)),
    }
    enough = True
    for than, mix in rivals.items():
        gain = float((truth[each, decided.mix] - truth[each, mix]).mean())
        found = figures.difference(than)
        enough &= found is not None and gain >= STANDARD_ERRORS * found.outcome.error
    verdict = judge(figures, gate, parity_difference=0.0, features_ok=True)
    return verdict.passed, enough, [one.name for one in verdict.conditions if not one.passed]


def main() -> int:
    """Prints both parts; 1 if a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.gate", description=__doc__)
    parser.add_argument("--files", type=int, default=20, help="of each of the ten kinds")
    parser.add_argument("--kind", action="append", default=[], help="only these kinds")
    parser.add_argument("--candidates", type=int, default=50)
    parser.add_argument("--cases", type=int, default=4000)
    parser.add_argument("--held-out", type=int, default=6000)
    given, gate = parser.parse_args(), load_gate(POLICIES / "gate.toml")
    kept = True
    if given.files:
        kept &= bad(given.files, given.cases, gate, given.kind)
    if given.candidates:
        kept &= better(given.candidates, given.held_out, gate)
    print("promises kept" if kept else "A PROMISE IS BROKEN")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
