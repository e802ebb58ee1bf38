"""What is shown of a value: a probability, whatever tables add up to.

Tables are additive, so that a decision is an exact sum; far from where cases are, a sum can leave
what a share can be. Within [0.05, 0.95] a value is shown as it is; outside, by a hyperbola that
touches there with the same slope and never reaches 0 or 1. It rises with the value everywhere.
"""

from __future__ import annotations

import numpy as np

from router.decision.tables import Floats

# Where the tails begin, from either end.
_TAIL = 0.05


def as_probability(value: float) -> float:
    """Gives the probability that is shown of a value, above 0 and below 1."""
    if value < _TAIL:
        return _TAIL * _TAIL / (2 * _TAIL - value)
    if value > 1 - _TAIL:
        return 1 - _TAIL * _TAIL / (2 * _TAIL - (1 - value))
    return value


def as_probabilities(values: Floats) -> Floats:
    """Gives the same of an array, in its shape; NaN stays."""
    low, high = np.minimum(values, _TAIL), np.maximum(values, 1 - _TAIL)
    shown: Floats = np.where(values < _TAIL, _TAIL * _TAIL / (2 * _TAIL - low), values)
    return np.where(values > 1 - _TAIL, 1 - _TAIL * _TAIL / (2 * _TAIL - (1 - high)), shown)
