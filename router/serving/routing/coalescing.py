"""Calls that come at the same time are decided, committed and answered together.

A commit costs a file sync and the processor time of several calls, however few records it holds,
and arithmetic on ten rows costs hardly more than on one. Calls therefore gather while the event
loop still brings new ones, and leave together once it has been quiet for a few turns: a lone call
waits for some empty turns (microseconds), a busy server takes tens of calls at once. After many
left together, as many are expected again: the loop then sleeps between turns until they are there,
since its spinning would keep gRPC's own threads from reading them. `python -m bench` measures it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from router.serving.routing.pipeline import Asked, Pipeline
from router.serving.turns import Turns

# Turns of the loop without a new call after which the gathered ones leave, and how many leave at
# the latest.
_QUIET_TURNS = 5
_GATHER_AT_MOST = 64
# So many are a crowd, which is waited for again; it is given up after so many pauses without a new
# call.
_CROWD = 16
_PAUSE_SECONDS = 0.001
_QUIET_PAUSES = 2

_Ticket = asyncio.Future[None]


class Coalescer:
    """Answers single cases. Made on the running loop."""

    def __init__(self, pipeline: Pipeline, turns: Turns) -> None:
        self._loop = asyncio.get_running_loop()
        self._pipeline = pipeline
        self._turns = turns
        self._gathered: list[tuple[Asked, _Ticket]] = []
        self._under_way: set[asyncio.Task[None]] = set()  # a task that nobody holds may be dropped
        self._times_left = 0
        self._expected = 0
        self._alone = False

    def answer(self, asked: Asked) -> _Ticket:
        """Takes a case; what is returned is done when its answer is filled in and may leave.

        It raises what `Pipeline.answer` does, or why this case got no answer.
        """
        self._turns.one_came()
        ticket: _Ticket = self._loop.create_future()
        self._gathered.append((asked, ticket))
        if len(self._gathered) >= _GATHER_AT_MOST:
            self._leave()
        elif len(self._gathered) == 1:
            # Nobody came beside the last one: nobody is waited for.
            if self._alone and not self._under_way:
                self._leave()
            else:
                self._turn(self._times_left, 0, 0)
        return ticket

    def _turn(self, times_left: int, seen: int, quiet: int) -> None:
        """Comes back every turn or pause until it has been quiet or the calls have left."""
        if times_left != self._times_left:
            return
        gathered = len(self._gathered)
        quiet = quiet + 1 if gathered == seen else 0
        if gathered < self._expected and quiet < _QUIET_PAUSES:
            self._loop.call_later(_PAUSE_SECONDS, self._turn, times_left, gathered, quiet)
        elif gathered >= self._expected and quiet < _QUIET_TURNS:
            self._loop.call_soon(self._turn, times_left, gathered, quiet)
        else:
            self._leave()

    def _leave(self) -> None:
        gathered, self._gathered = self._gathered, []
        self._times_left += 1
        self._alone = len(gathered) == 1
        self._expected = len(gathered) if len(gathered) >= _CROWD else 0

        waiting = [(asked, ticket) for asked, ticket in gathered if not ticket.done()]
        task = self._loop.create_task(self._answer(waiting))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _answer(self, waiting: list[tuple[Asked, _Ticket]]) -> None:
        failed: Exception | None = None
        refused: Mapping[int, Exception] = {}
        try:
            refused = await self._pipeline.answer([asked for asked, _ in waiting])
        except Exception as error:  # nobody awaits this task: its calls do
            failed = error
        for number, (_, ticket) in enumerate(waiting):
            if ticket.done():
                continue
            why = failed or refused.get(number)
            if why is None:
                ticket.set_result(None)
            else:
                ticket.set_exception(why)
