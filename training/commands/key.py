"""`key`: a key pair to sign versions with."""

from __future__ import annotations

from pathlib import Path

import click

from training.commands.options import PLACE
from training.version.signing import generate_key


@click.command()
@click.argument("path", type=PLACE)
def key(path: Path) -> None:
    """Make a key pair to sign versions with, the private one in PATH."""
    public = generate_key(path)
    click.echo(f"private key in {path}, public key for `serve --trust` in {public}", err=True)
