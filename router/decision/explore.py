"""Exploration: the mix that is drawn by a recorded chance."""

from __future__ import annotations

from collections.abc import Sequence

from router.decision.decision import Decision, Status
from router.decision.policy import Exploration

ALL = -1
"""Every bit: all mixes may be drawn."""


def near_best(utility: Sequence[float], best: int, lets: int, margin: float) -> list[int]:
    """Gives the mixes among which one is drawn: those nearly worth what the best one is.

    Args:
        utility: of each mix, outcome points.
        best: the mix that is advised where nothing is drawn.
        lets: the mixes that are permitted and may be drawn, mix k as bit k.
        margin: outcome points that they may be worth less, 0 or more.
    """
    least = utility[best] - margin
    return [k for k in range(len(utility)) if lets >> k & 1 and utility[k] >= least]


def explore(
    decision: Decision,
    utility: Sequence[float],
    exploration: Exploration,
    drawn: float,
    among: int = ALL,
) -> tuple[Decision, float]:
    """Draws a mix among the permitted ones near the best.

        P(mix) = share / n * [mix may be drawn] + (1 - share) * [mix is the best]

    among the n mixes that the policy lets be drawn and whose utility is within the margin of the
    best one's. The best one itself is drawn only if it is among them.

    Only a plain recommendation is explored: neither a case that a person must assess nor one that
    people alone handle, and never a mix that a safeguard or the menu forbids.

    Args:
        decision: of one row.
        utility: of each mix, outcome points.
        exploration: share and margin.
        drawn: in [0, 1).
        among: the mixes that the policy lets be drawn, mix k as bit k.

    Returns:
        The decision with the drawn mix, and the probability with which it was drawn.
    """
    if decision.status != Status.RECOMMENDED:
        return decision, 1.0

    best = decision.mix
    near = near_best(utility, best, decision.permitted & among, exploration.margin)
    if not near:
        return decision, 1.0

    # One number draws both whether and which: where it is below the share, it is even within it.
    mix = best
    if drawn < exploration.share:
        place = int(drawn / exploration.share * len(near))
        # The division may round up to 1.
        mix = near[min(place, len(near) - 1)]
    # The best one may be drawn too: its chance is that of both ways.
    chance = exploration.share / len(near) * (mix in near)
    chance += (1 - exploration.share) * (mix == best)

    if mix == best:
        return decision, chance
    return decision._replace(mix=mix, margin=utility[mix] - utility[best]), chance
