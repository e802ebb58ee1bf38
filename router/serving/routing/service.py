"""ChannelRouter: thin methods over the recommender.

Requests and answers are bytes here, so that what cannot be parsed is the caller's error and not the
runtime's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc

from router.advice.recommender import Advice
from router.cases.features import FieldProblem, encode
from router.serving.durable import DurableJournal
from router.serving.messages import case_error, field
from router.serving.panel import Desk, Panel, Served
from router.serving.requests import is_full, language_of, parse
from router.serving.routing.gathering import Gathering
from router.serving.status import InvalidRequest, refuse
from router.v1 import channel_router_pb2

SERVICE = "router.v1.ChannelRouter"
CASES_AT_MOST = 1000
_CHUNK = 500
_WINDOW = 64
_RECOMMENDATION = 2
_HEADS = [
    channel_router_pb2.RecommendBatchResult(index=n).SerializeToString()
    for n in range(CASES_AT_MOST)
]


class ChannelRouterService:
    """Recommends a mix for cases."""

    def __init__(self, panel: Panel, journal: DurableJournal) -> None:
        self._panel = panel
        self._journal = journal
        self._gathering = Gathering(journal)

    def handlers(self) -> grpc.GenericRpcHandler:
        """The service's methods, bytes in and bytes out."""
        methods: dict[str, Any] = {
            "Recommend": grpc.unary_unary_rpc_method_handler(self.recommend),
            "RecommendBatch": grpc.unary_unary_rpc_method_handler(self.recommend_batch),
            "RecommendStream": grpc.stream_stream_rpc_method_handler(self.recommend_stream),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)

    async def recommend(self, data: bytes, context: Any) -> bytes:  # noqa: ANN401, ARG002 - a handler's shape
        """Answers one case once its record is durable."""
        request = parse(channel_router_pb2.RecommendRequest, data)
        desk = self._panel.current.desk(request.case.office_ref)
        language, full = language_of(request.language, desk.language), is_full(request.view)
        return field(1, await self._gathering.ask(desk, request.case, language=language, full=full))

    async def recommend_batch(self, data: bytes, context: Any) -> bytes:  # noqa: ANN401, ARG002
        """Answers each case or names its problems, once all records are durable."""
        request = parse(channel_router_pb2.RecommendBatchRequest, data)
        served, full = self._panel.current, is_full(request.view)
        language_of(request.language, "")  # refused before anything is decided
        cases = request.cases
        if not 1 <= len(cases) <= CASES_AT_MOST:
            raise refuse("cases", f"has {len(cases)} cases; 1 to {CASES_AT_MOST} are permitted")
        waiting: list[asyncio.Future[None]] = []
        results: list[bytes] = [b""] * len(cases)
        decided: list[tuple[Desk, list[Advice]]] = []
        for start in range(0, len(cases), _CHUNK):
            problems: list[FieldProblem] = []
            chunk = cases[start : start + _CHUNK]
            rows = [encode(case, problems, index) for index, case in enumerate(chunk, start)]
            for index in {problem.index for problem in problems}:
                results[index] = _refused(index, problems)
            good = [place for place in range(len(chunk)) if not results[start + place]]
            office_refs = [case.office_ref for case in chunk]
            for desk, places in _by_desk(served, office_refs, good):
                advice, records = desk.recommender.decide(
                    [rows[place] for place in places],
                    [chunk[place].case_ref for place in places],
                    office_refs=[office_refs[place] for place in places],
                )
                views = [(language_of(request.language, desk.language), full)] * len(advice)
                records += desk.answers.withheld(advice, views, records[0].written_at)
                waiting.append(self._journal.append(records))
                await asyncio.sleep(
                    0
                )  # the journal's thread begins its write, and other calls have their turn
                for place, answer in zip(
                    places, desk.answers.recommendations(advice, views), strict=True
                ):
                    results[start + place] = _result(start + place, answer)
                decided.append((desk, advice))
        await asyncio.gather(*waiting)
        for desk, advice in decided:
            desk.recommender.count(advice)
        return b"".join(results)

    async def recommend_stream(
        self,
        requests: AsyncIterator[bytes],
        context: Any,  # noqa: ANN401, ARG002
    ) -> AsyncIterator[bytes]:
        """Answers in the order of the requests; up to 64 are under way at once."""
        queue: asyncio.Queue[asyncio.Task[bytes] | None] = asyncio.Queue(_WINDOW)

        async def read() -> None:
            async for data in requests:
                await queue.put(asyncio.ensure_future(self._stream_answer(data)))
            await queue.put(None)

        # A failing reader (the peer has gone, bytes that do not parse) ends the stream through its
        # own result.
        reader = asyncio.ensure_future(read())
        try:
            while (task := await queue.get()) is not None:
                yield await task
            await reader
        finally:
            reader.cancel()
            while not queue.empty():
                if (task := queue.get_nowait()) is not None:
                    task.cancel()

    async def _stream_answer(self, data: bytes) -> bytes:
        request = parse(channel_router_pb2.RecommendStreamRequest, data)
        desk = self._panel.current.desk(request.case.office_ref)
        language, full = language_of(request.language, desk.language), is_full(request.view)
        try:
            return field(
                1, await self._gathering.ask(desk, request.case, language=language, full=full)
            )
        except InvalidRequest as error:
            message = case_error(list(error.problems), "")
            return channel_router_pb2.RecommendStreamResponse(error=message).SerializeToString()


def _by_desk(
    served: Served, office_refs: list[str], places: list[int]
) -> list[tuple[Desk, list[int]]]:
    """The places of each desk's cases; mostly there is one desk."""
    desks = {ref: served.desk(ref) for ref in {office_refs[place] for place in places}}
    found: dict[int, tuple[Desk, list[int]]] = {id(desk): (desk, []) for desk in desks.values()}
    if len(found) == 1:
        return [(desk, places) for desk, _ in found.values()]
    for place in places:
        found[id(desks[office_refs[place]])][1].append(place)
    return list(found.values())


def _result(index: int, recommendation: bytes) -> bytes:
    return field(1, _HEADS[index] + field(_RECOMMENDATION, recommendation))


def _refused(index: int, problems: list[FieldProblem]) -> bytes:
    error = case_error(
        [problem for problem in problems if problem.index == index], f"cases[{index}]"
    )
    return field(
        1, channel_router_pb2.RecommendBatchResult(index=index, error=error).SerializeToString()
    )
