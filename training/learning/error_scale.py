"""How much wider than the folds' spread the truth lies, found in data drawn from the model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.learning.learned import Learned, jackknife
from training.learning.scores import Floats, Numbers
from training.learning.stack import in_parts

COVERAGE = 0.90
# A normal's two-sided 90 per cent.
Z = 1.645
# Cases to learn from once more, which bounds the time; of them, those whose contrasts are compared.
_AT_MOST = 40_000
_COMPARED = 5_000
# Nothing is made narrower than the folds say, nor wider than ten times that.
_LOWEST, _HIGHEST = 1.0, 10.0
UNSEEN = 0.02
"""Standard deviation over cases, outcome points, of what a mix may add unseen by the log.

Published effects of follow-up differ by about so much between kinds of cases; an agency that knows
better changes it.
"""
_UNSEEN_COLUMNS = 3


def error_scale(
    learned: Learned,
    rows: Floats,
    mix: Numbers,
    outcome: Floats,
    again: Callable[[Numbers, Floats], Learned],
    seed: int,
) -> float:
    """Finds the factor on the folds' spread with which intervals hold what they promise.

    That is, with which 90 per cent intervals of contrasts cover nine cases in ten. The folds share
    most of their cases, and every student shrinks: their spread misses the bias that shrinking
    brings. So outcomes are drawn anew from a truth: the stack's plausible values, and effects of a
    size that trials have found but a log may be too small, or too one-sided, to show
    (`unseen_effects`). Everything is learned from them once more, and the factor is the one with
    which the intervals of all contrasts to the first mix then cover that truth.

    Args:
        learned: from the logged cases.
        rows: (n, features) of the logged cases.
        mix: (n,) their mixes.
        outcome: (n,) their outcomes, which give the level.
        again: learns from some of the cases (their numbers) with other outcomes; at most 40,000 are
            asked for.
        seed: of the drawing.

    Source: the parametric bootstrap (Efron and Tibshirani 1993), here once for all cases and
    contrasts together.
    """
    random = np.random.default_rng(seed)
    kept = np.sort(random.permutation(len(rows))[:_AT_MOST])

    extra = unseen_effects(rows, learned.scores.shape[1], random)
    truth = learned.plausible(rows[kept]) + extra[kept]
    # The stacks' values are centred over mixes; only the students know the level.
    level = learned.values(rows[kept]).mean(axis=1)
    chance = np.clip(level + truth[np.arange(len(kept)), mix[kept]], 0.0, 1.0)
    drawn = (random.random(len(kept)) < chance).astype(np.float64)
    if not np.isin(outcome, (0.0, 1.0)).all():  # keep the outcome's own spread around its mean
        level_of = in_parts(lambda some: learned.values(some).mean(axis=1))
        effects = learned.plausible(rows)[np.arange(len(rows)), mix]
        noise = outcome - (level_of(rows) + effects)
        drawn = np.clip(chance + random.permutation(noise)[: len(kept)], 0.0, 1.0)

    anew = again(kept, drawn)
    compared = random.permutation(len(kept))[:_COMPARED]
    values = anew.values(rows[kept][compared])
    # Contrasts to the first mix: only differences decide, and the level's error is in all alike.
    missed = np.abs(values[:, 1:] - values[:, :1] - (truth[compared, 1:] - truth[compared, :1]))
    # Against the spread of what was learned from all cases: that is what will be scaled.
    folds = learned.fold_values(rows[kept][compared])
    spread = np.maximum(jackknife(folds[:, 1:] - folds[:, :1]), 1e-12)
    scale = float(np.quantile(missed / spread, COVERAGE)) / Z
    return min(_HIGHEST, max(_LOWEST, scale))


def unseen_effects(rows: Floats, mixes: int, random: np.random.Generator) -> Floats:
    """Draws effects of standard deviation `UNSEEN` for each mix, shape (n, mixes).

    Each is along three columns.

    Args:
        rows: (n, features), unknown as NaN, which counts as the column's mean.
        mixes: K.
        random: draws columns and signs.
    """
    known = ~np.isnan(rows)
    # By hand, since a column that is unknown throughout has no mean, and varies in nothing.
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, rows, 0.0).sum(axis=0) / count
    spread = np.sqrt((np.where(known, rows - mean, 0.0) ** 2).sum(axis=0) / count)
    varies = np.flatnonzero(spread > 0)
    if not len(varies):
        return np.zeros((len(rows), mixes))

    found = np.empty((len(rows), mixes))
    for number in range(mixes):
        columns = random.choice(varies, min(_UNSEEN_COLUMNS, len(varies)), replace=False)
        # Clipped, or a few extreme values would make up the effect's whole spread.
        steps = np.clip(
            (np.nan_to_num(rows[:, columns], nan=0.0) - mean[columns]) / spread[columns], -2, 2
        )
        steps[np.isnan(rows[:, columns])] = 0.0
        effect = steps @ random.choice([-1.0, 1.0], len(columns))
        found[:, number] = UNSEEN * (effect - effect.mean()) / max(effect.std(), 1e-12)
    return found
