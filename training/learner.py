"""Learns what each mix is worth from logged decisions: any rows, mixes, outcomes.

from training import learn
learned = learn(X, mix, outcome)
best = learned.values(X).argmax(axis=1)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from scipy.optimize import nnls

from training.distil import Distilled, distil, strongest_pairs
from training.scores import Floats, Numbers, doubly_robust, folds_of, outcomes, propensities
from training.teachers import TEACHERS, Lesson, Teacher, Values

FOLDS = 5
PAIRS = 4


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What was learned.

    Attributes:
        students: one a fold.
        stacks: one a fold: the weighted teachers the students were distilled from.
        weights: of each teacher in the stack, 0 or more.
        scores: (n, mixes) doubly robust scores of the logged cases.
        fold: (n,) fold of each logged case; its student and stack never saw the case.
        pairs: pairs of columns that the students combine.
    """

    students: tuple[Distilled, ...]
    stacks: tuple[Values, ...]
    weights: dict[str, float]
    scores: Floats
    fold: Numbers
    pairs: tuple[tuple[int, int], ...]

    def fold_values(self, rows: Floats) -> Floats:
        """Value of each mix by each fold's student, centred over mixes, shape (n, mixes, folds)."""
        return np.stack([student.values(rows) for student in self.students], axis=-1)

    def values(self, rows: Floats) -> Floats:
        """Value of each mix, centred over mixes, in units of the outcome, shape (n, mixes)."""
        values: Floats = self.fold_values(rows).mean(axis=2)
        return values

    def errors(self, rows: Floats) -> Floats:
        """Standard error of each value, shape (n, mixes): delete-a-group jackknife over the folds.

        sqrt((F - 1) / F * sum_f (v_f - v)^2)
        """
        values = self.fold_values(rows)
        folds = values.shape[2]
        spread = values - values.mean(axis=2, keepdims=True)
        errors: Floats = np.sqrt((folds - 1) / folds * (spread * spread).sum(axis=2))
        return errors

    def taught(self, rows: Floats) -> Floats:
        """Value of each mix by the stack, before distillation, shape (n, mixes)."""
        values: Floats = np.mean([stack(rows) for stack in self.stacks], axis=0)
        return values


def learn(
    rows: Floats,
    mix: Numbers,
    outcome: Floats,
    *,
    propensity: Floats | None = None,
    confounders: Floats | None = None,
    teachers: Mapping[str, Teacher] = TEACHERS,
    pairs: int = PAIRS,
    seed: int = 0,
    jobs: int = 1,
) -> Learned:
    """Learns the value of every mix. Equal arguments give equal values, to the byte.

    Args:
        rows: (n, features), unknown as NaN.
        mix: (n,) number of the logged mix, 0 to K-1, each at least once in every fold.
        outcome: (n,) 0 to 1.
        propensity: (n,) logged probability of the logged mix, above 0; estimated if None.
        confounders: (n, more) columns for the nuisances only: they confound, but must not decide.
        teachers: by name.
        pairs: at most so many pairs of columns may be combined by the students.
        seed: of folds, boosting and forests.
        jobs: teachers fitted at once.

    Raises:
        ValueError: naming the argument, if lengths differ or a value is outside its bound.
    """
    _check(rows, mix, outcome, propensity)
    mixes = int(mix.max()) + 1
    fold = folds_of(len(rows), FOLDS, seed)
    everything = rows if confounders is None else np.column_stack([rows, confounders])
    mu, scores = _scored(everything, mix, outcome, propensity, fold, seed)

    by_fold = Parallel(n_jobs=jobs, prefer="threads")(
        delayed(_teach)(teachers, rows, mix, outcome, scores, mu, fold != held, seed) for held in range(FOLDS)
    )
    weights = stack_weights(_unseen(by_fold, rows, fold, mixes), scores)
    stacks = tuple(_stack(models, weights, mixes) for models in by_fold)
    chosen, students = _distilled(stacks, rows, pairs, seed, jobs)
    return Learned(
        students=students,
        stacks=stacks,
        weights=dict(zip(teachers, weights.tolist(), strict=True)),
        scores=scores,
        fold=fold,
        pairs=chosen,
    )


