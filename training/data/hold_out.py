"""Which cases only evaluation may see."""

from __future__ import annotations

import numpy as np

from training.data.dataset import LoggedCases

SHARE = 0.3
# What the code needs to say anything at all; the gate asks for more (`held_out_cases`).
LEAST_CASES = 500


def hold_out(cases: LoggedCases, seed: int) -> tuple[LoggedCases, LoggedCases, str]:
    """Splits cases into those to learn from and those to evaluate on.

    With days, the last three tenths by day of decision are held out, whole days: a model is used on
    cases later than those it learned from. Without days, three tenths are drawn. Cases of one
    person (`person_numbers`) are never on both sides: with days, earlier cases of who is held out
    are not learned from; without, persons are drawn.

    Args:
        cases: all of them.
        seed: of the draw.

    Returns:
        The earlier cases, the later ones, and how they were told apart: "time" or "random".

    Raises:
        ValueError: if fewer than 500 cases are left on either side.
    """
    persons = cases.person_numbers()
    if cases.days is not None:
        # That day is held out whole: a share of a day would be of the same talks and vacancies.
        first = np.sort(cases.days)[int(len(cases.days) * (1 - SHARE))]
        held, by = cases.days >= first, "time"
        learned = ~held if persons is None else ~held & ~np.isin(persons, persons[held])
    else:
        units = np.arange(len(cases.mix)) if persons is None else persons
        order = np.random.default_rng(seed).permutation(units.max() + 1)
        held, by = order[units] >= int(len(order) * (1 - SHARE)), "random"
        learned = ~held
    for name, number in (
        ("to learn from", int(learned.sum())),
        ("to evaluate on", int(held.sum())),
    ):
        if number < LEAST_CASES:
            raise ValueError(
                f"cases: {number} {name} (held out by {by}); at least {LEAST_CASES} are needed"
            )
    return cases.take(learned), cases.take(held), by
