"""Runs `python -m training` in this process: another one would load its libraries anew."""

import contextlib
import io
import sys
from typing import NamedTuple

import pytest

from training.__main__ import run


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


def command(*words: object) -> Ended:
    """Gives how it ended, and what it wrote."""
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        patch.setattr(sys, "argv", ["python -m training", *map(str, words)])
        run()
    return Ended(int(ended.value.code or 0), out.getvalue(), err.getvalue())
