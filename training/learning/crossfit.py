"""Cross-fitting: each case's nuisances by models that never saw what they are used to judge."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import combinations, islice
from typing import Any

import numpy as np

from training.learning.at_once import AtOnce, in_threads
from training.learning.nuisance import (
    by_fold,
    calibrated,
    chances_without,
    check_cases,
    check_outcomes,
    outcomes_without,
    with_logged,
)
from training.learning.scores import CLIP, Floats, Numbers, doubly_robust, folds_of

# Each fold is one student of the jackknife, and each pair of folds one more fit: ten at five.
FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Nuisances:
    """Cross-fitted nuisances of n logged cases, as evaluation needs them.

    Attributes:
        mu: (n, K) expected outcome of each mix.
        chances: (n, K) estimated propensity of each mix; that of the logged mix is the log's own,
            if it has it.
        estimated: (n, K) estimated propensity of every mix, the logged one's too.
        chance: (n,) propensity of the logged mix.
        scores: (n, K) doubly robust scores, unclipped.
        fold: (n,) whose models did not see the case.
    """

    mu: Floats
    chances: Floats
    estimated: Floats
    chance: Floats
    scores: Floats
    fold: Numbers


def cross_fit(
    features: Floats,
    mix: Numbers,
    outcome: Floats,
    mixes: int,
    *,
    propensity: Floats | None,
    seed: int,
    folds: int = FOLDS,
    groups: Numbers | None = None,
    at_once: AtOnce | None = None,
) -> Nuisances:
    """Cross-fits both nuisances. Logged propensities are used as they are, never estimated anew.

    Args:
        features: (n, features), unknown as NaN; all that advisers go by when they choose, office
            and rules included.
        mix: (n,) logged mixes, 0 to mixes - 1.
        outcome: (n,) 0 to 1.
        mixes: K.
        propensity: (n,) logged probability of the logged mix, or (n, K) of every mix, or None.
        seed: of folds and boosting.
        folds: how many.
        groups: (n,) numbers from 0 of those whose cases stay in one fold, such as persons.
        at_once: makes the fits; one after the other if not given.

    Raises:
        ValueError: if shapes differ, a number is out of bounds, or a mix has no case outside some
            fold.
    """
    fold = folds_of(len(mix), folds, seed, groups)
    check_cases(features, mix, mixes, fold)
    check_outcomes(outcome, mix)
    each = range(folds)
    found = (at_once or in_threads(1))(
        [
            *_of_chances(each, features, mix, fold, seed),
            *_of_outcomes([(one,) for one in each], features, mix, outcome, mixes, fold, seed),
        ]
    )
    raw = by_fold(islice(found, folds), fold, mixes)
    estimated = calibrated(raw, mix, fold)
    mu = by_fold((of_fold for (of_fold,) in found), fold, mixes)
    chances = _believed(estimated, mix, propensity)
    chance: Floats = chances[np.arange(len(mix)), mix]
    # Unclipped: clipping biases a value, and the interval does not know it. With weights clipped at
    # 10 those of IPS held the truth of a policy with little overlap 31 times in 100, not 95.
    return Nuisances(
        mu=mu,
        chances=chances,
        estimated=estimated,
        chance=chance,
        scores=doubly_robust(mu, mix, outcome, chance, clip=0.0),
        fold=fold,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NestedNuisances:
    """Cross-fitted nuisances of n logged cases, as teachers and their stack need them.

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
        """Gives doubly robust scores for learning, clipped, shape (n, mixes)."""
        return doubly_robust(mu, mix, outcome, self.chances[np.arange(len(mix)), mix], CLIP)

    @property
    def mean(self) -> Floats:
        """Expected outcome under the logged policy, m(x) = sum_a e_a(x) mu_a(x), shape (n,)."""
        found: Floats = (self.chances * self.mu).sum(axis=1)
        return found


def cross_fit_nested(
    features: Floats,
    mix: Numbers,
    outcome: Floats,
    mixes: int,
    *,
    propensity: Floats | None = None,
    groups: Numbers | None = None,
    folds: int = FOLDS,
    seed: int = 0,
    at_once: AtOnce | None = None,
) -> NestedNuisances:
    """Cross-fits both nuisances, the expected outcomes without each pair of folds as well.

    A teacher who is judged on one fold must not know its outcomes through the expectations of
    another, or the stack would prefer whoever leans on them most.

    Args:
        features: (n, features), confounders included, unknown as NaN.
        mix: (n,) logged mixes.
        outcome: (n,) 0 to 1.
        mixes: K.
        propensity: (n,) logged probability of the logged mix, or (n, K) of every mix; estimated
            where None.
        groups: (n,) numbers from 0 of those whose cases stay in one fold, such as persons.
        folds: how many.
        seed: of folds and boosting.
        at_once: makes the fits; one after the other if not given.
    """
    fold = folds_of(len(features), folds, seed, groups)
    pairs = list(combinations(range(folds), 2))

    held = [*((one,) for one in range(folds)), *pairs]
    to_fit: list[Callable[[], Any]] = _of_outcomes(held, features, mix, outcome, mixes, fold, seed)
    # Chances are learned from mixes and not from outcomes, so no judge's outcome can leak by them.
    chances = propensity if propensity is not None and propensity.ndim == 2 else None
    if chances is None:
        check_cases(features, mix, mixes, fold)
        # First, as they take longest: what is left at the end is short.
        to_fit = [*_of_chances(range(folds), features, mix, fold, seed), *to_fit]
    found = (at_once or in_threads(1))(to_fit)

    if chances is None:
        raw = by_fold(islice(found, folds), fold, mixes)
        chances = _believed(calibrated(raw, mix, fold), mix, propensity)
    mu = by_fold((of_fold for (of_fold,) in islice(found, folds)), fold, mixes)
    apart = np.zeros((folds, len(features), mixes))
    for (one, other), (of_one, of_other) in zip(pairs, found, strict=True):
        # What teachers whom `other` will judge may know of the cases of `one`, and the reverse.
        apart[other, fold == one] = of_one
        apart[one, fold == other] = of_other
    return NestedNuisances(fold=fold, chances=chances, mu=mu, apart=apart)


def _of_chances(
    each: Iterable[int], features: Floats, mix: Numbers, fold: Numbers, seed: int
) -> list[Callable[[], Any]]:
    return [partial(chances_without, one, features, mix, fold, seed) for one in each]


def _of_outcomes(
    each: Iterable[tuple[int, ...]],
    features: Floats,
    mix: Numbers,
    outcome: Floats,
    mixes: int,
    fold: Numbers,
    seed: int,
) -> list[Callable[[], Any]]:
    return [
        partial(outcomes_without, held, features, mix, outcome, mixes, fold, seed) for held in each
    ]


def _believed(estimated: Floats, mix: Numbers, propensity: Floats | None) -> Floats:
    if propensity is None:
        return estimated
    return propensity if propensity.ndim == 2 else with_logged(estimated, mix, propensity)
