"""Whether a fit can start on logged cases: what it needs of each side, mix and outcome.

`fit` refuses by it before anything is learned, and `check` says the same beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from router.cases.assumed import Assumed
from router.cases.cells import Bools
from router.cases.features import FEATURES
from router.cases.mapping import AS_IS, FileMapping
from router.cases.problems import CasesRefused, Problems
from router.decision.catalogue import Catalogue
from router.decision.policy import Policy
from router.decision.rulebook import rulebook
from router.decision.safeguards import CompiledSafeguards
from router.policies.toml_file import PolicyError
from training.data.dataset import LoggedCases, read_cases, scored
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Cases that a fit can start on.

    Attributes:
        cases: of the mixes that there are enough cases of, numbered by `catalogue`.
        catalogue: of these mixes; the others are served unscored (`router.decision.unscored`).
        few: cases of each mix that is left out.
    """

    cases: LoggedCases
    catalogue: Catalogue
    few: dict[str, int]


def check_policy(catalogue: Catalogue, policy: Policy) -> None:
    """Refuses a catalogue and a policy with which no version can be learned or measured.

    Raises:
        PolicyError: if a safeguard would not be monotone.
    """
    rules = rulebook(FEATURES, policy.limits)
    try:
        CompiledSafeguards(features=FEATURES, catalogue=catalogue, rules=rules)
    except ValueError as problem:
        raise PolicyError(f"catalogue {catalogue.version}: {problem}") from problem


def ready_cases(
    files: Sequence[Path],
    catalogue: Catalogue,
    policy: Policy,
    *,
    audit: Path | None = None,
    horizon_days: int | None = None,
    end: date | None = None,
    clusters: Sequence[str] = (),
    seed: int = 1,
    mapping: FileMapping = AS_IS,
    assumed: Assumed | None = None,
) -> Ready:
    """Reads logged cases that a fit can start on: what `fit` does first, and what `check` says.

    Args:
        files: files, folders and patterns.
        catalogue: of the mixes.
        policy: with which a version decides.
        audit: groups for fairness.
        horizon_days: length of the outcome window.
        end: last day that outcomes were recorded for.
        clusters: columns that say what a case belongs to.
        seed: of the fit.
        mapping: what columns and codes are called in the files.
        assumed: what was assumed of the files is added here.

    Raises:
        CasesRefused: with every problem of the files, or of the cases in them.
        PolicyError: if catalogue and policy do not fit each other.
    """
    check_policy(catalogue, policy)
    cases = read_cases(
        files, catalogue, audit, horizon_days, end, clusters, mapping=mapping, assumed=assumed
    )
    cases, catalogue, few = scored(cases, catalogue)
    check_start(cases, catalogue.ids, seed)
    return Ready(cases=cases, catalogue=catalogue, few=few)


def read_anyway(
    files: Sequence[Path],
    catalogue: Catalogue,
    *,
    audit: Path | None,
    horizon_days: int | None,
    mapping: FileMapping,
) -> LoggedCases | None:
    """Reads cases that a fit cannot start on, to be looked at; None if they cannot be read."""
    try:
        return read_cases(files, catalogue, audit, horizon_days, mapping=mapping, least_of_a_mix=0)
    except CasesRefused:
        return None
