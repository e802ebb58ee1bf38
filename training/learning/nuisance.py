"""Models of the nuisances: the propensity and the expected outcome of every mix, fold by fold."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from training.learning.boosting import BoostingClassifier, BoostingRegressor
from training.learning.scores import Floats, Numbers

# Exponents between 0.22 and 4.5 are tried.
LOG_SHARPNESS = (-1.5, 1.5)
# A chance of 0 has no logarithm.
_TINY = 1e-12
# Where boosting was sure of the logged mix, nothing is left to share out, and no division by it.
_SURE = 1e-6


def with_logged(chances: Floats, mix: Numbers, propensity: Floats) -> Floats:
    """Gives chances of every mix, shape (n, K), those of the logged mix as logged.

    The others share what is left as estimated. Where the logged mix had a propensity of 1 no other
    had any, and a policy that gives another has no overlap there. Boosting alone cannot see that:
    it blurs such cases with their neighbours.
    """
    each = np.arange(len(mix))
    left = (1 - propensity) / np.maximum(1 - chances[each, mix], _SURE)
    found: Floats = chances * left[:, None]
    found[each, mix] = propensity
    return found


def propensity_matrix(
    features: Floats, mix: Numbers, mixes: int, fold: Numbers, seed: int
) -> Floats:
    """Gives the calibrated propensity of every mix, e_a(x) = P(A = a | x).

    Shape (n, mixes), rows sum to 1. Multinomial boosting on the other folds, then `calibrated`.
    Leaves may be small: safeguards leave some few cases one mix only, and leaves of 100 blur them
    with others (on simulated logs of 2,200 cases the bias of DR values was .058, with leaves of 20
    it is -.004; of 5,000, .015 and .002). Few bins cost nothing there and save a quarter of the
    time.

    Args:
        features: (n, features), unknown as NaN.
        mix: (n,) logged mixes, 0 to mixes - 1.
        mixes: K.
        fold: (n,) fold of each case.
        seed: of the boosting.

    Raises:
        ValueError: if shapes differ, a mix is out of bounds, or one has no case outside some fold.
    """
    check_cases(features, mix, mixes, fold)
    each = range(int(fold.max()) + 1)
    raw = by_fold((chances_without(one, features, mix, fold, seed) for one in each), fold, mixes)
    return calibrated(raw, mix, fold)


def chances_without(held: int, features: Floats, mix: Numbers, fold: Numbers, seed: int) -> Floats:
    """Gives the chances of one fold's cases by a model that did not see it, not yet calibrated.

    Args:
        held: the fold.
        features: (n, features) of all cases; the others as for `propensity_matrix`.
        mix: (n,).
        fold: (n,).
        seed: of the boosting.

    Returns:
        Shape (cases of the fold, K), rows sum to 1.
    """
    train, test = fold != held, fold == held
    model = BoostingClassifier(
        max_iter=80,
        max_leaf_nodes=8,
        learning_rate=0.1,
        min_samples_leaf=20,
        max_bins=32,
        early_stopping=False,
        random_state=seed,
    )
    found: Floats = model.fit(features[train], mix[train]).predict_proba(features[test])
    return found


def calibrated(raw: Floats, mix: Numbers, fold: Numbers) -> Floats:
    """Makes chances as sharp as they should be, e_a ~ raw_a ^ b; rows sum to 1.

    One number b a fold, that with the least log loss on the other folds' unseen predictions. On six
    simulated logs of 5,000 cases it took the root mean square error of DR values from .022 to .020
    (true propensities: .021), that of IPS from .059 to .046. One isotonic regression a mix was
    worse than none (.036 and .128): its lowest steps are too low.

    Args:
        raw: (n, mixes) chances that never saw their own fold.
        mix: (n,) logged mixes.
        fold: (n,) fold of each case; a case is calibrated on the other folds.

    Source: Guo, Pleiss, Sun, Weinberger 2017 (temperature scaling).
    """
    logs = np.log(np.maximum(raw, _TINY))
    found = np.empty_like(raw)
    for held in np.unique(fold):
        train, test = fold != held, fold == held
        seen, chosen = logs[train], mix[train]

        # Seen as defaults: a plain closure would look at the variables of a later fold.
        def loss(log_sharpness: float, seen: Floats = seen, chosen: Numbers = chosen) -> float:
            sharp = log_softmax(np.exp(log_sharpness) * seen, axis=1)
            return -float(sharp[np.arange(len(chosen)), chosen].mean())

        best = minimize_scalar(loss, bounds=LOG_SHARPNESS, method="bounded").x
        found[test] = softmax(np.exp(best) * logs[test], axis=1)
    return found


def outcome_matrix(
    features: Floats, mix: Numbers, outcome: Floats, mixes: int, fold: Numbers, seed: int
) -> Floats:
    """Gives the expected outcome of every mix, mu_a(x) = E[Y | x, A = a], shape (n, mixes), 0 to 1.

    Args:
        features: (n, features), unknown as NaN.
        mix: (n,) logged mixes, 0 to mixes - 1.
        outcome: (n,) 0 to 1.
        mixes: K.
        fold: (n,) fold of each case.
        seed: of the boosting.

    Raises:
        ValueError: if shapes differ, a number is out of bounds, or a mix has no case outside some
            fold.
    """
    check_cases(features, mix, mixes, fold)
    check_outcomes(outcome, mix)
    found = (
        outcomes_without((one,), features, mix, outcome, mixes, fold, seed)
        for one in range(int(fold.max()) + 1)
    )
    return by_fold((of_fold for (of_fold,) in found), fold, mixes)


def outcomes_without(
    folds: tuple[int, ...],
    features: Floats,
    mix: Numbers,
    outcome: Floats,
    mixes: int,
    fold: Numbers,
    seed: int,
) -> list[Floats]:
    """Gives the expected outcomes of some folds' cases, by a model that saw none of these folds.

    Args:
        folds: left out of the learning.
        features: (n, features) of all cases; the others as for `outcome_matrix`.
        mix: (n,).
        outcome: (n,).
        mixes: K.
        fold: (n,).
        seed: of the boosting.

    Returns:
        For each of the folds the outcomes of its cases, shape (cases, mixes), 0 to 1.
    """
    kept = ~np.isin(fold, folds)
    # Leaves by the number of all cases: models without one fold and without two are then alike.
    model = outcome_model(len(mix), seed)
    model.fit(with_mix(features[kept], mix[kept]), outcome[kept])
    return [np.clip(model.predict_each(features[fold == one], mixes), 0.0, 1.0) for one in folds]


def by_fold(parts: Iterable[Floats], fold: Numbers, mixes: int) -> Floats:
    """Puts what was found of each fold's cases in the cases' order, shape (n, mixes).

    Args:
        parts: of the folds, from 0 on, shape (cases of the fold, mixes) each.
        fold: (n,) fold of each case.
        mixes: K.
    """
    found = np.empty((len(fold), mixes))
    for one, part in enumerate(parts):
        found[fold == one] = part
    return found


def outcome_model(cases: int, seed: int) -> BoostingRegressor:
    """Gives a learner of outcomes with the mix as a feature, its leaves by the number of cases."""
    # A regressor, since an outcome may be any share of the goal; its leaves grow with the cases up
    # to 100, so that small logs still tell something.
    return BoostingRegressor(
        max_iter=150,
        max_leaf_nodes=8,
        learning_rate=0.06,
        min_samples_leaf=min(100, max(20, cases // 100)),
        early_stopping=False,
        random_state=seed,
    )


def with_mix(features: Floats, mix: Numbers | int) -> Floats:
    """Adds the number of a mix, each case's own or one for all, as the last column."""
    return np.column_stack([features, np.broadcast_to(mix, len(features))])


