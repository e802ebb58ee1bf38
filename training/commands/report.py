"""`report`: what was measured of a version, and where its report is."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from training.commands.options import MODELS, PLACE, VERSION
from training.commands.stored import stored_figures, stored_verdict, version_folder
from training.commands.told import tell_conditions, tell_figures
from training.version.files import REPORT


@click.command()
@VERSION
@click.option("--to", type=PLACE, help="File to copy the report to.")
@MODELS
def report(version: str, to: Path | None, models: Path) -> None:
    """Say what was measured of a version, and where its report is."""
    figures = stored_figures(models, version)
    verdict = stored_verdict(models, version)
    tell_figures(figures)
    tell_conditions(verdict)

    place = version_folder(models, version) / REPORT
    if to is not None:
        # Copied as it is: the report's digest is in the signed manifest.
        place = Path(shutil.copyfile(place, to))
    click.echo(f"report: {place}")
