"""How much a caller may ask for: a bucket that fills by the second, and may be overdrawn."""

from __future__ import annotations

import time
from collections.abc import Callable

from router.policies.callers import Rate


class Bucket:
    """Holds up to `burst` cases, and gets so many a second.

    A call is let in while there is a case in it, and then takes out all its cases, be they more
    than there are: else a batch or a plan larger than the bucket could never be asked for. What was
    overdrawn is waited for by the calls that follow, so that no more than the rate comes through.
    """

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._clock = clock
        self._level = float(rate.burst)
        self._filled_at = clock()

    def take(self) -> float:
        """Takes one case out if there is one.

        Returns:
            0 if there was, else the seconds until there is.
        """
        self._fill()
        if self._level >= 1:
            self._level -= 1
            return 0.0
        return (1 - self._level) / self.rate.cases_per_second

    def spend(self, cases: int) -> None:
        """Takes cases out, whether they are in it or not."""
        self._fill()
        self._level -= cases

    def _fill(self) -> None:
        now = self._clock()
        new = (now - self._filled_at) * self.rate.cases_per_second
        self._level = min(self._level + new, float(self.rate.burst))
        self._filled_at = now
