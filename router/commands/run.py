"""Runs a command line: what a person can mend is one clear line and exit code 2."""

from __future__ import annotations

import sys

import click

from router.journal.record import JournalBroken, JournalUnavailable
from router.versions.registry import ModelRefused

_MENDABLE = (ValueError, OSError, ModelRefused, JournalUnavailable, JournalBroken)


def run(command: click.Command, prog_name: str, *mendable: type[Exception]) -> None:
    """Runs a command line with the arguments of this process.

    Args:
        command: what to run.
        prog_name: as it is called on the terminal.
        mendable: errors that a person can mend, beside those of files, values, models and journals.
    """
    # All others keep their traceback: they are mistakes of the program.
    known: tuple[type[Exception], ...] = (*_MENDABLE, *mendable)
    try:
        command(prog_name=prog_name)
    except known as problem:
        click.secho(f"error: {problem}", fg="red", err=True)
        sys.exit(2)
