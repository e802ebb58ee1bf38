"""Cases that a fit can start on: what it needs of each side, mix and outcome.

A fit takes nothing else, so that what cannot be learned from is refused before anything is learned,
and `check` and `evaluate` say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from router.advice.todays_rule import GIVEN, todays_rule
from router.cases.cells import Bools
from router.cases.problems import Problems
from router.decision.catalogue import Catalogue
from router.decision.policy import Policy
from router.decision.safeguards import HeaviestForbidden
from router.policies.check import check_policy, compile_safeguards
from training.data.dataset import CASES_OF_A_MIX, LoggedCases, scored
from training.data.hold_out import sides
from training.evaluation.figures import Soundness
from training.evaluation.soundness import refuse_hopeless, soundness

LEAST_CASES = 500
"""On either side, to say anything at all; the gate asks for more (`held_out_cases`)."""
LEAST_OF_A_MIX = {"to learn from": 100, "to evaluate on": 50}
"""Of each mix, by side: twenty and ten a fold."""
_MORE = "give cases of more months"
_FEWEST_DAYS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Cases that a fit can start on.

    Attributes:
        cases: of the mixes that there are enough cases of, numbered by `catalogue`.
        catalogue: of these mixes; the others are served unscored (`router.decision.unscored`).
        policy: with these mixes on its menu.
        few: cases of each mix that is left out.
        sound: whether the cases can be believed.
        seed: of whatever is drawn, who is held out too.
    """

    cases: LoggedCases
    catalogue: Catalogue
    policy: Policy
    few: dict[str, int]
    sound: Soundness
    seed: int


def ready(cases: LoggedCases, catalogue: Catalogue, policy: Policy, *, seed: int) -> Ready:
    """Makes cases ready for a fit.

    Args:
        cases: all of them.
        catalogue: of the mixes.
        policy: with which versions decide.
        seed: of the fit.

    Raises:
        CasesRefused: if too few cases are left to learn from or to measure on, a mix or the outcome
            says nothing on a side, or nothing can be learned from such outcomes or propensities.
        PolicyError: if catalogue and policy do not fit each other, or the catalogue lacks a mix
            that today's rule gives.
    """
    check_policy(catalogue, policy)
    # The baseline is asked now: without its mixes nothing could be compared after the learning.
    todays_rule(cases.rows[:1], catalogue)
    cases, catalogue, few = scored(cases, catalogue)
    check_start(cases, catalogue.ids, seed, few)
    if few:
        _check_heaviest(catalogue, policy, few)
    sound = soundness(cases, catalogue, seed=seed)
    refuse_hopeless(sound)
    return Ready(
        cases=cases,
        catalogue=catalogue,
        policy=replace(policy, menu=tuple(mix for mix in policy.menu if mix not in few)),
        few=few,
        sound=sound,
        seed=seed,
    )


def _check_heaviest(catalogue: Catalogue, policy: Policy, few: Mapping[str, int]) -> None:
    """Refuses cases of mixes by which the safeguards cannot be kept.

    Args:
        catalogue: of the mixes that there are enough cases of.
        policy: with which versions decide.
        few: cases of each mix that was left out.

    Raises:
        CasesRefused: naming the mixes of which there are too few.
    """
    try:
        compile_safeguards(catalogue, policy)
    except HeaviestForbidden as problem:
        counts = ", ".join(f"{mix} has {count}" for mix, count in few.items())
        problems = Problems()
        problems.add(
            "column mix",
            f"{counts} cases; of mixes with fewer than {CASES_OF_A_MIX} nothing is learned, and "
            f"without these {problem.what}: {_MORE}, or with more of the heaviest mix",
        )
        problems.refuse()


def check_start(
    cases: LoggedCases, mixes: tuple[str, ...], seed: int, few: Mapping[str, int] | None = None
) -> None:
    """Refuses cases that no version can be fitted on.

    Args:
        cases: all of them.
        mixes: ids of the catalogue, by number.
        seed: of the fit, which may draw who is held out.
        few: cases of each mix that was left out.

    Raises:
        CasesRefused: with every problem and its bound.
    """
    problems = Problems()
    for mix, count in (few or {}).items():
        if mix in GIVEN:
            problems.add(
                "column mix",
                f"{mix} has {count} cases; at least {CASES_OF_A_MIX} are needed, because today's "
                f"rule gives it, which every version is compared with: {_MORE}",
            )
    learned, held, by = sides(cases, seed)
    for side, members in (("to learn from", learned), ("to evaluate on", held)):
        count, told = int(members.sum()), f"{side} (held out by {by})"
        if count < LEAST_CASES:
            problems.add(
                "cases", f"{count} {told}; at least {LEAST_CASES} are needed{_left_out(cases)}"
            )
            continue
        _check_mixes(cases, members, mixes, told, LEAST_OF_A_MIX[side], problems)
        _check_outcomes(cases, members, told, problems)
    problems.refuse()


def _left_out(cases: LoggedCases) -> str:
    """Says what may have left so few cases, "" if nothing did."""
    told = []
    if cases.too_recent:
        told.append(f"{cases.too_recent} were left out by --horizon or --as-of")
    if cases.shielded:
        told.append(f"{cases.shielded} were left out as shielded, or not known not to be")
    if cases.days is not None and len(np.unique(cases.days)) < _FEWEST_DAYS:
        told.append("nearly all were decided on the same days: give cases of more months")
    return "".join(f"; {one}" for one in told)


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
                f"{mix} has {count} cases {told}; at least {least} are needed: {_MORE}"
                + ("" if mix in GIVEN else ", or leave its cases out: it is then served unscored"),
            )


def _check_outcomes(cases: LoggedCases, members: Bools, told: str, problems: Problems) -> None:
    outcome = cases.outcome[members]
    if outcome.min() == outcome.max():
        problems.add(
            "column outcome",
            f"is {outcome[0]:g} for all {len(outcome)} cases {told}; nothing can be learned from "
            "what does not vary: was it written before it was known?",
        )
