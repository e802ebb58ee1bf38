"""`simulate`: logged cases that are made up, and the truth beside them."""

from __future__ import annotations

from pathlib import Path

import click

from router.files.formats import check_place
from router.policies.catalogue_file import load_catalogue
from training.commands.options import PLACE, POLICIES, SEED, WORLD
from training.simulation import simulate as simulation
from training.simulation.worlds import WORLDS


@click.command()
@click.option("--cases", type=click.IntRange(1, 10_000_000), required=True, help="How many cases.")
@click.option(
    "--out", type=PLACE, required=True, help="Parquet file; the truth is written beside it."
)
@SEED
@WORLD
@POLICIES
def simulate(cases: int, out: Path, seed: int, world: str, policies: Path) -> None:
    """Simulate logged cases. They are synthetic and say nothing about real people."""
    # A CSV has no place to say that its cases are synthetic.
    for place in (out, simulation.truth_place(out)):
        check_place(place, (".parquet",))
    catalogue = load_catalogue(policies / "mixes.toml")
    drawn = simulation.simulate(cases, seed, catalogue, WORLDS[world])
    truth = simulation.write_simulation(drawn, out)
    click.echo(f"{cases} synthetic cases in {out}, their truth in {truth}", err=True)
