"""Which cases only evaluation may see."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.data.dataset import LoggedCases

SHARE = 0.3


def held_out(cases: LoggedCases, seed: int) -> tuple[NDArray[np.bool_], str]:
    """Says which cases only evaluation may see.

    With days, the last three tenths by day of decision are held out, whole days: a model is used on
    cases later than those it learned from. Without days, three tenths are drawn.

    Args:
        cases: all of them, n.
        seed: of the draw.

    Returns:
        Which are held out, shape (n,), and how they were told apart: "time" or "random".
    """
    count = len(cases.mix)
    if cases.days is not None and count:
        # That day is held out whole: a share of a day would be of the same talks and vacancies.
        first = np.sort(cases.days)[int(count * (1 - SHARE))]
        return cases.days >= first, "time"
    order = np.random.default_rng(seed).permutation(count)
    return order >= int(count * (1 - SHARE)), "random"


def hold_out(cases: LoggedCases, seed: int) -> tuple[LoggedCases, LoggedCases, str]:
    """Splits cases into those to learn from and those to evaluate on, as `held_out` says.

    Returns:
        The earlier cases, the later ones, and how they were told apart: "time" or "random".
    """
    held, by = held_out(cases, seed)
    return cases.take(~held), cases.take(held), by
