"""`year`: a simulated year of offices in a journal, and the truth beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from training.commands.options import MODELS, PLACE, POLICIES, SEED, WORLD
from training.simulation.year import NOTICE, Extent, simulate_year
from training.simulation.year_offices import Lots

_Command = TypeVar("_Command", bound=Callable[..., object])


def _share(name: str, most: float, which: str) -> Callable[[_Command], _Command]:
    return click.option(
        name,
        type=click.FloatRange(0, most),
        default=0.0,
        show_default=True,
        help=f"Share of plain advice {which}",
    )


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
@_share("--control", 0.1, "that is never shown, to compare with.")
@_share("--own-views", 0.3, "that waits for the adviser's own view.")
@_share("--exploration", 0.2, "whose mix is drawn among those nearly worth the best.")
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
    own_views: float,
    exploration: float,
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
        lots=Lots(control=control, own_view=own_views, exploration=exploration),
    )
    truth = simulate_year(out, extent, models=models, policies=policies)
    counted = sum(one["cases"] for one in truth["offices"].values())
    click.echo(NOTICE)
    click.echo(f"{counted} cases at {offices} offices, {truth['from']} to {truth['to']}, in {out}")
