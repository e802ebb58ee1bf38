"""Refuses a catalogue of mixes under which a policy's safeguards cannot be kept."""

from __future__ import annotations

from router.cases.features import FEATURES
from router.decision.catalogue import Catalogue
from router.decision.policy import Policy
from router.decision.rulebook import rulebook
from router.decision.safeguards import CompiledSafeguards
from router.policies.toml_file import PolicyError


def check_policy(catalogue: Catalogue, policy: Policy) -> None:
    """Refuses a catalogue and a policy with which nothing can be served, learned or measured.

    Raises:
        PolicyError: if a safeguard would not be monotone.
    """
    try:
        compile_safeguards(catalogue, policy)
    except ValueError as problem:
        raise PolicyError(f"catalogue {catalogue.version}: {problem}") from problem


def compile_safeguards(catalogue: Catalogue, policy: Policy) -> None:
    """Compiles a policy's safeguards for a catalogue, to see whether it can be done.

    Raises:
        HeaviestForbidden: if a rule would forbid the mix with most minutes.
    """
    rules = rulebook(FEATURES, policy.limits)
    CompiledSafeguards(features=FEATURES, catalogue=catalogue, rules=rules)
