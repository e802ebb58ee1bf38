"""A fault of the matrix: what is done to the service, how often, and what must hold meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Scenario = Callable[[int, Path], str]
"""Does it so many times, in an empty folder, and says what was seen.

Raises AssertionError if it does not pass.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One row.

    Attributes:
        row: its number in the matrix, or the case that asked for it.
        name: what it is called on the command line.
        done: what is done; `{}` stands for how many times.
        passes: what must hold.
        full: how many times the matrix asks for.
        short: how many times pytest does it; 0 leaves it to `make faults`.
        run: does it.
    """

    row: str
    name: str
    done: str
    passes: str
    full: int
    short: int
    run: Scenario


ALL: list[Fault] = []
"""Every fault whose module was imported, in that order."""


def fault(
    *, row: str, done: str, passes: str, full: int, short: int
) -> Callable[[Scenario], Scenario]:
    """Enters a scenario into the matrix, under its own name; see Fault."""

    def enter(run: Scenario) -> Scenario:
        name = run.__name__.replace("_", "-")
        entered = Fault(
            row=row, name=name, done=done, passes=passes, full=full, short=short, run=run
        )
        ALL.append(entered)
        return run

    return enter


class NotHere(Exception):
    """This machine lacks what the fault is made with; says what."""


class NotAllowed(NotHere):
    """Whoever runs this may not make the fault; nothing that is installed helps."""
