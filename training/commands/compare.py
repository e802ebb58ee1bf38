"""`compare`: two versions beside each other."""

from __future__ import annotations

from pathlib import Path

import click

from router.policies.catalogue_file import load_catalogue
from training.commands.options import MODELS, POLICIES
from training.version import compare as comparing


@click.command()
@click.argument("one")
@click.argument("other")
@MODELS
@POLICIES
def compare(one: str, other: str, models: Path, policies: Path) -> None:
    """Compare two versions: figures, and where their tables differ."""
    catalogue = load_catalogue(policies / "mixes.toml")
    click.echo(comparing.compare(models, one, other, catalogue))
