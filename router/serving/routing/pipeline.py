"""The one path of a case, asked alone, in a batch or on a stream: decide, record, answer, count."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple
from uuid import UUID

from router.advice.recommender import Advice
from router.decision.together import decide_together
from router.journal.answer import RequestId, answer_record, read_answer
from router.journal.record import Record, decision_of
from router.serving.durable import DurableJournal
from router.serving.live import OfficeRouter
from router.serving.requests import View
from router.serving.routing.recommendation import explain_together
from router.serving.shadowing import Shadowing
from router.serving.status import NothingFound, Stands
from router.serving.tracing import TRACES
from router.serving.turns import Turns
from router.v1 import recommendation_pb2

# So many of a batch are decided, or written, before other calls have their turn, some milliseconds;
# and if none came of late.
_CASES_OF_A_TURN, _CASES_ALONE = 32, 256
_FULL_OF_A_TURN, _FULL_ALONE = 12, 64
_GATHERED_AT_MOST = 64


class Asked(NamedTuple):
    """A case that waits for its answer.

    Attributes:
        router: its office's.
        row: slots.
        case_ref: as sent.
        office_ref: as sent.
        view: how the answer is written.
        answer: the message to fill in.
        request_id: by which it may be asked again, if any.
        caller: who asks, by name.
    """

    router: OfficeRouter
    row: list[int]
    case_ref: str
    office_ref: str
    view: View
    answer: recommendation_pb2.Recommendation
    request_id: RequestId | None = None
    caller: str = ""


class _Decided(NamedTuple):
    router: OfficeRouter
    asked: list[Asked]
    advice: list[Advice]

    @property
    def views(self) -> list[View]:
        return [one.view for one in self.asked]

    def without(self, skipped: Collection[bytes]) -> _Decided:
        """Gives those that were not on record before."""
        new = [
            (case, advice)
            for case, advice in zip(self.asked, self.advice, strict=True)
            if case.request_id is None or case.request_id.answer not in skipped
        ]
        return _Decided(self.router, [case for case, _ in new], [advice for _, advice in new])

    def tally(self, shadowing: Shadowing) -> None:
        """Counts all of it; a shadow sees it too."""
        self.router.counts.count(self.advice, self.router.band)
        if self.router.shadow is not None:
            shadowing.see(self.router.shadow, self.advice)
        self.router.counts.count_unknown([case.answer.office_unknown for case in self.asked])


class Pipeline:
    """Answers cases, those that are asked together in one pass and one commit."""

    def __init__(self, journal: DurableJournal, shadowing: Shadowing, turns: Turns) -> None:
        self._journal = journal
        self._shadowing = shadowing
        self._turns = turns

    async def answer(self, asked: Sequence[Asked]) -> Mapping[int, Exception]:
        """Fills in the answers of cases; when it is done they are durable and may leave.

        Returns:
            Why some of them got none, by their number: the request id was used for something else,
            or its answer was erased.

        Raises:
            JournalFull: if too many records wait.
            JournalUnavailable: if the records could not be written.
        """
        repeatable = any(one.request_id for one in asked)
        turns: list[list[_Decided]] = []
        records: list[Record] = []
        with TRACES.step("decide"):
            for some in self._in_turns(_each_id_once(asked) if repeatable else asked):
                if turns:
                    await self._turns.give_way()
                decided, its_records = _decide(some)
                turns.append(decided)
                records += its_records

        if repeatable:
            # Their answers are recorded with them, so they are written first.
            await self._write(turns)
            for decided in turns:
                for part in decided:
                    records += _answers(part.asked, records[0].written_at)
        durable = self._journal.append(_by_decision(_with_callers(records, chain(*turns))))

        # The journal's thread begins its write and other calls have their turn; meanwhile the
        # answers are written.
        await asyncio.sleep(0)
        if not repeatable:
            await self._write(turns)

        # Counted only now: what is not on record did not leave.
        with TRACES.step("journal"):
            skipped = await durable
        new: set[int] = set()
        for number, decided in enumerate(turns):
            if number:
                await self._turns.give_way()
            for part in decided:
                counted = part.without(skipped) if repeatable else part
                counted.tally(self._shadowing)
                if repeatable:
                    new.update(map(id, counted.asked))
        if not repeatable:
            return {}
        again = [n for n, one in enumerate(asked) if id(one) not in new]
        return await self._answer_again(asked, again)

    def _in_turns(self, asked: Sequence[Asked]) -> Iterator[Sequence[Asked]]:
        """Yields cases in turns, between which other calls have theirs."""
        full = any(one.view.full for one in asked)
        shared, alone = (_FULL_OF_A_TURN, _FULL_ALONE) if full else (_CASES_OF_A_TURN, _CASES_ALONE)
        # Calls of their own, asked together: each waits for all of them.
        together = len(asked) <= _GATHERED_AT_MOST

        start = 0
        while start < len(asked):
            # Asked anew each time: calls may begin to come amid a batch.
            size = _GATHERED_AT_MOST if together else shared if self._turns.shared else alone
            yield asked[start : start + size]
            start += size

    async def _write(self, turns: Iterable[Sequence[_Decided]]) -> None:
        """Writes answers, those of a turn together."""
        for number, decided in enumerate(turns):
            if number:
                await self._turns.give_way()
            asked = [(part.router.writer, part.advice, part.views) for part in decided]
            for part, explanations in zip(decided, explain_together(asked), strict=True):
                answers = [one.answer for one in part.asked]
                part.router.writer.write(part.advice, part.views, answers, explanations)

    async def _answer_again(
        self, asked: Sequence[Asked], again: Sequence[int]
    ) -> Mapping[int, Exception]:
        """Gives the recorded answers to those who ask again; see `answer`."""
        if not again:
            return {}
        wanted = {n: one.answer for n in again if (one := asked[n].request_id)}
        stored = await asyncio.to_thread(self._journal.store.find, list(set(wanted.values())))
        found = {record.id: read_answer(record) for record in stored}
        refused: dict[int, Exception] = {}
        for n, identity in wanted.items():
            recorded, own = found.get(identity), asked[n].request_id
            if recorded is None or own is None:
                refused[n] = NothingFound("request_id: its answer was erased; send a new one")
            elif recorded.asked != own.asked:
                told = "request_id: it was used with another case, view or language"
                refused[n] = Stands("REQUEST_ID_USED", told, {})
            else:
                asked[n].answer.ParseFromString(recorded.answer)
        return refused


def _each_id_once(asked: Sequence[Asked]) -> Sequence[Asked]:
    """Leaves out those whose request id another one before them has.

    Only one of them is decided and recorded: were each, the decision could be kept of one office's
    case and the answer of another's.
    """
    seen: set[bytes] = set()
    found = []
    for one in asked:
        if one.request_id is not None:
            if one.request_id.answer in seen:
                continue
            seen.add(one.request_id.answer)
        found.append(one)
    return found


def _answers(asked: Iterable[Asked], now: int) -> Iterable[Record]:
    for one in asked:
        if one.request_id is not None:
            yield answer_record(one.request_id, one.answer.SerializeToString(), now)


def _decide(asked: Sequence[Asked]) -> tuple[list[_Decided], list[Record]]:
    """Decides cases; also what withheld advice says is recorded."""
    offices = _by_office(asked)
    rows = [[one.row for one in its_cases] for _, its_cases in offices]
    deciders = [router.recommender.decider for router, _ in offices]
    each = decide_together([*zip(deciders, rows, strict=True)])

    decided, records = [], []
    for (router, its_cases), its_rows, decisions in zip(offices, rows, each, strict=True):
        advice, its_records = router.recommender.decide(
            its_rows,
            [one.case_ref for one in its_cases],
            decisions=decisions,
            office_refs=[one.office_ref for one in its_cases],
            ids=[one.request_id and one.request_id.decision for one in its_cases],
        )
        records += its_records
        views = [one.view for one in its_cases]
        records += router.writer.withheld(advice, views, its_records[0].written_at)
        decided.append(_Decided(router, its_cases, advice))
    return decided, records


def _with_callers(records: Sequence[Record], decided: Iterable[_Decided]) -> Sequence[Record]:
    """Names who asked in the records of decisions, and in those about them.

    Of a case that was not scored nothing is kept but the fact, and a caller may be one office's.
    """
    callers = {
        UUID(advice.decision_id).bytes: case.caller
        for part in decided
        for case, advice in zip(part.asked, part.advice, strict=True)
        if case.caller and advice.decision.is_scored
    }
    if not callers:
        return records
    return [one._replace(caller=callers.get(decision_of(one), "")) for one in records]


def _by_decision(records: Sequence[Record]) -> Sequence[Record]:
    """Puts what is about a decision next to it: the journal writes a batch in shares."""
    found: dict[bytes, list[Record]] = {}
    for one in records:
        found.setdefault(decision_of(one), []).append(one)
    return records if len(found) == len(records) else [*chain(*found.values())]


def _by_office(asked: Sequence[Asked]) -> list[tuple[OfficeRouter, list[Asked]]]:
    found: dict[int, list[Asked]] = {}
    for one in asked:
        # By identity: an office's router is one object while
        # it is served; its parts need not be compared.
        found.setdefault(id(one.router), []).append(one)
    return [(its_cases[0].router, its_cases) for its_cases in found.values()]
