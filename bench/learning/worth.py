"""What a rule is worth when the truth is known.

The share of the attainable gain, with and without a budget.
"""

from __future__ import annotations

import numpy as np

from training.learning.scores import Floats

BUDGETS = (20.0, 40.0, 60.0)
_HALVINGS = 60


def gain(chosen: Floats, truth: Floats) -> float:
    """Gives the share of the attainable gain: 0 is the best single mix for all, 1 is the oracle.

        (V - max_a mean v_a) / (mean max_a v_a - max_a mean v_a)

    Args:
        chosen: (n, mixes) probability with which the rule chooses each mix; rows sum to 1.
        truth: (n, mixes) true values.
    """
    best, oracle = float(truth.mean(axis=0).max()), float(truth.max(axis=1).mean())
    return (value(chosen, truth) - best) / (oracle - best)


def gain_within(values: Floats, truth: Floats, minutes: Floats, budget: float) -> float:
    """Gives the same at `budget` minutes a case.

    0 is the best rule that looks at nobody, 1 is the oracle's.

    Args:
        values: (n, mixes) values that the rule believes.
        truth: (n, mixes) true values.
        minutes: (mixes,) minutes of each mix.
        budget: mean minutes a case, at least those of the cheapest mix.
    """
    blind = value(
        within(truth.mean(axis=0, keepdims=True), minutes, budget),
        truth.mean(axis=0, keepdims=True),
    )
    oracle = value(within(truth, minutes, budget), truth)
    return (value(within(values, minutes, budget), truth) - blind) / (oracle - blind)


def value(chosen: Floats, truth: Floats) -> float:
    """Gives the mean true value of a rule."""
    return float((chosen * truth).sum(axis=1).mean())


def best(values: Floats) -> Floats:
    """Gives the rule that takes the best mix, shape (n, mixes), a one in each row."""
    chosen: Floats = np.eye(values.shape[1])[values.argmax(axis=1)]
    return chosen


def within(values: Floats, minutes: Floats, budget: float) -> Floats:
    """Gives the best rule whose mean minutes are at most `budget`, shape (n, mixes).

    The linear programme's optimum.

    A case takes argmax_a v_a - price * minutes_a. The price is halved upon until the two rules on
    either side of the jump are next to each other; they are mixed so that the budget is spent to
    the minute.

    Args:
        values: (n, mixes).
        minutes: (mixes,).
        budget: mean minutes a case.

    Raises:
        ValueError: if even the cheapest mix costs more than `budget`.
    """
    if budget < minutes.min():
        raise ValueError(
            f"budget: {budget} minutes, must be at least {minutes.min()}, the cheapest mix's"
        )
    rich = best(values)
    if _spent(rich, minutes) <= budget:
        return rich
    # Unique: between mixes of equal minutes no price decides.
    low, high = 0.0, float(np.ptp(values) / np.diff(np.unique(minutes)).min() + 1e-9)
    for _ in range(_HALVINGS):
        price = (low + high) / 2
        low, high = (
            (low, price)
            if _spent(best(values - price * minutes), minutes) <= budget
            else (price, high)
        )

    rich, poor = best(values - low * minutes), best(values - high * minutes)
    share = (budget - _spent(poor, minutes)) / max(
        _spent(rich, minutes) - _spent(poor, minutes), 1e-12
    )
    return share * rich + (1 - share) * poor


def _spent(chosen: Floats, minutes: Floats) -> float:
    return float((chosen @ minutes).mean())
