"""`policy`: what is in force at an office, and what a changed file would do."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

import click

from router.cases.features import FEATURES
from router.commands.options import POLICIES
from router.decision.catalogue import Catalogue
from router.decision.policy import Policy
from router.decision.weights import Weights
from router.policies.catalogue_file import load_catalogue
from router.policies.check import check_policy
from router.policies.offices import MIXES, Policies, load_policies
from router.policies.policy_values import VALUES
from router.policies.toml_file import PolicyError

_PATHS = {value.attribute: value.path for value in VALUES}
"""Where a policy's file has what an attribute holds."""
_OFFICE = click.argument("office", default="")


@click.group()
def policy() -> None:
    """Check, show or compare the policies of offices."""


@policy.command()
@_OFFICE
@POLICIES
def check(office: str, policies: Path) -> None:
    """Check all policies, or OFFICE's; exit 1 if one would be refused."""
    catalogue = load_catalogue(policies / MIXES)
    found = load_policies(policies, catalogue)
    # "" is the national policy, and comes first.
    names = [office] if office else ["", *sorted({*found.offices, *found.refused})]
    bad = 0
    for name in names:
        problem = found.refused.get(name) or _unfit(catalogue, found.usable(name))
        if problem:
            bad += 1
            click.echo(f"{name or 'national'}: refused: {problem}", err=True)
        else:
            click.echo(f"{name or 'national'}: {found.usable(name).version}")
    if bad:
        sys.exit(1)


def _unfit(catalogue: Catalogue, policy: Policy) -> str:
    """Tells why a policy cannot be served with a catalogue; "" if it can."""
    try:
        check_policy(catalogue, policy)
    except PolicyError as problem:
        return str(problem)
    return ""


@policy.command()
@_OFFICE
@POLICIES
def show(office: str, policies: Path) -> None:
    """Show what is in force at OFFICE, value by value, with the bounds that an office has."""
    found = load(policies)
    shown = found.usable(office)
    national = dict(values(found.national))
    for key, value in values(shown):
        differs = office and value != national.get(key)
        note = f"   (national: {national.get(key, 'none')})" if differs else ""
        click.echo(f"{key} = {value}{note}")

    click.echo("\nbounds of offices")
    click.echo(f"menu = must offer {', '.join(found.bounds.menu)}")
    for name, (lower, upper) in found.bounds.spans.items():
        click.echo(f"{name} = {lower:.10g} to {upper:.10g}")


@policy.command()
@_OFFICE
@click.option("--against", default="", help="Another office; the national policy if not given.")
@POLICIES
def diff(office: str, against: str, policies: Path) -> None:
    """Show where OFFICE's policy differs from the national one, or from another office's."""
    found = load(policies)
    here = dict(values(found.usable(office)))
    there = dict(values(found.usable(against)))
    different = [key for key in {**there, **here} if here.get(key) != there.get(key)]
    click.echo(f"--- {against or 'national'}\n+++ {office or 'national'}")
    for key in different:
        if key in there:
            click.echo(f"-{key} = {there[key]}")
        if key in here:
            click.echo(f"+{key} = {here[key]}")


def load(policies: Path) -> Policies:
    """Reads all policies of a folder.

    Raises:
        PolicyError: if the catalogue or the national policy cannot be used.
    """
    return load_policies(policies, load_catalogue(policies / MIXES))


def values(shown: Policy) -> Iterator[tuple[str, str]]:
    """Yields keys and values of a policy, as its file names them; weights of 1 are left out."""
    for part in fields(shown):
        # The office is who was asked about, not a value that a file sets.
        if part.name != "office":
            yield from _values(part.name, getattr(shown, part.name))


def _values(attribute: str, value: object) -> Iterator[tuple[str, str]]:
    path = _PATHS.get(attribute, attribute)
    if isinstance(value, Weights):
        yield from _weights(value)
    elif is_dataclass(value):
        for part in fields(value):
            yield from _values(f"{attribute}.{part.name}", getattr(value, part.name))
    elif isinstance(value, Mapping):
        yield from ((f"{path}.{key}", str(one)) for key, one in value.items())
    elif isinstance(value, tuple):
        yield path, ", ".join(value)
    else:
        yield path, str(value)


def _weights(weights: Weights) -> Iterator[tuple[str, str]]:
    for column, by_slot in zip(weights.columns, weights.by_slot, strict=True):
        feature = FEATURES.features[column]
        for slot in range(1, feature.slots):
            # Of weeks, only the last of a stretch that weighs alike is told.
            last = slot + 1 == feature.slots or by_slot[slot] != by_slot[slot + 1]
            if by_slot[slot] == 1 or not (feature.values or last):
                continue
            value = feature.value(slot)
            name = str(value) if feature.values else f"at_most_{value}"
            yield f"weights.{feature.name}.{name}", f"{by_slot[slot]:.10g}"
        yield f"weights.{feature.name}.unknown", f"{by_slot[0]:.10g}"
