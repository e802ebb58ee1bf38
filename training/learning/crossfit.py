"""What teachers and stack build on: folds, propensities, expected outcomes that never saw what they are judged by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
from joblib import Parallel, delayed

from training.learning.nuisance import (
    of_every_mix,
    outcome_model,
    propensity_matrix,
    with_logged,
    with_mix,
)
from training.learning.scores import CLIP, Floats, Numbers, doubly_robust, folds_of

FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Groundwork:
    """Cross-fitted nuisances of n logged cases.

    Attributes:
        fold: (n,) fold of each case.
        chances: (n, mixes) propensity of every mix.
        mu: (n, mixes) expected outcome of every mix, learned without the case's fold.
        apart: (folds, n, mixes) the same, learned without the case's fold and without the fold of
            the first index: what a teacher may see whom that fold will judge. Its own fold's
            entries are not used.
    """

    fold: Numbers
    chances: Floats
    mu: Floats
    apart: Floats

    def scores(self, mu: Floats, mix: Numbers, outcome: Floats) -> Floats:
        """Doubly robust scores for learning, clipped, shape (n, mixes)."""
        return doubly_robust(mu, mix, outcome, self.chances[np.arange(len(mix)), mix], CLIP)

    @property
    def mean(self) -> Floats:
        """Expected outcome under the logged policy, m(x) = sum_a e_a(x) mu_a(x), shape (n,)."""
        found: Floats = (self.chances * self.mu).sum(axis=1)
        return found


def lay(
    rows: Floats,
    mix: Numbers,
    outcome: Floats,
    mixes: int,
    *,
    propensity: Floats | None = None,
    seed: int = 0,
    jobs: int = 1,
) -> Groundwork:
    """Cross-fits what teachers need.

    Expected outcomes come from one boosting with the mix as a number. For each pair of folds one
    more is learned with neither: a teacher who is judged on one of them must not know its outcomes
    through the other's expectations, or the stack would prefer whoever leans on them most.

    Args:
        rows: (n, features), confounders included, unknown as NaN.
        mix: (n,) logged mixes.
        outcome: (n,) 0 to 1.
        mixes: K.
        propensity: (n,) logged probability of the logged mix, or (n, K) of every mix; estimated
            where None.
        seed: of folds and boosting.
        jobs: fits at once.
    """
    fold = folds_of(len(rows), FOLDS, seed)

    def outcomes_without(*left_out: int) -> list[Floats]:
        kept = ~np.isin(fold, left_out)
        model = outcome_model(len(rows), seed).fit(with_mix(rows[kept], mix[kept]), outcome[kept])
        return [
            np.clip(of_every_mix(model, rows[fold == one], mixes), 0.0, 1.0) for one in left_out
        ]

    pairs = list(combinations(range(FOLDS), 2))
    tasks: list[Callable[[], object]] = [partial(outcomes_without, one) for one in range(FOLDS)]
    tasks += [partial(outcomes_without, *pair) for pair in pairs]
    tasks.append(lambda: _chances(rows, mix, mixes, fold, propensity, seed))
    *found, chances = Parallel(n_jobs=jobs, prefer="threads")(delayed(task)() for task in tasks)
    mu = np.empty((len(rows), mixes))
    for one, (values,) in enumerate(found[:FOLDS]):
        mu[fold == one] = values
    apart = np.zeros((FOLDS, len(rows), mixes))
    for (one, other), (of_one, of_other) in zip(pairs, found[FOLDS:], strict=True):
        apart[other, fold == one], apart[one, fold == other] = of_one, of_other
    return Groundwork(fold=fold, chances=chances, mu=mu, apart=apart)


def _chances(
    rows: Floats, mix: Numbers, mixes: int, fold: Numbers, propensity: Floats | None, seed: int
) -> Floats:
    """Chances of every mix: those logged are used as they are, the others share what is left as estimated."""
    if propensity is not None and propensity.ndim == 2:
        return propensity
    chances = propensity_matrix(rows, mix, mixes, fold, seed)
    return chances if propensity is None else with_logged(chances, mix, propensity)
