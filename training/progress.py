"""Progress of a fit: bars on a terminal; elsewhere a line a phase, and one each minute.

In a notebook: `with progress(Console()) as watch: learn(X, mix, outcome, watch=watch)`.
"""

from __future__ import annotations

import time
from threading import Event, Thread
from types import TracebackType

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


class Bars:
    """Shows phases as they are told of; a `training.learning.learner.Watch`."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<24}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeLeftColumn(),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def __call__(self, phase: str, done: int, of: int) -> None:
        """Moves a phase's bar."""
        if phase not in self._tasks:
            self._tasks[phase] = self._progress.add_task(phase, total=of)
        self._progress.update(self._tasks[phase], completed=done)


EVERY = 60.0
"""Seconds between two lines."""


class Lines:
    """Tells of phases in lines, for logs and notebooks; a `training.learning.learner.Watch`."""

    def __init__(self, console: Console, every: float = EVERY) -> None:
        self._console = console
        self._every = every
        self._began = time.monotonic()
        self._told: tuple[str, int, int] | None = None
        self._over = Event()
        self._minutes = Thread(target=self._tell_each_minute, daemon=True)

    def __enter__(self) -> Lines:
        self._minutes.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._minutes.join()

    def __call__(self, phase: str, done: int, of: int) -> None:
        """Notes where a phase is, and tells of its end."""
        self._told = phase, done, of
        if done == of:
            self._tell()

    def _tell_each_minute(self) -> None:
        # One part of a phase may take minutes, in which nobody calls.
        while not self._over.wait(self._every):
            self._tell()

    def _tell(self) -> None:
        if self._told is None:
            return
        phase, done, of = self._told
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        self._console.print(f"{minutes}:{seconds:02d}  {phase}: {done} of {of}", highlight=False)


def progress(console: Console) -> Bars | Lines:
    """Gives bars where they can move, else lines."""
    return Bars(console) if console.is_terminal and not console.is_jupyter else Lines(console)
