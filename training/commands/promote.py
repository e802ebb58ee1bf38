"""`promote` and `rollback`: which version is served."""

from __future__ import annotations

from pathlib import Path

import click

from router.policies.catalogue_file import load_catalogue
from training.commands.options import MODELS, POLICIES, VERSION
from training.version import versions


@click.command()
@VERSION
@click.option("--override", help="Why, although the gate did not pass; kept.")
@MODELS
@POLICIES
def promote(version: str, override: str | None, models: Path, policies: Path) -> None:
    """Make a version the one that is served."""
    versions.promote(models, version, load_catalogue(policies / "mixes.toml"), override)
    click.echo(f"{version} is promoted", err=True)


@click.command()
@MODELS
@POLICIES
def rollback(models: Path, policies: Path) -> None:
    """Return to the version that was promoted before."""
    promotion = versions.rollback(models, load_catalogue(policies / "mixes.toml"))
    click.echo(f"{promotion.after} is promoted again", err=True)
