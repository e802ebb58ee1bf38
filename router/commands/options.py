"""Options that several commands of `python -m router` share."""

from __future__ import annotations

from pathlib import Path

import click

# Not asked whether it exists: whoever reads it says what is missing, and in which words.
FOLDER = click.Path(path_type=Path, file_okay=False)
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
DRAW_KEY = click.option(
    "--draw-key",
    type=FILE,
    envvar="ROUTER_DRAW_KEY",
    help="File with the secret by which cases are drawn, if a policy explores or withholds.",
)
JOURNAL = click.option(
    "--journal",
    default="sqlite:///journal.db",
    envvar="ROUTER_JOURNAL",
    show_default=True,
    help="Durable record: sqlite:///FILE or postgresql://...",
)
