"""Runs `python -m training` in this process."""

from tests.in_process import Ended, ended
from training.__main__ import run


def command(*words: object) -> Ended:
    """Gives how it ended, and what it wrote."""
    return ended(run, "python -m training", *words)
