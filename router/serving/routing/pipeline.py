"""The one path of a case, asked alone, in a batch or on a stream: decide, record, answer, count."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from router.advice.recommender import Advice
from router.journal.record import Record
from router.serving.durable import DurableJournal
from router.serving.live import OfficeRouter
from router.serving.requests import View
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
    """

    router: OfficeRouter
    row: list[int]
    case_ref: str
    office_ref: str
    view: View
    answer: recommendation_pb2.Recommendation


class _Decided(NamedTuple):
    router: OfficeRouter
    asked: list[Asked]
    advice: list[Advice]


class Pipeline:
    """Answers cases, those that are asked together in one pass and one commit."""

    def __init__(self, journal: DurableJournal) -> None:
        self._journal = journal

    async def answer(self, asked: Sequence[Asked]) -> None:
        """Fills in the answers of cases; when it is done they are durable and may leave.

        Raises:
            JournalFull: if too many records wait.
            JournalUnavailable: if the records could not be written.
        """
        decided: list[_Decided] = []
        records: list[Record] = []
        for router, its_cases in _by_office(asked):
            advice, its_records = _decide(router, its_cases)
            records += its_records
            decided.append(_Decided(router, its_cases, advice))
        durable = self._journal.append(records)

        # The journal's thread begins its write and other calls have their turn; meanwhile the
        # answers are written.
        await asyncio.sleep(0)
        for router, its_cases, advice in decided:
            views = [one.view for one in its_cases]
            router.writer.write(advice, views, [one.answer for one in its_cases])

        # Counted only now: what is not on record did not leave.
        await durable
        for router, its_cases, advice in decided:
            router.counts.count(advice)
            router.counts.count_unknown(sum(one.answer.office_unknown for one in its_cases))


def _decide(router: OfficeRouter, asked: list[Asked]) -> tuple[list[Advice], list[Record]]:
    """Decides the cases of one office; also what withheld advice says is recorded."""
    advice, records = router.recommender.decide(
        [one.row for one in asked],
        [one.case_ref for one in asked],
        office_refs=[one.office_ref for one in asked],
    )
    views = [one.view for one in asked]
    return advice, records + router.writer.withheld(advice, views, records[0].written_at)


def _by_office(asked: Sequence[Asked]) -> Iterable[tuple[OfficeRouter, list[Asked]]]:
    found: dict[int, list[Asked]] = {}
    for one in asked:
        # By identity: an office's router is one object while
        # it is served; its parts need not be compared.
        found.setdefault(id(one.router), []).append(one)
    return [(its_cases[0].router, its_cases) for its_cases in found.values()]
