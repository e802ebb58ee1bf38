"""`golden`: cases that a version is held to before it is swapped in."""

from __future__ import annotations

from pathlib import Path

import click

from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policy
from training.commands.options import MODELS, PLACE, POLICIES, VERSION
from training.version.files import version_folder
from training.version.golden import add_golden


@click.command()
@VERSION
@click.option("--sign", type=PLACE, help="Ed25519 private key, where the version is signed.")
@MODELS
@POLICIES
def golden(version: str, sign: Path | None, models: Path, policies: Path) -> None:
    """Hold a version to what it answers now to a hundred invented cases.

    `fit` does so by itself. It is for versions from before, and for a changed rule or policy.
    """
    catalogue = load_catalogue(policies / "mixes.toml")
    policy = load_policy(policies / "national.toml", catalogue)
    cases = add_golden(version_folder(models, version), catalogue, policy, sign)
    click.echo(f"{version} is held to {cases} golden cases", err=True)
