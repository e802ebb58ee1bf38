"""Runs a command line: what a person can mend is one clear line, what is our fault a traceback."""

from __future__ import annotations

import sys
import traceback

import click

from router.mendable import Mendable

FAULT = 70
"""Exit code of a fault of the program, as sysexits.h has it; 1 and 2 say something else."""
_HINT = (
    "This is a fault of the program, not of what it was given. Please report it in the project's "
    "issues with the command and the lines above; look through them first, for they may show "
    "values of your files. If it is about security, SECURITY.md says how."
)
_EXTRAS = {
    "pyarrow": "parquet",
    "jinja2": "ledger",
    "matplotlib": "ledger",
    "psycopg": "postgres",
    "cryptography": "trust",
    "dask": "dask",
    "distributed": "dask",
    "confluent_kafka": "kafka",
}
"""What brings a library that the server's image may do without, by the library's name."""


def run(command: click.Command, prog_name: str) -> None:
    """Runs a command line with the arguments of this process.

    Exits with 2 where a person can mend what is wrong: with a file, a value, a place or a service.
    An error of a library is none of these, whatever its type, and neither is one of our own that
    nobody expected: both are told with their traceback, and exit with 70.

    Args:
        command: what to run.
        prog_name: as it is called on the terminal.
    """
    try:
        command(prog_name=prog_name)
    except Mendable as problem:
        _tell(problem)
    except OSError as problem:
        # The system's own have a number or a kind; those that libraries make up have neither.
        if problem.errno is None and type(problem) is OSError:
            _tell_fault()
        _tell(problem)
    except ModuleNotFoundError as missing:
        library = (missing.name or "").partition(".")[0]
        if library not in _EXTRAS:
            _tell_fault()
        _tell(
            f"{library} is missing; install the extra: "
            f"pip install 'channel-router[{_EXTRAS[library]}]', or run the image `reports`"
        )
    except Exception:
        _tell_fault()


def _tell(problem: Exception | str) -> None:
    click.secho(f"error: {problem}", fg="red", err=True)
    sys.exit(2)


def _tell_fault() -> None:
    click.echo(traceback.format_exc(), err=True, nl=False)
    click.secho(_HINT, fg="red", err=True)
    sys.exit(FAULT)
