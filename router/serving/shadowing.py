"""Asks the shadow about cases whose answers have left, so that none waits for it or fails by it.

Cases wait in a bounded queue; what does not fit is counted and let go. A thread works a few at a
time, and their records join the journal's next commits as long as the journal is not busy.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from itertools import groupby
from operator import itemgetter

from router.advice.recommender import Advice
from router.advice.shadow import Shadow
from router.decision.decision import NO_MIX
from router.journal.recommendation import SHOWN
from router.journal.record import JournalFull, JournalUnavailable, Record
from router.serving.durable import DurableJournal
from router.serving.version_metrics import VersionMetrics

_log = logging.getLogger(__name__)
WAITING_AT_MOST = 4_096
"""Cases that wait for the shadow; more are let go."""
_AT_ONCE = 128  # of a commit a few milliseconds, which callers' records may wait for
# Longer than a commit takes: each further one costs the callers' records more than it holds.
_GATHER_SECONDS = 0.1
_END_SECONDS = 1.0
# Callers' records are refused when the queue is full: the shadow's keep far away from that.
_BUSY = 1_024


class Shadowing:
    """Asks shadows, one batch at a time. Made on the running loop."""

    def __init__(self, journal: DurableJournal, metrics: VersionMetrics) -> None:
        self._journal = journal
        self._metrics = metrics
        self._waiting: deque[tuple[Shadow, Advice]] = deque()
        self._work = asyncio.Event()
        self._ending = False
        self._task = asyncio.ensure_future(self._run())

    def see(self, shadow: Shadow, advice: Iterable[Advice]) -> None:
        """Takes answers that have left; returns at once and raises nothing."""
        # Where people alone handle a case there is nothing to compare, and of some nothing is kept.
        new = [(shadow, one) for one in advice if one.decision.mix != NO_MIX]
        room = WAITING_AT_MOST - len(self._waiting)
        if len(new) > room:
            self._metrics.missed.labels("behind").inc(len(new) - room)
        self._waiting.extend(new[:room])
        self._work.set()

    async def end(self) -> None:
        """Asks about those that still wait, for a second; the rest is counted as missed."""
        self._ending = True
        self._work.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._task, _END_SECONDS)
        self._metrics.missed.labels("behind").inc(len(self._waiting))

    async def _run(self) -> None:
        while not self._ending:
            await self._work.wait()
            # A busy server brings many meanwhile, which together cost hardly more than one.
            if not self._ending:
                await asyncio.sleep(_GATHER_SECONDS)
            self._work.clear()
            while self._waiting:
                taken = min(_AT_ONCE, len(self._waiting))
                batch = [self._waiting.popleft() for _ in range(taken)]
                for shadow, run in groupby(batch, key=itemgetter(0)):
                    await self._ask(shadow, [advice for _, advice in run])

    async def _ask(self, shadow: Shadow, advice: list[Advice]) -> None:
        try:
            opinions, records = await asyncio.to_thread(_asked, shadow, advice)
            if self._journal.depth > _BUSY:
                self._metrics.missed.labels("journal").inc(len(advice))
                return
            await self._journal.append(records)
        except (JournalFull, JournalUnavailable):
            # Its own refusals tell of the journal.
            self._metrics.missed.labels("journal").inc(len(advice))
            return
        except Exception as error:
            # Whatever a second model comes up with: nobody's answer depends on it.
            self._metrics.missed.labels("failed").inc(len(advice))
            _log.error("the shadow failed", extra={"error": type(error).__name__})
            return
        minutes = shadow.minutes
        self._metrics.compare(
            shadow.name,
            [
                (shadow.ids[one.decision.mix], minutes[other] - minutes[one.decision.mix])
                for one, other in zip(advice, opinions, strict=True)
                # What is withheld is told by no metric either.
                if one.disclosure == SHOWN
            ],
        )


def _asked(shadow: Shadow, advice: list[Advice]) -> tuple[list[int], list[Record]]:
    opinions = shadow.opinions(advice)
    records = shadow.records(advice, opinions, time.time_ns() // 1000)
    for record in records:
        # Before it joins callers' records: one that is refused would take theirs with it.
        record.check()
    return opinions, records
