"""What more cases would buy: the same learning on parts of the cases, valued on the same others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.decision.tables import DecisionTables
from router.decision.whole_tens import nearest_ten
from training.evaluation.estimators import estimate
from training.evaluation.figures import LearnedFrom
from training.learning.scores import Floats, Numbers

SHARES = (0.25, 0.5)
"""Of the learning cases."""


class Smaller(NamedTuple):
    """Tables that were learned from a part of the cases."""

    cases: int
    tables: DecisionTables


def part_of(
    cases: int, persons: NDArray[np.integer] | None, share: float, seed: int
) -> NDArray[np.bool_]:
    """Draws a part of n cases, a person's together; a larger share holds the smaller ones.

    Args:
        cases: n.
        persons: (n,) numbers, or None where each case is a person's only one.
        share: of the persons.
        seed: of the draw.

    Returns:
        Whether each case is drawn, (n,).
    """
    whose = np.arange(cases) if persons is None else persons
    luck = np.random.default_rng(seed).random(int(whose.max()) + 1)
    return luck[whose] < share


def learning_curve(
    chosen: Sequence[tuple[int, Numbers]], full: Numbers, scores: Floats, cluster: Numbers | None
) -> tuple[LearnedFrom, ...]:
    """Values what was learned from parts beside what was learned from all.

    Args:
        chosen: of each part its cases, and the mixes that it advises on the n held-out cases.
        full: (n,) mixes that is advised by what was learned from all.
        scores: (n, K) doubly robust scores of the held-out cases.
        cluster: (n,) numbers, or None.
    """
    each = np.arange(len(scores))
    whole = scores[each, full]
    return tuple(
        LearnedFrom(
            cases=nearest_ten(cases),
            value=estimate(scores[each, mixes], cluster),
            more=estimate(whole - scores[each, mixes], cluster),
        )
        for cases, mixes in chosen
    )
