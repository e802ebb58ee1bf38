"""Whether the server is alive and ready: for /isalive, /isready and the metrics."""

from __future__ import annotations

import asyncio
import time

from router.serving.metrics import Metrics

# Far longer than anything that runs on the loop: a server that is merely busy is not restarted.
_STUCK_SECONDS = 30.0
_BEAT_SECONDS = 0.25


class Readiness:
    """Holds whether the server takes calls and can record them.

    Attributes:
        serving: whether it takes calls, and has not begun to stop.
        journal_up: whether the journal can be written.
    """

    def __init__(self, metrics: Metrics) -> None:
        self.serving = False
        self.journal_up = True
        self._lag = metrics.loop_lag
        self._beat_at = time.monotonic()
        metrics.ready.set_function(lambda: not self.unready())

    def unready(self) -> str:
        """Says why no call should be sent here, "" if none speaks against it."""
        if not self.serving:
            return "the server does not take calls"
        return "" if self.journal_up else "the journal cannot be written"

    def stuck(self) -> str:
        """Says that the loop of the calls stands still, "" as long as it moves."""
        still = time.monotonic() - self._beat_at
        return f"the loop stands still for {still:.0f} s" if still > _STUCK_SECONDS else ""

    async def beat(self) -> None:
        """Beats for ever on the loop of the calls, and measures how late it is."""
        while True:
            due = time.monotonic() + _BEAT_SECONDS
            await asyncio.sleep(_BEAT_SECONDS)
            self._beat_at = time.monotonic()
            # A coarse timer may be early.
            self._lag.observe(max(0.0, self._beat_at - due))
