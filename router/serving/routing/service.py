"""The RPCs of ChannelRouter: single cases, batches and streams, over one path to the answer.

A new RPC joins here as a method by its name.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from router.cases.features import CASE_REF
from router.serving.callers.caller import the_caller
from router.serving.durable import DurableJournal
from router.serving.fields import Fields
from router.serving.live import Live
from router.serving.messages import case_error
from router.serving.paging import next_token, page_size, position_of
from router.serving.requests import told_in
from router.serving.routing.coalescing import Coalescer
from router.serving.routing.pipeline import Asked, Pipeline
from router.serving.routing.read_back import read_back, read_back_of_case
from router.serving.routing.reading import CaseReader
from router.serving.shadowing import Shadowing
from router.serving.status import InvalidRequest, NothingFound, NotPermitted, Stands, refuse
from router.serving.turns import Turns
from router.v1 import channel_router_pb2
from router.v1.channel_router_pb2_grpc import ChannelRouterServicer

CASES_AT_MOST = 1_000
FULL_AT_MOST = 250
"""Cases of a batch in the FULL view: no answer outgrows the 4 MiB that clients take by default."""
# After so many of a batch are read, some milliseconds, other calls have their turn.
_CASES_OF_A_TURN = 64
# As many as leave together (`Coalescer`); a client that sends faster waits.
_WINDOW = 64


class ChannelRouterService(ChannelRouterServicer):
    """Recommends a mix for cases. Made on the running loop."""

    def __init__(self, live: Live, journal: DurableJournal, shadowing: Shadowing) -> None:
        self._live = live
        self._journal = journal
        self._turns = Turns()
        self._pipeline = Pipeline(journal, shadowing, self._turns)
        self._coalescer = Coalescer(self._pipeline, self._turns)

    async def Recommend(
        self, request: channel_router_pb2.RecommendRequest, context: object
    ) -> channel_router_pb2.RecommendResponse:
        """Answers one case once its record is durable."""
        response = channel_router_pb2.RecommendResponse()
        reader = CaseReader(self._live.snapshot, request)
        asked = reader.read(request.case, request.request_id, response.recommendation)
        await self._coalescer.answer(asked)
        return response

    async def RecommendBatch(
        self, request: channel_router_pb2.RecommendBatchRequest, context: object
    ) -> channel_router_pb2.RecommendBatchResponse:
        """Answers each case or says why not, once all records are durable."""
        reader = CaseReader(self._live.snapshot, request)
        cases = len(request.cases)
        # Refused before anything is decided.
        with told_in(reader.texts):
            _check_numbers(cases, len(request.request_ids), full=reader.full)
        # The call itself was one.
        the_caller().spend(cases - 1)

        response = channel_router_pb2.RecommendBatchResponse()
        request_ids = request.request_ids or [""] * cases
        waiting: list[Asked] = []
        theirs: list[channel_router_pb2.RecommendBatchResult] = []
        for index, (case, request_id) in enumerate(zip(request.cases, request_ids, strict=True)):
            if index % _CASES_OF_A_TURN == 0:
                await self._turns.give_way()
            result = response.results.add(index=index)
            try:
                waiting.append(reader.read(case, request_id, result.recommendation, index))
                theirs.append(result)
            except (InvalidRequest, NotPermitted) as refused:
                result.error.CopyFrom(case_error(refused))

        if waiting:
            # In one pass: were some written to the journal while others are decided, its thread
            # and this one would wait for each other's lock on Python more than they gain.
            refusals = await self._pipeline.answer(waiting)
            for number, why in refusals.items():
                theirs[number].error.CopyFrom(case_error(why))
        return response

    async def RecommendStream(
        self,
        request_iterator: AsyncIterator[channel_router_pb2.RecommendStreamRequest],
        context: object,
    ) -> AsyncIterator[channel_router_pb2.RecommendStreamResponse]:
        """Answers in the order of the requests; up to 64 are under way at once."""
        queue: asyncio.Queue[asyncio.Task[channel_router_pb2.RecommendStreamResponse] | None]
        queue = asyncio.Queue(_WINDOW)
        caller = the_caller()

        async def read() -> None:
            try:
                async for request in request_iterator:
                    # Who sends more than its share is read more slowly, and so waits.
                    await caller.take_turn()
                    await queue.put(asyncio.ensure_future(self._stream_answer(request)))
            finally:
                await queue.put(None)

        # A failing reader (the peer has gone, bytes that do not parse) ends the stream through its
        # own result.
        reader = asyncio.ensure_future(read())
        try:
            while (task := await queue.get()) is not None:
                # In order: a slow one holds back those behind it, which are answered meanwhile.
                yield await task
            await reader
        finally:
            reader.cancel()
            # Nobody hears their answers any more.
            while not queue.empty():
                if (task := queue.get_nowait()) is not None:
                    task.cancel()

    async def _stream_answer(
        self, request: channel_router_pb2.RecommendStreamRequest
    ) -> channel_router_pb2.RecommendStreamResponse:
        response = channel_router_pb2.RecommendStreamResponse()
        try:
            reader = CaseReader(self._live.snapshot, request)
            asked = reader.read(request.case, request.request_id, response.recommendation)
            await self._coalescer.answer(asked)
        except (InvalidRequest, NotPermitted, Stands, NothingFound) as refused:
            # Of this case alone: the stream goes on.
            response.error.CopyFrom(case_error(refused))
        return response

    async def GetRecommendation(
        self, request: channel_router_pb2.GetRecommendationRequest, context: object
    ) -> channel_router_pb2.GetRecommendationResponse:
        """Reads back one recommendation."""
        fields = Fields()
        decision_id = fields.identity("decision_id", request.decision_id)
        fields.finish()
        may_see = the_caller().may_see
        found = await asyncio.to_thread(read_back, self._journal.store, decision_id, may_see)
        return channel_router_pb2.GetRecommendationResponse(recommendation=found)

    async def ListRecommendations(
        self, request: channel_router_pb2.ListRecommendationsRequest, context: object
    ) -> channel_router_pb2.ListRecommendationsResponse:
        """Reads back the recommendations of a case, the latest first."""
        fields = Fields()
        case_ref = fields.reference("case_ref", request.case_ref, name=CASE_REF, needed=True)
        fields.finish()
        size = page_size(request.page_size)
        filters = {"case_ref": case_ref}
        position = position_of("ListRecommendations", filters, request.page_token)
        found, rest = await asyncio.to_thread(
            read_back_of_case, self._journal.store, case_ref, position, size, the_caller().may_see
        )
        token = rest and next_token("ListRecommendations", filters, rest)
        return channel_router_pb2.ListRecommendationsResponse(
            recommendations=found, next_page_token=token
        )


def _check_numbers(cases: int, request_ids: int, *, full: bool) -> None:
    most = FULL_AT_MOST if full else CASES_AT_MOST
    if not 1 <= cases <= most:
        view = "the FULL view" if full else "the BASIC view"
        refuse("cases", f"has {cases:,} cases; 1 to {most:,} are permitted in {view}")
    if request_ids not in (0, cases):
        told = f"has {request_ids:,} ids; none is permitted, or one for each of the {cases:,} cases"
        refuse("request_ids", told)
