"""Progress of a fit: bars on a terminal; elsewhere a line a phase, and one each minute.

In a notebook: `with progress(Console()) as watch: learn(X, mix, outcome, watch=watch)`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import TimeRemainingColumn as TimeLeftColumn

EVERY = 60.0
"""Seconds between two lines."""


class Bars:
    """Shows phases as they are told of; a `training.learning.learner.Watch`."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, phase: str, done: int, of: int) -> None:
        """Moves a phase's bar."""
        if phase not in self._tasks:
            self._tasks[phase] = self._shown.add_task(phase, total=of)
        self._shown.update(self._tasks[phase], completed=done)


class Lines:
    """Tells of phases in lines, for logs and notebooks; a `training.learning.learner.Watch`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._told: tuple[str, int, int] | None = None

    def __call__(self, phase: str, done: int, of: int) -> None:
        """Notes where a phase is, and tells of its end."""
        self._told = phase, done, of
        if done == of:
            self.tell()

    def tell(self) -> None:
        """Tells where the phase is; nothing before the first."""
        if self._told is None:
            return
        phase, done, of = self._told
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        self._console.print(f"{minutes}:{seconds:02d}  {phase}: {done} of {of}", highlight=False)


@contextmanager
def progress(console: Console, every: float = EVERY) -> Iterator[Bars | Lines]:
    """Gives bars where they can move, else lines, also every so many seconds."""
    if console.is_terminal and not console.is_jupyter:
        with Progress(
            TextColumn("{task.description:<24}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeLeftColumn(),
            console=console,
        ) as shown:
            yield Bars(shown)
        return

    lines, over = Lines(console), Event()

    def tell() -> None:
        # One part of a phase may take minutes, in which nobody calls.
        while not over.wait(every):
            lines.tell()

    teller = Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield lines
    finally:
        over.set()
        teller.join()