def check_cases(features: Floats, mix: Numbers, mixes: int, fold: Numbers) -> None:
    """Checks what nuisances are learned from.

    Raises:
        ValueError: if shapes differ, a mix is out of bounds, or one has no case outside some fold.
    """
    if features.ndim != 2 or mix.shape != (len(features),) or fold.shape != mix.shape:
        shapes = f"features {features.shape}, mix {mix.shape} and fold {fold.shape}"
        raise ValueError(f"{shapes} must be of the same cases")
    if len(mix) and not (mix.min() >= 0 and mix.max() < mixes):
        raise ValueError(f"mix: numbers {mix.min()} to {mix.max()}; permitted are 0 to {mixes - 1}")
    for held in np.unique(fold):
        counts = np.bincount(mix[fold != held], minlength=mixes)
        if (counts == 0).any():
            lacking = np.flatnonzero(counts == 0).tolist()
            needed = "every mix needs some in two folds"
            raise ValueError(f"mix: {lacking} have no case outside fold {held}; {needed}")


def check_outcomes(outcome: Floats, mix: Numbers) -> None:
    """Checks outcomes.

    Raises:
        ValueError: if they are not one a case, or one is out of bounds.
    """
    if outcome.shape != mix.shape or not ((outcome >= 0) & (outcome <= 1)).all():
        raise ValueError(f"outcome: must have shape {mix.shape} and be from 0 to 1")
