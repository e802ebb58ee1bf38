"""The stack: how much to believe each teacher, judged on cases that none of them saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from training.learning.scores import Floats, Numbers, treatment_residuals
from training.learning.teachers import Values

# Keeps the normal equations solvable where two teachers say the same; relative to their size.
_RIDGE = 1e-9
# Pull to the common weights, in units of what the log says of one weight on average.
_TOWARDS_COMMON = 0.3
# As many times what chance alone explains, or the weights are held for noise.
_CHANCES = 3
# Columns of the design are teachers times mixes; with all rows at once it outgrows memory.
_ROWS_AT_ONCE = 50_000


def centred(values: Floats) -> Floats:
    """Takes from values their mean over mixes, shape (n, mixes)."""
    less: Floats = values - values.mean(axis=1, keepdims=True)
    return less


def stack_weights(
    unseen: Floats, means: Floats, chances: Floats, mean: Floats, mix: Numbers, outcome: Floats
) -> tuple[Floats, Floats]:
    """Weighs each teacher for each mix, shape (teachers, mixes), 0 or more.

    Twice: the weights to use, and plausible ones.

        min over w >= 0 of
            sum_i (Y_i - m(x_i) - r_i(means) - sum_ta w_ta r_ia v_t(x_i, a))^2
            + penalty |w - common|^2;
        r_ia = 1{A_i = a} - e_a(x_i),  r_i(v) = sum_a r_ia v(x_i, a)

    What the mixes are worth on average is not weighed: it comes from the log as a whole. Teachers
    only say for whom a mix is worth more than that. The loss judges contrasts as the
    doubly robust scores do, to first order blind to errors of m and e, but divides by no
    propensity, so that its weights vary less.

    Some teachers know one mix better than another, so each mix may have weights of its own, drawn
    towards those that serve all mixes best (`common`). Where that does not pay, the common ones
    stand: the two are compared by what they explain less twice `chance`, which is what their
    weights in use would explain of the residuals alone. What is kept shrinks by 1 - chance /
    explained, and to nothing where chance could be a third of it: where effects do not vary, the
    stack is the best single mix, and no more.

    With the plausible weights effects vary as much as they seem to: they explain (explained -
    chance) on average. What is too uncertain to act on may still be there, and errors must allow
    for it.

    Args:
        unseen: (teachers, n, mixes) values by teachers that never saw the case, each less its mean
            over the cases.
        means: (n, mixes) what each mix is worth before teachers are asked.
        chances: (n, mixes) propensities e_a(x).
        mean: (n,) expected outcome under the logged policy m(x), which never saw the case.
        mix: (n,) logged mixes.
        outcome: (n,) 0 to 1.

    Source: Nie and Wager 2021 (the R-loss, here for many arms and non-negative stacking); Mallows
    1973; James and Stein 1961.
    """
    target = outcome - mean - left_over(means, chances, mix)

    teachers, mixes = len(unseen), chances.shape[1]
    gram, right, _ = _normal_equations(unseen, chances, mix, target)
    # The common weights solve the same problem with each teacher's columns added up.
    same = np.repeat(np.eye(teachers), mixes, axis=0)
    common = _non_negative(same.T @ gram @ same, same.T @ right)
    penalty = _TOWARDS_COMMON * max(float(np.diag(gram).mean()), _RIDGE)
    own = _non_negative(gram + penalty * np.eye(len(gram)), right + penalty * (same @ common))

    both = [(same, common, 0.0), (np.eye(len(gram)), own, penalty)]
    judged = [
        _judged(columns @ one, columns[:, one > 0], extra, unseen, chances, mix, target)
        for columns, one, extra in both
    ]

    # Mallows' criterion: parameters in use are charged twice what they explain of pure noise.
    explained, chance, flat = max(judged, key=lambda one: one[0] - 2 * one[1])
    weights = flat.reshape(teachers, mixes)
    kept = max(0.0, 1 - chance / explained) if explained > 0 else 0.0
    # The root, since what weights explain goes with their square.
    return weights * (kept if explained > _CHANCES * chance else 0.0), weights * np.sqrt(kept)


def left_over(values: Floats, chances: Floats, mix: Numbers) -> Floats:
    """Gives r_i(v) = sum_a r_ia v_ia, shape (n,).

    Args:
        values: (n, mixes) v.
        chances: (n, mixes) propensities e_a(x).
        mix: (n,) logged mixes A.
    """
    found = np.empty(len(values))
    for part in _parts(len(values)):
        found[part] = (treatment_residuals(chances[part], mix[part]) * values[part]).sum(axis=1)
    return found


def residual_means(treated: Floats, target: Floats, differences: Floats, fold: Numbers) -> Floats:
    """Finds the mean value of each mix by the R-loss, without each fold, centred, (folds, mixes).

        min over means of sum_i (Y_i - m(x_i) - sum_a r_ia (means_a + differences_ia))^2

    It divides by no propensity, and so needs no clip: where safeguards leave few cases some mixes
    only, the clipped scores are drawn together, however large the log.

    Args:
        treated: (n, mixes) r_ia = 1{A = a} - e_a(x).
        target: (n,) Y - m(x).
        differences: (n, mixes) for whom a mix is worth how much more than its mean.
        fold: (n,) numbers from 0.
    """
    left = target - (treated * differences).sum(axis=1)
    found = []
    for held in range(int(fold.max()) + 1):
        kept = treated[fold != held]
        # Least squares, not a solution: a sum over all mixes is always 0.
        means = np.linalg.lstsq(kept.T @ kept, kept.T @ left[fold != held], rcond=1e-10)[0]
        found.append(means)
    return centred(np.stack(found))


def _judged(
    weights: Floats,
    used: Floats,
    penalty: float,
    unseen: Floats,
    chances: Floats,
    mix: Numbers,
    target: Floats,
) -> tuple[float, float, Floats]:
    """Tells what weights explain, what they would by chance, and the weights.

    Args:
        weights: (teachers * mixes,).
        used: (teachers * mixes, p) columns whose sum they are.
        penalty: with which they were found.
        unseen: (teachers, n, mixes).
        chances: (n, mixes) propensities e_a(x).
        mix: (n,) logged mixes.
        target: (n,).
    """
    shape = (len(unseen), chances.shape[1])
    gram, right, spread = _normal_equations(unseen, chances, mix, target, weights.reshape(shape))
    explained = float(2 * weights @ right - weights @ gram @ weights)

    # Least squares, not an inverse: columns in use may be the same twice.
    penalised = used.T @ gram @ used + penalty * np.eye(used.shape[1])
    chance = float(np.trace(np.linalg.lstsq(penalised, used.T @ spread @ used, rcond=None)[0]))
    return explained, chance, weights


def _normal_equations(
    unseen: Floats, chances: Floats, mix: Numbers, target: Floats, weights: Floats | None = None
) -> tuple[Floats, Floats, Floats]:
    """Sums the gram matrix and right-hand side over (teacher, mix).

    And the gram matrix weighted by squared residuals. They do not grow with the cases. The last is
    White's: residuals may be larger where effects are.
    """
    size = unseen.shape[0] * unseen.shape[2]
    gram, right, spread = np.zeros((size, size)), np.zeros(size), np.zeros((size, size))
    for part in np.array_split(np.arange(len(target)), 1 + len(target) // _ROWS_AT_ONCE):
        # By numbers and not as a slice: NumPy then lays out cases first, and BLAS adds up in that
        # order. Another layout gives tables of other bytes.
        treated = treatment_residuals(chances[part], mix[part])
        design = (unseen[:, part] * treated).transpose(0, 2, 1).reshape(size, -1)
        gram += design @ design.T
        right += design @ target[part]
        if weights is not None:
            residual = target[part] - weights.ravel() @ design
            spread += (design * residual**2) @ design.T
        # Before the next is made: it has a number for each case, mix and teacher.
        del design
    return gram, right, spread


def _non_negative(gram: Floats, right: Floats) -> Floats:
    """Solves argmin over w >= 0 of w' gram w - 2 right' w."""
    # NNLS wants a design, and there is only its gram matrix: the root of it has the same minimum.
    root = np.linalg.cholesky(gram + _RIDGE * max(np.trace(gram), _RIDGE) * np.eye(len(gram)))
    found: Floats = nnls(root.T, np.linalg.solve(root, right))[0]
    return found


def stacked(models: Sequence[Values], weights: Floats, offsets: Floats, means: Floats) -> Values:
    """Gives the stack's values, centred over mixes, as a function of rows.

        v_a(x) = means_a + sum_t w_ta (v_ta(x) - offset_ta), less its mean over mixes

    Args:
        models: the teachers.
        weights: (teachers, mixes).
        offsets: (teachers, mixes) mean of each teacher's values, centred over mixes.
        means: (mixes,) mean value of each mix.
    """
    # Who has no weight is not asked: a forest's answer takes long.
    used = [one for one in zip(models, weights, offsets, strict=True) if one[1].any()]
    return in_parts(_Stacked(used=used, means=means))


def in_parts(values: Values) -> Values:
    """Gives the same values, of so many rows at once that a teacher's own arrays stay small.

    Such arrays are splines, or a forest's leaves.
    """
    return _InParts(values=values)


# Classes and not functions in functions: by their names they are sent to other machines.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stacked:
    used: list[tuple[Values, Floats, Floats]]
    means: Floats

    def __call__(self, rows: Floats) -> Floats:
        total = np.tile(self.means, (len(rows), 1))
        for model, weight, offset in self.used:
            total += weight * (centred(model(rows)) - offset)
        return centred(total)


@dataclass(frozen=True, slots=True, kw_only=True)
class _InParts:
    values: Values

    def __call__(self, rows: Floats) -> Floats:
        return np.concatenate([self.values(rows[part]) for part in _parts(len(rows))])


def _parts(cases: int) -> list[slice]:
    """Gives slices of so many cases at once, at least one."""
    starts = range(0, max(1, cases), _ROWS_AT_ONCE)
    return [slice(start, start + _ROWS_AT_ONCE) for start in starts]
