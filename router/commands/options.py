"""Options that several commands of `python -m router` share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

# Not asked whether it exists: whoever reads it says what is missing, and in which words.
FOLDER = click.Path(path_type=Path, file_okay=False)
DATE = click.DateTime(formats=["%Y-%m-%d"])
AS_OF = click.option(
    "--as-of",
    type=DATE,
    help="As it stood at the end of that day (UTC), YYYY-MM-DD; now if not given.",
)
FILE = click.Path(path_type=Path, dir_okay=False)
MODELS = click.option(
    "--models",
    type=FOLDER,
    default="models",
    envvar="ROUTER_MODELS",
    show_default=True,
    help="Model versions.",
)
POLICIES = click.option(
    "--policies",
    type=FOLDER,
    default="policies",
    envvar="ROUTER_POLICIES",
    show_default=True,
    help="Policies.",
)
# A file, a folder of files, or a pattern.
CASES = click.Path(path_type=Path)
MAP = click.option(
    "--map",
    "map_file",
    type=FILE,
    help="What columns and codes are called in the files: a TOML file (docs/files.md).",
)
JOURNAL = click.option(
    "--journal",
    default="sqlite:///journal.db",
    envvar="ROUTER_JOURNAL",
    show_default=True,
    help="Durable record: sqlite:///FILE or postgresql://...",
)


def end_of(day: datetime) -> int:
    """Gives the moment at which a day ends, microseconds since 1970, UTC."""
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
    return round((midnight + timedelta(days=1)).timestamp()) * 1_000_000
