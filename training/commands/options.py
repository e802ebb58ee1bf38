"""Options and arguments that several commands of `python -m training` share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

PLACE = click.Path(path_type=Path)
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
MAP = click.option(
    "--map",
    "map_file",
    type=PLACE,
    help="What columns and codes are called in the files: a TOML file (docs/files.md).",
)


class _Columns(click.Option):
    """One column, or two different ones."""

    def process_value(self, ctx: click.Context, value: Any) -> Any:  # noqa: ANN401 - click's own
        columns = super().process_value(ctx, value)
        if len(columns) > 2 or len(set(columns)) < len(columns):
            told = f"{', '.join(columns)}; give one column or two different ones"
            raise click.BadParameter(told, ctx, self)
        return columns


AUDIT = click.option(
    "--audit", type=PLACE, help="Purpose-bound groups by case_ref, for fairness alone."
)
HORIZON = click.option(
    "--horizon", type=click.IntRange(1, 3650), help="Days until an outcome is complete."
)
AS_OF = click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Last day that outcomes were recorded for.  [default: the newest decision]",
)
CLUSTERS = click.option(
    "--cluster",
    "clusters",
    multiple=True,
    metavar="COLUMN",
    cls=_Columns,
    help="What cases belong to, such as a pseudonym of the person; a second one, such as "
    "office_ref, for both.  [default: office_ref]",
)
SEED = click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
VERSION = click.argument("version")