def _distilled(
    stacks: tuple[Values, ...], rows: Floats, pairs: int, seed: int, jobs: int
) -> tuple[tuple[tuple[int, int], ...], tuple[Distilled, ...]]:
    """The pairs of columns worth combining, and one student a stack."""
    targets = [stack(rows) for stack in stacks]
    chosen = strongest_pairs(rows, np.mean(targets, axis=0), pairs, seed)
    tasks = (delayed(distil)(rows, target, chosen, seed) for target in targets)
    return chosen, tuple(Parallel(n_jobs=jobs, prefer="threads")(tasks))


def _scored(
    rows: Floats, mix: Numbers, outcome: Floats, propensity: Floats | None, fold: Numbers, seed: int
) -> tuple[Floats, Floats]:
    """Cross-fitted mean outcomes and doubly robust scores, shapes (n, mixes)."""
    mixes = int(mix.max()) + 1
    chance = propensity if propensity is not None else propensities(rows, mix, mixes, fold, seed)
    mu = outcomes(rows, mix, outcome, mixes, fold, seed)
    return mu, doubly_robust(mu, mix, outcome, chance)


def _teach(
    teachers: Mapping[str, Teacher],
    rows: Floats,
    mix: Numbers,
    outcome: Floats,
    scores: Floats,
    mu: Floats,
    kept: np.ndarray,
    seed: int,
) -> list[Values]:
    lesson = Lesson(
        rows=rows[kept], mix=mix[kept], outcome=outcome[kept], scores=scores[kept], outcomes=mu[kept], seed=seed
    )
    return [teacher(lesson) for teacher in teachers.values()]


def _unseen(by_fold: list[list[Values]], rows: Floats, fold: Numbers, mixes: int) -> Floats:
    """Centred values by teachers that never saw the case, shape (teachers, n, mixes)."""
    unseen = np.empty((len(by_fold[0]), len(rows), mixes))
    for held, models in enumerate(by_fold):
        for number, model in enumerate(models):
            unseen[number, fold == held] = centred(model(rows[fold == held]))
    return unseen


def centred(values: Floats) -> Floats:
    """Values less their mean over mixes, shape (n, mixes)."""
    less: Floats = values - values.mean(axis=1, keepdims=True)
    return less


def stack_weights(unseen: Floats, scores: Floats) -> Floats:
    """Weights of teachers, shape (teachers,), each 0 or more.

        min over w >= 0 of sum_ia (Gamma_ia - sum_t w_t v_t(x_i, a))^2, both centred over mixes

    Args:
        unseen: (teachers, n, mixes) cross-fitted values, centred over mixes.
        scores: (n, mixes) doubly robust scores.
    """
    design = unseen.reshape(len(unseen), -1)
    # The normal equations have the same minimum and do not grow with the cases.
    gram, right = design @ design.T, design @ centred(scores).ravel()
    root = np.linalg.cholesky(gram + 1e-9 * np.trace(gram) * np.eye(len(gram)))
    weights: Floats = nnls(root.T, np.linalg.solve(root, right))[0]
    return weights


def _stack(models: list[Values], weights: Floats, mixes: int) -> Values:
    used = [(model, weight) for model, weight in zip(models, weights.tolist(), strict=True) if weight > 0]

    def values(rows: Floats) -> Floats:
        total = np.zeros((len(rows), mixes))
        for model, weight in used:
            total += weight * centred(model(rows))
        return total

    return values


def _check(rows: Floats, mix: Numbers, outcome: Floats, propensity: Floats | None) -> None:
    if rows.ndim != 2:
        raise ValueError(f"rows: shape {rows.shape}, must be (cases, features)")
    for name, array in (("mix", mix), ("outcome", outcome), ("propensity", propensity)):
        if array is not None and array.shape != (len(rows),):
            raise ValueError(f"{name}: shape {array.shape}, must be ({len(rows)},) as rows")
    if mix.min(initial=0) < 0 or len(np.unique(mix)) != mix.max(initial=-1) + 1:
        raise ValueError("mix: numbers must run from 0 without a gap")
    if not ((outcome >= 0) & (outcome <= 1)).all():
        raise ValueError("outcome: must be from 0 to 1")
    if propensity is not None and not ((propensity > 0) & (propensity <= 1)).all():
        raise ValueError("propensity: must be above 0 and at most 1")
