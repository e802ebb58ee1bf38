"""`year`: a simulated year of offices in a journal, and the truth beside it."""

from __future__ import annotations

from pathlib import Path

import click

from training.commands.options import MODELS, PLACE, POLICIES, SEED, WORLD
from training.simulation.year import NOTICE, Extent, simulate_year


@click.command()
@click.option(
    "--out", type=PLACE, required=True, help="New folder for policies/, journal.db and truth.json."
)
@SEED
@click.option(
    "--offices",
    type=click.IntRange(1, 50),
    default=5,
    show_default=True,
    help="How many offices.",
)
@click.option(
    "--weeks", type=click.IntRange(1, 520), default=52, show_default=True, help="How long."
)
@click.option(
    "--cases",
    type=click.IntRange(1, 10_000),
    default=60,
    show_default=True,
    help="Arrivals a week and office, on average.",
)
@click.option(
    "--control",
    type=click.FloatRange(0, 0.1),
    default=0.0,
    show_default=True,
    help="Share of plain advice that is never shown, to compare with.",
)
@WORLD
@POLICIES
@MODELS
def year(
    out: Path,
    seed: int,
    offices: int,
    weeks: int,
    cases: int,
    control: float,
    world: str,
    policies: Path,
    models: Path,
) -> None:
    """Simulate a year of offices in a journal, for the ledger.

    It is synthetic and says nothing about real people.
    """
    extent = Extent(
        seed=seed,
        offices=offices,
        weeks=weeks,
        cases_a_week=cases,
        world=world,
        control=control,
    )
    truth = simulate_year(out, extent, models=models, policies=policies)
    counted = sum(one["cases"] for one in truth["offices"].values())
    click.echo(NOTICE)
    click.echo(f"{counted} cases at {offices} offices, {truth['from']} to {truth['to']}, in {out}")
