"""Runs a command line in this process: another one would load its libraries anew."""

import contextlib
import io
import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from router.__main__ import run as run_router
from router.commands.run import FAULT


class Ended(NamedTuple):
    code: int
    out: str
    err: str

    def refused(self, *words: str) -> bool:
        """Expects one clear line, and exit code 2."""
        lines = self.err.strip().splitlines()
        return (
            self.code == 2
            and len(lines) == 1
            and lines[0].startswith("error: ")
            and all(w in lines[0] for w in words)
        )


def ended(run: Callable[[], None], name: str, *words: object) -> Ended:
    """Gives how a command line ended, and what it wrote.

    Args:
        run: the command line, as a process of its own begins it.
        name: as it is called on the terminal.
        words: its arguments.
    """
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as end,
    ):
        patch.setattr(sys, "argv", [name, *map(str, words)])
        run()
    return Ended(int(end.value.code or 0), out.getvalue(), err.getvalue())


def router(*words: object) -> Ended:
    """Gives how `python -m router` ends: with something that a person can mend, or with an answer.

    Not for a server that starts: it makes itself at home in its process.
    """
    found = ended(run_router, "python -m router", *words)
    assert found.code != FAULT, found.err
    return found
