"""Runs a command line: what a person can mend is one clear line, what is our fault a traceback."""

from __future__ import annotations

import io
import os
import re
import sys
import traceback

import click

from router.addresses import without_secrets
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
_OURS = {"router", "training", "bench", "docs", "clients", "tests"}


def run(command: click.Command, prog_name: str) -> None:
    """Runs a command line with the arguments of this process.

    Exits with 2 where a person can mend what is wrong: with an option, a file, a value, a place or
    a service; with 1 where the answer is no, or somebody stopped it. Whatever is told of an error
    on standard error, its line begins with "error: ".

    An error of a library is none of these, whatever its type, and neither is one of our own that
    nobody expected: both are told with their traceback, and exit with 70.

    Args:
        command: what to run.
        prog_name: as it is called on the terminal.
    """
    try:
        # Click would tell its own errors in another form than ours.
        code = command(prog_name=prog_name, standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.ClickException as problem:
        _tell_usage(problem)
    except click.Abort:
        click.echo("Aborted!", err=True)
        sys.exit(1)
    except Mendable as problem:
        _tell(problem)
    except BrokenPipeError:
        # Whoever read has gone, as `head` does. Python would say so once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as problem:
        # The system's own have a number or a kind; those that libraries make up have neither.
        if problem.errno is None and type(problem) is OSError:
            _tell_fault()
        _tell(problem)
    except ModuleNotFoundError as missing:
        library = (missing.name or "").partition(".")[0]
        if not library or library in _OURS:
            _tell_fault()
        _tell(
            f"{library} is missing; install the extra: "
            f"pip install 'channel-router[{_EXTRAS[library]}]', or run the image `reports`"
            if library in _EXTRAS
            else f"{missing.name} is missing from {sys.executable}, which does not have the "
            "project's libraries; in a clone, `make setup` puts them in .venv: run .venv/bin/python"
        )
    except Exception:
        _tell_fault()


def _tell_usage(problem: click.ClickException) -> None:
    """Tells an error of Click's, with how the command is used, if it is about that."""
    told = io.StringIO()
    problem.show(told)
    text = re.sub("^Error: ", "error: ", told.getvalue(), count=1, flags=re.MULTILINE)
    click.echo(without_secrets(text), err=True, nl=False)
    sys.exit(problem.exit_code)


def _tell(problem: Exception | str) -> None:
    click.secho(without_secrets(f"error: {problem}"), fg="red", err=True)
    sys.exit(2)


def _tell_fault() -> None:
    click.echo(without_secrets(traceback.format_exc()), err=True, nl=False)
    click.secho(_HINT, fg="red", err=True)
    sys.exit(FAULT)
