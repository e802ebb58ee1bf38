"""Sums of tables as probabilities: what people are shown is never certain, whatever was added up.

Decisions and reasons go by the sums themselves, which are exact; only what is shown is bent:

    p(v) = a * a / (2 * a - v)              for v < a
    p(v) = v                                for a <= v <= 1 - a
    p(v) = 1 - a * a / (2 * a - (1 - v))    for v > 1 - a,      a = 0.05

Both tails touch the line with slope 1 and bend away from 0 and 1, so that a larger value is always
a larger probability, and ranks are kept.
"""

from __future__ import annotations

from router.decision.tables import Floats

EDGE = 0.05
"""Within this and one less this, what is shown is the sum itself."""


def as_probability(value: float) -> float:
    """Gives what is shown of one value in outcome points: above 0 and below 1."""
    if value < EDGE:
        return EDGE * EDGE / (2 * EDGE - value)
    if value > 1 - EDGE:
        return 1 - EDGE * EDGE / (2 * EDGE - (1 - value))
    return value


def as_probabilities(values: Floats) -> Floats:
    """Gives the same for many values, of any shape; the bits are equal, NaN stays NaN."""
    found: Floats = values.copy(order="K")
    # Few are so low or so high.
    low, high = values < EDGE, values > 1 - EDGE
    found[low] = EDGE * EDGE / (2 * EDGE - values[low])
    found[high] = 1 - EDGE * EDGE / (2 * EDGE - (1 - values[high]))
    return found
