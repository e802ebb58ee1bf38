"""The one path of a case, asked alone, in a batch or on a stream: decide, record, answer, count."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from router.advice.recommender import Advice
from router.journal.answer import RequestId, answer_record, read_answer
from router.journal.record import Record
from router.serving.durable import DurableJournal
from router.serving.live import OfficeRouter
from router.serving.requests import View
from router.serving.shadowing import Shadowing
from router.serving.status import NothingFound, Stands
from router.serving.tracing import TRACES
from router.v1 import recommendation_pb2


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

    def write(self) -> None:
        views = [one.view for one in self.asked]
        self.router.writer.write(self.advice, views, [one.answer for one in self.asked])

    def counted(self, skipped: Collection[bytes], shadowing: Shadowing) -> set[int]:
        """Counts those that were not on record before, and tells which they are by identity.

        A shadow sees them too.
        """
        pairs = [
            (case, advice)
            for case, advice in zip(self.asked, self.advice, strict=True)
            if case.request_id is None or case.request_id.answer not in skipped
        ]
        new = [advice for _, advice in pairs]
        self.router.counts.count(new, self.router.band)
        if self.router.shadow is not None:
            shadowing.see(self.router.shadow, new)
        self.router.counts.count_unknown(case.answer.office_unknown for case, _ in pairs)
        return {id(case) for case, _ in pairs}


class Pipeline:
    """Answers cases, those that are asked together in one pass and one commit."""

    def __init__(self, journal: DurableJournal, shadowing: Shadowing) -> None:
        self._journal = journal
        self._shadowing = shadowing

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
        decided: list[_Decided] = []
        records: list[Record] = []
        with TRACES.step("decide"):
            for router, its_cases in _by_office(_each_id_once(asked) if repeatable else asked):
                advice, its_records = _decide(router, its_cases)
                records += its_records
                decided.append(_Decided(router, its_cases, advice))

        if repeatable:
            # Their answers are recorded with them, so they are written first.
            for part in decided:
                part.write()
                records += _answers(part.asked, records[0].written_at)
        durable = self._journal.append(_with_callers(records, decided))

        # The journal's thread begins its write and other calls have their turn; meanwhile the
        # answers are written.
        await asyncio.sleep(0)
        if not repeatable:
            for part in decided:
                part.write()

        # Counted only now: what is not on record did not leave.
        with TRACES.step("journal"):
            skipped = await durable
        new: set[int] = set()
        for part in decided:
            new |= part.counted(skipped, self._shadowing)
        if not repeatable:
            return {}
        again = [n for n, one in enumerate(asked) if id(one) not in new]
        return await self._answer_again(asked, again)

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


def _decide(router: OfficeRouter, asked: list[Asked]) -> tuple[list[Advice], list[Record]]:
    """Decides the cases of one office; also what withheld advice says is recorded."""
    advice, records = router.recommender.decide(
        [one.row for one in asked],
        [one.case_ref for one in asked],
        office_refs=[one.office_ref for one in asked],
        ids=[one.request_id and one.request_id.decision for one in asked],
    )
    views = [one.view for one in asked]
    return advice, records + router.writer.withheld(advice, views, records[0].written_at)


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
    return [one._replace(caller=callers.get(one.about or one.id, "")) for one in records]


def _by_office(asked: Sequence[Asked]) -> Iterable[tuple[OfficeRouter, list[Asked]]]:
    found: dict[int, list[Asked]] = {}
    for one in asked:
        # By identity: an office's router is one object while
        # it is served; its parts need not be compared.
        found.setdefault(id(one.router), []).append(one)
    return [(its_cases[0].router, its_cases) for its_cases in found.values()]
