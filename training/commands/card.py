"""`card`: a version's model card."""

from __future__ import annotations

from pathlib import Path

import click

from training.commands.options import MODELS, VERSION
from training.version.files import CARD, version_folder


@click.command()
@VERSION
@MODELS
def card(version: str, models: Path) -> None:
    """Print a version's model card."""
    click.echo((version_folder(models, version) / CARD).read_text(encoding="utf-8"))
