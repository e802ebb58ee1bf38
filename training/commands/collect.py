"""`collect`: logged cases from the journal."""

from __future__ import annotations

from pathlib import Path

import click

from router.commands.options import journal_url
from training.commands.options import PLACE
from training.data import collect as collecting
from training.data.collect_taken import Treatment
from training.data.k_anonymity import K


@click.command()
@click.option(
    "--journal",
    required=True,
    envvar="ROUTER_JOURNAL",
    show_envvar=True,
    callback=lambda _, __, value: journal_url(value),
    help="URL of the journal, or file:FILE that holds it.",
)
@click.option("--out", type=PLACE, required=True, help="Parquet or CSV file of logged cases.")
@click.option(
    "--k",
    type=click.IntRange(2, 100),
    default=K,
    show_default=True,
    help="Cases that share their quasi-identifiers, at least.",
)
@click.option(
    "--treatment",
    type=click.Choice([one.value for one in Treatment]),
    default=Treatment.CHOSEN.value,
    show_default=True,
    help="Log the mix chosen, or the mix recommended with its true propensity.",
)
def collect(journal: str, out: Path, k: int, treatment: str) -> None:
    """Join recommendations, choices and outcomes into logged cases, k-anonymous."""
    collected = collecting.collect(journal, out, k, Treatment(treatment))
    click.echo(str(collected))
