"""Calls that come together are decided, committed and answered together.

A commit costs a file sync and the processor time of several calls, however few records it holds,
and arithmetic on ten rows costs hardly more than on one. Calls therefore gather while the event
loop still brings new ones, and leave together once it has been quiet for a few turns: a lone call
waits for some empty turns (microseconds), a busy server takes tens of calls at once. After many
left together, as many are expected again: the loop then sleeps between turns until they are there,
since its spinning would keep gRPC's own threads from reading them. `python -m bench` measures it.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from router.advice.recommender import Advice
from router.cases.features import FieldProblem, encode
from router.journal.record import Record
from router.serving.durable import DurableJournal
from router.serving.messages import path
from router.serving.panel import Desk
from router.serving.status import InvalidRequest
from router.v1 import case_pb2

# Turns of the loop without a new call after which the gathered ones leave, and how many leave at
# the latest.
_QUIET_TURNS = 5
_GATHER_AT_MOST = 64
# So many are a crowd, which is waited for again; it is given up after so many pauses without a new
# call.
_CROWD = 16
_PAUSE_SECONDS = 0.001
_QUIET_PAUSES = 2

_Ticket = asyncio.Future[bytes]


class _Asked(NamedTuple):
    desk: Desk
    row: list[int]
    case_ref: str
    office_ref: str
    language: str
    full: bool
    ticket: _Ticket


class Gathering:
    """Answers single cases. Made on the running loop."""

    def __init__(self, journal: DurableJournal) -> None:
        self._loop = asyncio.get_running_loop()
        self._journal = journal
        self._gathered: list[_Asked] = []
        self._under_way: set[asyncio.Task[None]] = set()  # a task that nobody holds may be dropped
        self._times_left = 0
        self._expected = 0
        self._alone = False

    def ask(self, desk: Desk, case: case_pb2.Case, *, language: str, full: bool) -> _Ticket:
        """A serialised Recommendation, once its record is durable.

        Raises:
            InvalidRequest: if the case has problems; everything else is raised by what is returned.
        """
        problems: list[FieldProblem] = []
        row = encode(case, problems)
        if problems:
            raise InvalidRequest(
                [
                    FieldProblem(index=0, field=path("case", one), description=one.description)
                    for one in problems
                ]
            )
        ticket: _Ticket = self._loop.create_future()
        self._gathered.append(
            _Asked(desk, row, case.case_ref, case.office_ref, language, full, ticket)
        )
        if len(self._gathered) >= _GATHER_AT_MOST:
            self._leave()
        elif len(self._gathered) == 1:
            if (
                self._alone and not self._under_way
            ):  # nobody came beside the last one: nobody is waited for
                self._leave()
            else:
                self._turn(self._times_left, 0, 0)
        return ticket

    def _turn(self, times_left: int, seen: int, quiet: int) -> None:
        """Comes back every turn or pause until no call came for some of them, or they have left already."""
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
        task = self._loop.create_task(
            self._answer([asked for asked in gathered if not asked.ticket.done()])
        )
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _answer(self, gathered: list[_Asked]) -> None:
        by_desk: dict[int, list[_Asked]] = {}
        for asked in gathered:
            by_desk.setdefault(id(asked.desk), []).append(asked)
        decided: list[tuple[Desk, list[_Asked], list[Advice]]] = []
        records: list[Record] = []
        written: list[bytes] = []
        try:
            for group in by_desk.values():
                desk = group[0].desk
                advice, its_records = desk.recommender.decide(
                    [asked.row for asked in group],
                    [asked.case_ref for asked in group],
                    office_refs=[asked.office_ref for asked in group],
                )
                records += its_records + desk.answers.withheld(
                    advice, _views(group), its_records[0].written_at
                )
                decided.append((desk, group, advice))
            durable = self._journal.append(records)
            await asyncio.sleep(
                0
            )  # the journal's thread begins its write; the answers are made meanwhile
            for desk, group, advice in decided:
                written += desk.answers.recommendations(advice, _views(group))
            await durable
        except Exception as error:  # nobody awaits this task: its calls do
            for asked in gathered:
                if not asked.ticket.done():
                    asked.ticket.set_exception(error)
            return
        answers = iter(written)
        for desk, group, advice in decided:
            desk.recommender.count(advice)
            for asked, answer in zip(group, answers, strict=False):
                if not asked.ticket.done():
                    asked.ticket.set_result(answer)


def _views(group: list[_Asked]) -> list[tuple[str, bool]]:
    return [(asked.language, asked.full) for asked in group]
