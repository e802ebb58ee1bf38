"""Whether a fit can start on logged cases: what it needs of each side, mix and outcome.

`fit` refuses by it before anything is learned, and `check` says the same beforehand.
"""

from __future__ import annotations

import numpy as np

from router.cases.cells import Bools
from router.cases.problems import Problems
from training.data.dataset import LoggedCases
from training.data.hold_out import sides

LEAST_CASES = 500
"""On either side, to say anything at all; the gate asks for more (`held_out_cases`)."""
LEAST_OF_A_MIX = {"to learn from": 100, "to evaluate on": 50}
"""Of each mix, by side: twenty and ten a fold."""


def check_start(cases: LoggedCases, mixes: tuple[str, ...], seed: int) -> None:
    """Refuses cases that no version can be fitted on.

    Args:
        cases: all of them.
        mixes: ids of the catalogue, by number.
        seed: of the fit, which may draw who is held out.

    Raises:
        CasesRefused: with every problem and its bound.
    """
    problems = Problems()
    learned, held, by = sides(cases, seed)
    for side, members in (("to learn from", learned), ("to evaluate on", held)):
        count, told = int(members.sum()), f"{side} (held out by {by})"
        if count < LEAST_CASES:
            problems.add("cases", f"{count} {told}; at least {LEAST_CASES} are needed")
            continue
        _check_mixes(cases, members, mixes, told, LEAST_OF_A_MIX[side], problems)
        _check_outcomes(cases, members, told, problems)
    problems.refuse()


def _check_mixes(
    cases: LoggedCases,
    members: Bools,
    mixes: tuple[str, ...],
    told: str,
    least: int,
    problems: Problems,
) -> None:
    counts = np.bincount(cases.mix[members], minlength=len(mixes))
    for mix, count in zip(mixes, counts.tolist(), strict=True):
        if count < least:
            problems.add(
                "column mix",
                f"{mix} has {count} cases {told}; at least {least} are needed: "
                "give cases of more months, or leave the mix out of the catalogue (--policies)",
            )


def _check_outcomes(cases: LoggedCases, members: Bools, told: str, problems: Problems) -> None:
    outcome = cases.outcome[members]
    if outcome.min() == outcome.max():
        problems.add(
            "column outcome",
            f"is {outcome[0]:g} for all {len(outcome)} cases {told}; nothing can be learned from "
            "what does not vary: was it written before it was known?",
        )
