"""`collect`: logged cases from the journal."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from router.commands.options import DATE, journal_url
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
@click.option("--from", "first", type=DATE, help="First day (UTC) of decisions, YYYY-MM-DD.")
@click.option("--to", "last", type=DATE, help="Last day, inclusive.")
def collect(
    journal: str,
    out: Path,
    k: int,
    treatment: str,
    first: datetime | None,
    last: datetime | None,
) -> None:
    """Join recommendations, choices and outcomes into logged cases, k-anonymous."""
    if first and last and last < first:
        raise click.UsageError(f"--to: {last.date()} is before --from, {first.date()}")
    days = (first.date() if first else None, last.date() if last else None)
    collected = collecting.collect(journal, out, k, Treatment(treatment), *days)
    click.echo(str(collected))
