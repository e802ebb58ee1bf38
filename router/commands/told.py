"""What commands that read files of cases tell on standard error: what they assumed."""

from __future__ import annotations

import click

from router.cases.assumed import Assumed


def tell_assumed(assumed: Assumed) -> None:
    """Says what was assumed of the files, a line each; nothing if nothing was."""
    for line in assumed.lines():
        click.echo(f"assumed: {line}", err=True)
