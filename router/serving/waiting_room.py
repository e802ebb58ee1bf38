"""Where a call stands while its caller has to do something: so many at once, each for so long.

gRPC hands a call on as soon as its headers have come. Who sends no more than those, or reads none
of the answers, would hold memory, and a place among the calls in flight, for as long as the
connection lives.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from types import TracebackType

from router.serving.status import NothingCame, Overloaded

# How often it is looked for calls whose time is up, as a share of that time.
_LOOKS = 10


class WaitingRoom:
    """Bounds what waits for callers; runs on one loop.

    When it is full, whoever has waited longest goes: those who send at once wait for a moment only,
    so that they are never the ones, however many others send nothing.
    """

    def __init__(
        self,
        at_most: int,
        seconds: float = math.inf,
        late: Callable[[float], Exception] = NothingCame,
    ) -> None:
        """Begins empty.

        Args:
            at_most: calls at once, 1 or more; one more ends the one that has waited longest.
            seconds: that one may wait, above 0; it is ended within a tenth more.
            late: makes of the seconds what a call is then ended with.
        """
        self._at_most = at_most
        self._seconds = seconds
        self._late = late
        # Since when, in the order in which they came, which is that in which their time is up.
        self._stays: dict[Stay, float] = {}
        self._looking = False

    def __len__(self) -> int:
        """Tells how many wait."""
        return len(self._stays)

    def stay(self) -> Stay:
        """Gives a block within which the task that enters it waits for its caller.

        The block raises:
            Overloaded: if the room is full and this one has waited longest.
            NothingCame: if it has waited for too long, or what else the room has for that.
        """
        return Stay(self)

    async def in_time(self, what: Awaitable[None]) -> None:
        """Waits for what must not be ended for others' sake, for as long as a stay may last.

        Raises:
            NothingCame: if it takes longer, or what else the room has for that.
        """
        try:
            async with asyncio.timeout(None if self._seconds == math.inf else self._seconds):
                await what
        except TimeoutError:
            raise self._late(self._seconds) from None

    def enter(self, stay: Stay) -> None:
        """Takes a stay in, and ends the oldest one if that is one too many."""
        loop = asyncio.get_running_loop()
        self._stays[stay] = loop.time()
        if len(self._stays) > self._at_most:
            self._end(next(iter(self._stays)), Overloaded())
        if not self._looking and self._seconds < math.inf:
            self._looking = True
            loop.call_later(self._seconds / _LOOKS, self._look, loop)

    def end_longest(self, seconds: float, why: Exception) -> None:
        """Ends the call that has waited longest, if that is so many seconds or more."""
        for stay, since in self._stays.items():
            if asyncio.get_running_loop().time() - since >= seconds:
                self._end(stay, why)
            return

    def leave(self, stay: Stay) -> None:
        """Lets a stay go."""
        self._stays.pop(stay, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        late = []
        for stay, since in self._stays.items():
            if since + self._seconds > now:
                break
            late.append(stay)
        for stay in late:
            self._end(stay, self._late(self._seconds))
        # Nothing is looked for while nobody waits: a server at rest does not wake up for it.
        self._looking = bool(self._stays)
        if self._looking:
            loop.call_later(self._seconds / _LOOKS, self._look, loop)

    def _end(self, stay: Stay, why: Exception) -> None:
        # At once, not when its task runs: it must not be chosen twice.
        self._stays.pop(stay)
        stay.end(why)


class Stay:
    """One call's stay in a waiting room."""

    __slots__ = ("_room", "_task", "_why")

    def __init__(self, room: WaitingRoom) -> None:
        self._room = room
        self._why: Exception | None = None

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        self._room.enter(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._why is None:
            self._room.leave(self)
            return
        assert self._task is not None
        # Whoever else has cancelled it, such as gRPC when the caller goes, is to be heeded.
        if not self._task.uncancel() and kind is asyncio.CancelledError:
            raise self._why from None

    def end(self, why: Exception) -> None:
        """Ends it, by an error in its task."""
        assert self._task is not None
        self._why = why
        self._task.cancel()
