"""The stack: how much to believe each teacher, judged on cases that none of them saw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import nnls

from training.scores import Floats, Numbers
from training.teachers import Values

_RIDGE = 1e-9


def centred(values: Floats) -> Floats:
    """Values less their mean over mixes, shape (n, mixes)."""
    less: Floats = values - values.mean(axis=1, keepdims=True)
    return less


def stack_weights(
    unseen: Floats, means: Floats, chances: Floats, mean: Floats, mix: Numbers, outcome: Floats
) -> Floats:
    """Weights of teachers, shape (teachers,), each 0 or more.

        min over w >= 0 of sum_i (Y_i - m(x_i) - r_i(means) - sum_t w_t r_i(v_t))^2;
        r_i(v) = v(x_i, A_i) - sum_a e_a(x_i) v(x_i, a)

    What the mixes are worth on average is not weighed: it comes from the doubly robust scores. Teachers only say for
    whom a mix is worth more than that. This judges contrasts as the doubly robust scores do, to first order blind to
    errors of m and e, but divides by no propensity: with 20,000 cases its weights vary less. Where effects do not vary,
    no teacher explains anything, and the stack shrinks to the best single mix.

    Args:
        unseen: (teachers, n, mixes) values by teachers that never saw the case, each less its mean over the cases.
        means: (n, mixes) mean value of each mix.
        chances: (n, mixes) propensities e_a(x).
        mean: (n,) expected outcome under the logged policy m(x), which never saw the case.
        mix: (n,) logged mixes.
        outcome: (n,) 0 to 1.

    Source: Nie and Wager 2021 (the R-loss, here for many arms and non-negative stacking).
    """
    each = np.arange(len(mix))
    design = unseen[:, each, mix] - (unseen * chances).sum(axis=2)
    target = outcome - mean - (means[each, mix] - (means * chances).sum(axis=1))
    gram = design @ design.T
    # The normal equations have the same minimum and do not grow with the cases.
    root = np.linalg.cholesky(gram + _RIDGE * max(np.trace(gram), _RIDGE) * np.eye(len(gram)))
    weights: Floats = nnls(root.T, np.linalg.solve(root, design @ target))[0]
    return weights


def stacked(models: Sequence[Values], weights: Floats, offsets: Floats, means: Floats) -> Values:
    """The stack's values, centred over mixes, as a function of rows.

        v(x) = means + sum_t w_t (v_t(x) - offset_t)

    Args:
        models: the teachers.
        weights: (teachers,) of each.
        offsets: (teachers, mixes) mean of each teacher's values, centred over mixes.
        means: (mixes,) mean value of each mix.
    """
    used = [one for one in zip(models, weights.tolist(), offsets, strict=True) if one[1] > 0]

    def values(rows: Floats) -> Floats:
        total = np.tile(means - means.mean(), (len(rows), 1))
        for model, weight, offset in used:
            total += weight * (centred(model(rows)) - offset)
        return total

    return values
