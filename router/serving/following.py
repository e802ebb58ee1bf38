"""Looks at the disk beside the calls, on a thread of its own that nobody ever waits for.

A disk that does not answer holds that thread up, and nothing else: calls go on with what is served,
the server stops when it is told to, and a gauge says when a look last ended.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

_log = logging.getLogger(__name__)
QUICK_SECONDS = 0.25
"""Between looks at which version is promoted: a rollback is taken within a second."""
SLOW_SECONDS = 10.0
"""A look that takes longer is told of while it lasts."""

Look = Callable[[], object]


class Follower:
    """Follows what lies on disk."""

    def __init__(
        self,
        quick: Sequence[Look],
        whole: Sequence[Look],
        seconds: float,
        slow_seconds: float = SLOW_SECONDS,
    ) -> None:
        """Takes the looks, each of which reads and takes what has changed.

        Args:
            quick: cheap ones, made four times a second.
            whole: the others.
            seconds: between those.
            slow_seconds: after which a look is told of while it lasts.
        """
        self._quick = quick
        self._whole = whole
        self._seconds = seconds
        self._slow_seconds = slow_seconds
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        # Daemons: the process ends without them.
        self._threads = [
            threading.Thread(target=target, name=name, daemon=True)
            for target, name in ((self._follow, "follower"), (self._watch, "follower's watch"))
        ]

    def begin(self) -> None:
        """Begins to look."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Lets no further look begin; one that is under way is not waited for."""
        self._stop.set()
        self._wake.set()

    def look_now(self) -> None:
        """Has everything looked at as soon as no other look is under way."""
        self._wake.set()

    def turn(self, *, whole: bool) -> None:
        """Makes the looks of one turn; whatever one of them raises, the others are made."""
        self._idle.clear()
        try:
            for look in self._whole if whole else self._quick:
                try:
                    look()
                except Exception:
                    _log.exception("a look for changes failed; what was good before stands")
        finally:
            self._idle.set()

    def _follow(self) -> None:
        last = time.monotonic()
        while True:
            asked = self._wake.wait(min(QUICK_SECONDS, self._seconds))
            self._wake.clear()
            if self._stop.is_set():
                return
            whole = asked or time.monotonic() - last >= self._seconds
            self.turn(whole=whole)
            if whole:
                last = time.monotonic()
            if asked:
                # Whoever asked sees that it was done, also where nothing has changed.
                _log.info("looked at everything on disk, as asked")

    def _watch(self) -> None:
        """Tells of a look that does not end, once for each."""
        while not self._stop.wait(self._slow_seconds):
            # Two waits without an end between them: at least one of them was within one look.
            if self._idle.wait(self._slow_seconds):
                continue
            _log.error(
                "a look for changes takes long; what was good before is served meanwhile",
                extra={"seconds": self._slow_seconds},
            )
            while not (self._idle.wait(1.0) or self._stop.is_set()):
                pass
