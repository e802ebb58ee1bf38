"""`synergy`: whether two channels together are worth more than the sum of each, by logged cases."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from router.cases.assumed import Assumed
from router.commands.told import tell_assumed
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policy
from router.versions.synergies import IDENTIFIED
from training.commands.options import PLACE, POLICIES
from training.commands.reading import Reading, reads_cases
from training.commands.told import tell_few
from training.evaluation.ready import ready


@click.command()
@click.option(
    "--cases", type=PLACE, multiple=True, required=True, help="Logged cases; may be given again."
)
@click.option(
    "--size",
    type=click.FloatRange(0.001, 0.5),
    default=0.02,
    show_default=True,
    help="Synergy, in outcome points, to count the needed cases for.",
)
@reads_cases
@POLICIES
def synergy(cases: tuple[Path, ...], size: float, reading: Reading, policies: Path) -> None:
    """Tell of every two channels whether they are complements or substitutes.

    Exit 1 if the log can tell of no pair without a model. No model is judged, so all cases are
    measured on.
    """
    from training.evaluation.evaluate import measured_synergy
    from training.report.synergy_words import synergy_lines

    catalogue = load_catalogue(policies / "mixes.toml")
    agency = load_policy(policies / "national.toml", catalogue)
    assumed = Assumed()
    logged = reading.read(cases, catalogue, assumed)
    tell_assumed(assumed)
    start = ready(logged, catalogue, agency, seed=reading.seed)
    tell_few(start.few)
    for one in start.sound.suspicions:
        click.secho(f"column {one.column} {one.problem}; {one.fix}", fg="yellow", err=True)

    found = measured_synergy(
        start.cases, start.catalogue, catalogue, start.policy, size, start.seed
    )
    click.echo("\n".join(synergy_lines(found)))
    if not any(one.identified == IDENTIFIED for one in found.pairs):
        sys.exit(1)
