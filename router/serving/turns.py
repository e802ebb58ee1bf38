"""Whose turn it is: under load calls wait here, where they are seen, and callers take turns.

In gRPC's core they would wait in one line, whoever sent them: all others would wait for a caller
with thousands of calls. While the server is not busy nobody waits here.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import inf
from types import TracebackType

from router.serving.status import Overloaded

TOGETHER = 64
"""Cases that begin together: as many as are decided and committed together."""
# At once, while the loop stands idle because a commit or a read takes its time.
_AT_ONCE = 512
# Of so many in line each caller gets its share. To take up a call costs two thirds of answering it:
# what comes on top waits in gRPC's core, where it is refused at a fraction of that.
_SEEN = 2_048
_PAUSE_SECONDS = 0.0005
# The loop may have been busy: a pause that took longer does not tell that nobody came.
_ON_TIME_SECONDS = 0.0015
# Pauses without a new call after which nobody waits in gRPC's core.
_QUIET = 2
# The same where every pause takes longer.
_STILL = 6
# Pauses after which those who are at work wait for something else than the loop.
_STALLED = 10
# How much the newest figure counts in what a case takes, and what is said before there is one.
_NEWEST = 0.1
_SECONDS_A_CASE = 0.0005
# Whatever else the machine did meanwhile.
_SECONDS_A_CASE_AT_MOST = 0.005


@dataclass(slots=True, eq=False)
class _InLine:
    began: asyncio.Future[None]
    since: float


class Turn:
    """One turn, to be waited for and given back: `async with`.

    Raises:
        Overloaded: if it would come too late, or others have more right to wait.
    """

    __slots__ = ("_caller", "_left", "_turns")

    def __init__(self, turns: Turns, caller: str, left: float | None) -> None:
        self._turns = turns
        self._caller = caller
        self._left = left

    async def __aenter__(self) -> None:
        if not self._turns.begin():
            await self._turns.wait(self._caller, self._left)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType
    ) -> None:
        self._turns.end()


class Turns:
    """Lets calls begin: at once while there are few, else one of each caller in turn."""

    def __init__(
        self,
        seconds_at_most: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begins with nobody in line.

        Args:
            seconds_at_most: in line; a call whose turn comes later is refused.
            clock: seconds, never backwards.
        """
        self._seconds_at_most = seconds_at_most
        self._clock = clock
        self._lines: dict[str, deque[_InLine]] = {}
        self._waiting = 0
        self._at_work = 0
        # All that ever came into line, and went from work: whether anything moves.
        self._came = self._went = 0
        self._looking = False
        self._looked_at = 0.0
        self._patience = inf
        self._seconds_a_case = _SECONDS_A_CASE
        # When and how many began last, if somebody has been in line ever since.
        self._last: tuple[float, int] | None = None

    @property
    def waiting(self) -> int:
        """Calls in line."""
        return self._waiting

    def turn(self, caller: str, left: float | None = None) -> Turn:
        """Gives a turn.

        Args:
            caller: who asks, by name; "" where nobody is told apart.
            left: seconds until nobody waits for the answer any more, None for ever.
        """
        return Turn(self, caller, left)

    @contextmanager
    def more(self, cases: int) -> Iterator[None]:
        """Counts further cases of a call that has begun: others begin once they are done."""
        # Not so many that nobody could begin if they had to wait for the disk.
        cases = min(cases, _AT_ONCE - 2 * TOGETHER)
        self._at_work += cases
        try:
            yield
        finally:
            self.end(cases)

    def begin(self) -> bool:
        """Begins at once if nobody is in line and there is room."""
        if self._waiting or self._at_work >= TOGETHER:
            return False
        self._at_work += 1
        return True

    def end(self, cases: int = 1) -> None:
        """Makes room for others."""
        self._at_work -= cases
        self._went += cases
        self._look()

    async def wait(self, caller: str, left: float | None) -> None:
        """Waits for the turn, see `turn`.

        Raises:
            Overloaded: if it would come too late, or others have more right to wait.
            CancelledError: if the caller no longer waits.
        """
        self._came += 1
        until = self._seconds_until(caller)
        self._patience = inf if left is None else left
        # Neither is worth its work: the answer would come to nobody.
        if until > min(self._patience, self._seconds_at_most):
            raise Overloaded(until)
        began: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(caller, deque()).append(_InLine(began, self._clock()))
        self._waiting += 1
        self._look()
        try:
            await began
        except asyncio.CancelledError:
            if began.cancelled():
                self._waiting -= 1
            elif began.exception() is None:  # Its turn came at that moment.
                self.end()
            raise

    def make_room(self, caller: str) -> None:
        """Refuses the last call of who has most in line, for one of another caller.

        Raises:
            Overloaded: if nobody has more there than this caller would.
        """
        longest = max(self._lines, key=lambda name: len(self._lines[name]), default=caller)
        lines = self._lines
        if longest == caller or len(lines[longest]) <= len(lines.get(caller, ())) + 1:
            raise Overloaded(self._seconds_until(caller))
        last = lines[longest].pop()
        if not last.began.done():
            self._waiting -= 1
            last.began.set_exception(Overloaded(self._seconds_until(longest)))

    def _seconds_until(self, caller: str) -> float:
        """Says when the turn of a caller's next call would come, as far as can be told."""
        own = len(self._lines.get(caller, ()))
        return min(own * len(self._lines), self._waiting) * self._seconds_a_case

    def _look(self) -> None:
        if self._waiting and not self._looking:
            self._looking = True
            self._look_again(self._came, self._came, self._went, 0, 0)

    def _look_again(self, first: int, came: int, went: int, quiet: int, still: int) -> None:
        """Comes back until there is room and nobody new comes, then lets some begin.

        Args:
            first: how many had come when it began to look.
            came: how many had come at the last look.
            went: how many had gone then.
            quiet: looks in time, one after the other, at which nobody had come or gone.
            still: the same, in time or not.
        """
        now = self._clock()
        on_time = now - self._looked_at < _ON_TIME_SECONDS
        self._looked_at = now
        if (came, went) == (self._came, self._went):
            quiet, still = quiet + on_time, still + 1
        else:
            quiet = still = 0

        # Who comes in a flood is not taken up before the others are answered, nor is anybody whose
        # turn would come too late then.
        seen = (
            quiet >= _QUIET
            or still >= _STILL
            or self._came - first > 2 * TOGETHER
            or self._waiting > _SEEN
            or self._waiting * self._seconds_a_case > self._patience / 2
        )
        stalled = quiet >= _STALLED and self._at_work <= _AT_ONCE - TOGETHER
        if (not self._at_work and seen) or stalled:
            self._looking = False
            self._let_begin(now)
            self._look()
            return
        asyncio.get_running_loop().call_later(
            _PAUSE_SECONDS, self._look_again, first, self._came, self._went, quiet, still
        )

    def _let_begin(self, now: float) -> None:
        if self._last is not None:
            began_at, begun = self._last
            took = min((now - began_at) / begun, _SECONDS_A_CASE_AT_MOST)
            self._seconds_a_case += _NEWEST * (took - self._seconds_a_case)
        begun = 0
        while self._lines and begun < TOGETHER:
            caller = next(iter(self._lines))
            line = self._lines.pop(caller)
            one = line.popleft()
            if line:
                # Behind all others until its turn comes again.
                self._lines[caller] = line
            if one.began.done():
                continue
            self._waiting -= 1
            if now - one.since > self._seconds_at_most:
                one.began.set_exception(Overloaded(self._waiting * self._seconds_a_case))
                continue
            self._at_work += 1
            begun += 1
            one.began.set_result(None)
        self._last = (now, begun) if self._waiting and begun else None


_ALONE = Turns(inf)
"""Those of who calls a service without a server around it."""
_CURRENT: ContextVar[Turns] = ContextVar("turns")


def set_turns(turns: Turns) -> None:
    """Says whose turns they are, for all that runs within this call."""
    _CURRENT.set(turns)


def the_turns() -> Turns:
    """Gives the turns of the server that answers this call."""
    return _CURRENT.get(_ALONE)
