"""`report`: what was measured of a version, and where its report is."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from router.files.aside import written_aside
from router.files.formats import check_place
from training.commands.options import MODELS, PLACE, VERSION
from training.commands.told import tell_conditions, tell_figures
from training.version.files import REPORT, read_figures, read_verdict, version_folder


@click.command()
@VERSION
@click.option("--to", type=PLACE, help="File to copy the report to.")
@MODELS
def report(version: str, to: Path | None, models: Path) -> None:
    """Say what was measured of a version, and where its report is."""
    folder = version_folder(models, version)
    if to is not None:
        check_place(to, (".html",), option="to")
    # Both before anything is told: half of an answer would look like all of it.
    figures, verdict = read_figures(folder), read_verdict(folder)
    tell_figures(figures)
    tell_conditions(verdict)

    place = folder / REPORT
    if to is not None:
        # Copied as it is: the report's digest is in the signed manifest.
        with written_aside(to, shared=True) as aside:
            shutil.copyfile(place, aside)
        place = to
    click.echo(f"report: {place}")
