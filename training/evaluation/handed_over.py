"""What it would be worth to hand unsure cases over to advisers: by how unsure they are."""

from __future__ import annotations

import numpy as np

from router.decision.decide import Decider
from router.decision.decision import Decisions, Status
from router.decision.schema import Rows
from training.evaluation.estimators import estimate
from training.evaluation.figures import HandedOver
from training.learning.scores import Floats, Numbers

THRESHOLDS = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0)
"""Standard errors by which the advised mix must lead the next, or the case is handed over."""
_FEWEST = 50
"""Cases of a part, or nothing is told of it."""


def lead(decider: Decider, rows: Rows, decided: Decisions) -> Floats:
    """Gives by how many standard errors the advised mix leads the next permitted one, (n,).

    In utility, outcome less the price of minutes; infinite where nothing else is permitted, and
    negative where a milder situation lifted the mix.
    """
    each = np.arange(len(rows))
    worth = np.where(decided.permitted, decided.expected - decider.costs(rows), -np.inf)
    worth[each, decided.mix] = -np.inf
    next_mix = worth.argmax(axis=1)

    folds = decider.tables.fold_values(rows)
    apart = folds[each, decided.mix] - folds[each, next_mix]
    spread = apart - apart.mean(axis=1, keepdims=True)
    error = np.sqrt(decider.jackknife * (spread * spread).sum(axis=1))
    # NaN: nothing else is permitted, and so nothing is in doubt.
    found: Floats = np.nan_to_num(decided.margin, nan=np.inf) / np.maximum(error, 1e-12)
    return found


def handed_over(
    leads: Floats, decided: Decisions, advised: Floats, logged: Floats, cluster: Numbers | None
) -> tuple[HandedOver, ...]:
    """Values handing over, at each threshold: advisers then do as they did in the log.

    Cases that an adviser must assess anyway are handed over at every threshold.

    Args:
        leads: (n,) from `lead`.
        decided: the candidate's decisions.
        advised: (n,) doubly robust scores of the advised mixes.
        logged: (n,) outcomes.
        cluster: (n,) office numbers, or None.
    """
    found = []
    for threshold in THRESHOLDS:
        given = (leads < threshold) | (decided.status == Status.NEEDS_ASSESSMENT)
        parts = []
        for part in (~given, given):
            own = None if cluster is None else cluster[part]
            enough = part.sum() >= _FEWEST
            parts.append(estimate((advised - logged)[part], own) if enough else None)
        found.append(
            HandedOver(
                standard_errors=threshold,
                share=float(given.mean()),
                kept=parts[0],
                given=parts[1],
                added=estimate(np.where(given, logged - advised, 0.0), cluster),
            )
        )
    return tuple(found)
