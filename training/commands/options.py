"""Options and arguments that several commands of `python -m training` share."""

from __future__ import annotations

from pathlib import Path

import click

from router.commands.options import FILE, Place
from training.simulation.worlds import DEFAULT, WORLDS

PLACE = Place(path_type=Path)
"""A file or folder; what is wrong with it is told by whoever opens it."""
POLICIES = click.option(
    "--policies",
    type=PLACE,
    default="policies",
    envvar="ROUTER_POLICIES",
    show_envvar=True,
    show_default=True,
    help="Folder of mixes, policy and gate.",
)
MODELS = click.option(
    "--models",
    type=PLACE,
    default="models",
    envvar="ROUTER_MODELS",
    show_envvar=True,
    show_default=True,
    help="Folder of model versions.",
)
# The last seed but one that scikit-learn takes: calibration draws with the one after it.
SEED = click.option(
    "--seed", type=click.IntRange(min=0, max=2**32 - 2), default=1, show_default=True
)
WORLD = click.option(
    "--world",
    type=click.Choice(list(WORLDS)),
    default=DEFAULT.name,
    show_default=True,
    help=" ".join(f"{world.name}: {world.about}" for world in WORLDS.values()),
)
VERSION = click.argument("version")
SHOWN = click.option(
    "--shown",
    type=FILE,
    help="Textfile of `router ledger --office ALL --prometheus`: whether the advice has done harm.",
)
