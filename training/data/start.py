"""Whether a fit can start on logged cases: what it needs of each side, each mix and the numbers.

`fit` refuses by it before anything is learned, and `check` says the same beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from training.data.dataset import LoggedCases, read_cases
from training.data.hold_out import held_out

LEAST_CASES = 500
"""On either side, to say anything at all; the gate asks for more (`held_out_cases`)."""
LEAST_OF_A_MIX = {"to learn from": 100, "to evaluate on": 50}
"""Of each mix, by side: twenty and ten a fold."""
# Standard errors that a mix's mean weight may be above 1: by chance alone once in 30,000 times.
_ERRORS = 4.0


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
    held, by = held_out(cases, seed)
    for side, members in (("to learn from", ~held), ("to evaluate on", held)):
        count, told = int(members.sum()), f"{side} (held out by {by})"
        if count < LEAST_CASES:
            problems.add("cases", f"{count} {told}; at least {LEAST_CASES} are needed")
            continue
        _check_mixes(cases, members, mixes, told, LEAST_OF_A_MIX[side], problems)
        _check_outcomes(cases, members, told, problems)
    if cases.propensity is not None:
        _check_propensities(cases.mix, cases.propensity, mixes, problems)
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


def _check_propensities(
    mix: np.ndarray[tuple[int], np.dtype[np.int64]],
    propensity: np.ndarray[tuple[int], np.dtype[np.float64]],
    mixes: tuple[str, ...],
    problems: Problems,
) -> None:
    """Refuses propensities that cannot be those with which the mixes were chosen.

    If they are, the mean of 1{A = a} / e is the share of cases that mix a might have been given:
    at most 1. It may be less, since safeguards and policies leave some cases without the mix.
    """
    for number, name in enumerate(mixes):
        weights = np.where(mix == number, 1 / propensity, 0.0)
        mean = float(weights.mean())
        error = float(weights.std()) / len(weights) ** 0.5
        if mean > 1 + _ERRORS * error:
            problems.add(
                "column propensity",
                f"of {name} is on average too small: 1 / propensity over its cases adds up to "
                f"{mean:.2f} times all cases, which can be at most 1 (standard error {error:.2f}); "
                "it must be the probability with which the logged mix was chosen. "
                "Leave the column out to have it estimated",
            )


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
    seed: int = 1,
    mapping: FileMapping = AS_IS,
    assumed: Assumed | None = None,
) -> LoggedCases:
    """Reads logged cases that a fit can start on: what `fit` does first, and what `check` says.

    Args:
        files: files, folders and patterns.
        catalogue: of the mixes.
        policy: with which a version decides.
        audit: groups for fairness.
        horizon_days: length of the outcome window.
        seed: of the fit.
        mapping: what columns and codes are called in the files.
        assumed: what was assumed of the files is added here.

    Raises:
        CasesRefused: with every problem of the files, or of the cases in them.
        PolicyError: if catalogue and policy do not fit each other.
    """
    check_policy(catalogue, policy)
    cases = read_cases(files, catalogue, audit, horizon_days, mapping=mapping, assumed=assumed)
    check_start(cases, catalogue.ids, seed)
    return cases


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
