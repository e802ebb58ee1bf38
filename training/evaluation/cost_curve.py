"""What the next adviser hour buys, against a rule blind to the case."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.evaluation.estimators import estimate
from training.evaluation.figures import CostPoint
from training.learning.scores import Floats, Numbers

POINTS = 12
FEWEST_CASES = 100
"""With fewer cases whose minutes are known, a mix takes what the catalogue says."""
# Enough for a trillionth of the first bracket, which no difference of values comes near.
_HALVINGS = 40


def cost_curve(
    values: Floats,
    scores: Floats,
    minutes: Floats,
    permitted: NDArray[np.bool_],
    *,
    points: int = POINTS,
    cluster: Numbers | None = None,
) -> tuple[CostPoint, ...]:
    """Draws value against mean minutes, from the lightest permitted mixes to free choice.

    The last point is the model's choice if time were free. The model's values choose,
    `argmax_a values_a - price * minutes_a`, and doubly robust scores measure. For each budget the
    lowest price that keeps it is found by bisection: the linear programme's optimum but for one
    case.

    Args:
        values: (n, K) predicted value of each mix, weights of the office included.
        scores: (n, K) doubly robust scores of the same cases.
        minutes: (K,) adviser minutes of each mix.
        permitted: (n, K) mixes that each case may get, at least one each.
        points: budgets, evenly spaced, 2 or more.
        cluster: (n,) or (n, ways), as for `estimate`.

    Raises:
        ValueError: if a case has no permitted mix, or there are fewer than two points.

    Source: Sverdrup, Wu, Athey, Wager 2025 (Qini curves for many arms); Bhattacharya, Dupas 2012
    (the price).
    """
    if points < 2 or not permitted.any(axis=1).all():
        raise ValueError(
            f"points: {points}, must be 2 or more; and every case must have a permitted mix"
        )
    each = np.arange(len(values))
    allowed = np.where(permitted, values, -np.inf)
    free = allowed.argmax(axis=1)
    # Mixes stand from lightest to most personal, so the first permitted is the lightest.
    lightest = minutes[permitted.argmax(axis=1)].mean()
    hull = _blind(scores, minutes, permitted)

    curve = []
    for budget in np.linspace(lightest, minutes[free].mean(), points):
        mix = chosen_within(allowed, minutes, float(budget))
        mean = float(minutes[mix].mean())
        # Compared at the minutes really spent: a rule for whole cases rarely spends a budget to the
        # end.
        blind = float(np.interp(mean, hull[0], hull[1]))
        curve.append(
            CostPoint(minutes=mean, outcome=estimate(scores[each, mix], cluster), blind=blind)
        )
    return tuple(curve)


def chosen_within(allowed: Floats, minutes: Floats, budget: float) -> NDArray[np.intp]:
    """Chooses each case's mix, shape (n,), at the lowest price that keeps a budget.

    Args:
        allowed: (n, K) values, -inf where a mix is not permitted.
        minutes: (K,) of each mix.
        budget: mean minutes a case; below what the lightest permitted mixes take, those are given.
    """

    def at(price: float) -> NDArray[np.intp]:
        mix: NDArray[np.intp] = (allowed - price * minutes).argmax(axis=1)
        return mix

    # The lightest budget is itself a mean: its rounding must not put it out of reach.
    within = budget + 1e-9
    if minutes[at(0.0)].mean() <= within:
        return at(0.0)

    known = allowed[np.isfinite(allowed)]
    # At this price no difference in value is worth the smallest difference in minutes.
    low, high = 0.0, float(2 * np.ptp(known) / np.diff(minutes).min())
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if minutes[at(middle)].mean() <= within else (middle, high)
    # The high end has always kept the budget, the low end never.
    return at(high)


def minutes_by_mix(mix: Numbers, spent: Floats | None, planned: Floats) -> Floats:
    """Gives the adviser minutes that each mix takes, shape (K,).

    The logged mean, or what is planned where too few are known.

    Args:
        mix: (n,) logged mixes.
        spent: (n,) minutes really spent, NaN where unknown, or None.
        planned: (K,) minutes by the catalogue.
    """
    if spent is None:
        return planned.astype(np.float64)
    known = ~np.isnan(spent)
    counts = np.bincount(mix[known], minlength=len(planned))
    sums = np.bincount(mix[known], weights=spent[known], minlength=len(planned))
    minutes: Floats = np.where(counts >= FEWEST_CASES, sums / np.maximum(counts, 1), planned)
    return minutes


def _blind(
    scores: Floats, minutes: Floats, permitted: NDArray[np.bool_]
) -> tuple[list[float], list[float]]:
    """Gives the upper hull, (minutes, values), of one mix for all.

    Each is lifted to a case's lightest permitted mix. It picks its mixes by the very scores that
    measure it, so it looks a little better than it is; we do not.
    """
    each, lightest = np.arange(len(scores)), permitted.argmax(axis=1)
    lifted = [np.maximum(lightest, number) for number in range(len(minutes))]
    points = sorted(
        {(float(minutes[mix].mean()), float(scores[each, mix].mean())) for mix in lifted}
    )

    hull: list[tuple[float, float]] = []
    for point in points:
        if hull and point[1] <= hull[-1][1]:
            continue  # more minutes for no more value: nobody would
        while len(hull) > 1 and _slope(hull[-2], hull[-1]) <= _slope(hull[-1], point):
            hull.pop()
        hull.append(point)
    return [x for x, _ in hull], [y for _, y in hull]


def _slope(left: tuple[float, float], right: tuple[float, float]) -> float:
    return (right[1] - left[1]) / (right[0] - left[0])
