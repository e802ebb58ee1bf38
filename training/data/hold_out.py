"""Which cases only evaluation may see."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.data.dataset import LoggedCases

SHARE = 0.3


def sides(cases: LoggedCases, seed: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_], str]:
    """Says which cases are learned from, and which only evaluation may see.

    With days, the last three tenths by day of decision are held out, whole days: a model is used on
    cases later than those it learned from. Without days, three tenths are drawn. Cases of one
    person (`person_numbers`) are never on both sides: with days, earlier cases of who is held out
    are not learned from; without, persons are drawn.

    Args:
        cases: all of them, n.
        seed: of the draw.

    Returns:
        Which are learned from, shape (n,), which are held out, shape (n,), and how they were told
        apart: "time" or "random".
    """
    count = len(cases.mix)
    persons = cases.person_numbers()
    if cases.days is not None and count:
        # That day is held out whole: a share of a day would be of the same talks and vacancies.
        first = np.sort(cases.days)[int(count * (1 - SHARE))]
        held = cases.days >= first
        learned = ~held if persons is None else ~held & ~np.isin(persons, persons[held])
        return learned, held, "time"

    units = np.arange(count) if persons is None else persons
    order = np.random.default_rng(seed).permutation(units.max(initial=-1) + 1)
    held = order[units] >= int(len(order) * (1 - SHARE))
    return ~held, held, "random"


def hold_out(cases: LoggedCases, seed: int) -> tuple[LoggedCases, LoggedCases, str]:
    """Splits cases into those to learn from and those to evaluate on, as `sides` says.

    Returns:
        The earlier cases, the later ones, and how they were told apart: "time" or "random".
    """
    learned, held, by = sides(cases, seed)
    return cases.take(learned), cases.take(held), by
