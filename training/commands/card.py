"""`card`: a version's model card."""

from __future__ import annotations

from pathlib import Path

import click

from training.commands.options import MODELS, VERSION
from training.version.files import read_card, version_folder


@click.command()
@VERSION
@MODELS
def card(version: str, models: Path) -> None:
    """Print a version's model card."""
    click.echo(read_card(version_folder(models, version)))
