"""The RPCs of ChannelRouter: single cases, batches and streams, over one path to the answer.

A new RPC joins here as a method by its name.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256

from router.cases.features import CASE_REF, NOT_SHIELDED, SHIELDED
from router.cases.message import encode, reference_problem
from router.cases.problems import FieldProblem
from router.journal.answer import RequestId
from router.serving.durable import DurableJournal
from router.serving.fields import Fields
from router.serving.live import Live, OfficeRouter, Snapshot
from router.serving.messages import case_error, named_from
from router.serving.paging import next_token, page_size, position_of
from router.serving.requests import View, is_full, language_of
from router.serving.routing.coalescing import Coalescer
from router.serving.routing.pipeline import Asked, Pipeline
from router.serving.routing.read_back import read_back, read_back_of_case
from router.serving.status import InvalidRequest, NothingFound, Stands, refuse
from router.v1 import case_pb2, channel_router_pb2, recommendation_pb2
from router.v1.channel_router_pb2_grpc import ChannelRouterServicer

CASES_AT_MOST = 1000
# Half of the largest batch: one half is decided while the other is written.
_CHUNK = 500
# As many as leave together (`Coalescer`); a client that sends faster waits.
_WINDOW = 64
_Request = (
    channel_router_pb2.RecommendRequest
    | channel_router_pb2.RecommendBatchRequest
    | channel_router_pb2.RecommendStreamRequest
)
_OneCase = channel_router_pb2.RecommendRequest | channel_router_pb2.RecommendStreamRequest


class ChannelRouterService(ChannelRouterServicer):
    """Recommends a mix for cases. Made on the running loop."""

    def __init__(self, live: Live, journal: DurableJournal) -> None:
        self._live = live
        self._journal = journal
        self._pipeline = Pipeline(journal)
        self._coalescer = Coalescer(self._pipeline)

    async def Recommend(
        self, request: channel_router_pb2.RecommendRequest, context: object
    ) -> channel_router_pb2.RecommendResponse:
        """Answers one case once its record is durable.

        Raises:
            InvalidRequest: if the case has problems, or language or view are not the contract's.
            Stands: if the request id was used with another case.
            NothingFound: if it was used, and the answer was erased.
        """
        response = channel_router_pb2.RecommendResponse()
        problems: list[FieldProblem] = []
        asked = self._asked(request, problems, response.recommendation)
        if problems:
            refused = named_from("case", problems)
            raise refused
        await self._coalescer.answer(asked)
        return response

    def _asked(
        self,
        request: _OneCase,
        problems: list[FieldProblem],
        answer: recommendation_pb2.Recommendation,
    ) -> Asked:
        """Reads what is asked; if there are problems with the case it must not be answered."""
        case, snapshot = request.case, self._live.snapshot
        office_ref, top_coded = case.office_ref, list[str]()
        router = snapshot.router(office_ref)
        language, full = language_of(request.language, router.language), is_full(request.view)
        row = encode(case, problems, top_coded=top_coded)
        view = View(language, full, snapshot.is_unknown(office_ref), top_coded)
        request_id = _request_id("request_id", request.request_id, request, case, row)
        return Asked(router, row, case.case_ref, office_ref, view, answer, request_id)

    async def RecommendBatch(
        self, request: channel_router_pb2.RecommendBatchRequest, context: object
    ) -> channel_router_pb2.RecommendBatchResponse:
        """Answers each case or names its problems, once all records are durable."""
        snapshot, full = self._live.snapshot, is_full(request.view)
        language_of(request.language, "")  # refused before anything is decided
        cases = len(request.cases)
        if not 1 <= cases <= CASES_AT_MOST:
            refuse("cases", f"has {cases} cases; 1 to {CASES_AT_MOST} are permitted")
        given = len(request.request_ids)
        if given not in (0, cases):
            told = f"has {given} ids; none is permitted, or one for each of the {cases} cases"
            refuse("request_ids", told)

        response = channel_router_pb2.RecommendBatchResponse()
        # All first, so that results stand in the order of the cases, whichever chunk is done first.
        for index in range(cases):
            response.results.add(index=index)
        # A chunk is decided while the journal's thread writes the one before.
        await asyncio.gather(
            *[
                self._answer_chunk(snapshot, request, full, response, start)
                for start in range(0, cases, _CHUNK)
            ]
        )
        return response

    async def _answer_chunk(
        self,
        snapshot: Snapshot,
        request: channel_router_pb2.RecommendBatchRequest,
        full: bool,
        response: channel_router_pb2.RecommendBatchResponse,
        start: int,
    ) -> None:
        """Answers the cases from number `start` on."""
        cases = request.cases[start : start + _CHUNK]
        results = response.results[start : start + _CHUNK]
        request_ids = request.request_ids[start : start + _CHUNK] or [""] * len(cases)
        offices: dict[str, tuple[OfficeRouter, View]] = {}
        waiting: list[Asked] = []
        waiting_results: list[channel_router_pb2.RecommendBatchResult] = []
        problems: list[FieldProblem] = []
        for index, (case, result) in enumerate(zip(cases, results, strict=True), start):
            top_coded: list[str] = []
            row = encode(case, problems, index, top_coded)
            if problems:
                result.error.CopyFrom(case_error(named_from(f"cases[{index}]", problems)))
                problems = []
                continue

            office_ref = case.office_ref
            # A batch names few offices many times.
            if office_ref not in offices:
                router = snapshot.router(office_ref)
                language = language_of(request.language, router.language)
                view = View(language, full, snapshot.is_unknown(office_ref))
                offices[office_ref] = router, view
            router, view = offices[office_ref]
            if top_coded:
                view = view._replace(top_coded=top_coded)

            name = f"request_ids[{index}]"
            try:
                request_id = _request_id(name, request_ids[index - start], request, case, row)
            except InvalidRequest as error:
                result.error.CopyFrom(case_error(error))
                continue

            answer = result.recommendation
            waiting.append(Asked(router, row, case.case_ref, office_ref, view, answer, request_id))
            waiting_results.append(result)
        if waiting:
            refused = await self._pipeline.answer(waiting)
            for number, why in refused.items():
                waiting_results[number].error.CopyFrom(case_error(why))

    async def RecommendStream(
        self,
        request_iterator: AsyncIterator[channel_router_pb2.RecommendStreamRequest],
        context: object,
    ) -> AsyncIterator[channel_router_pb2.RecommendStreamResponse]:
        """Answers in the order of the requests; up to 64 are under way at once."""
        queue: asyncio.Queue[asyncio.Task[channel_router_pb2.RecommendStreamResponse] | None]
        queue = asyncio.Queue(_WINDOW)

        async def read() -> None:
            try:
                async for request in request_iterator:
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
        problems: list[FieldProblem] = []
        try:
            asked = self._asked(request, problems, response.recommendation)
            if problems:
                response.error.CopyFrom(case_error(named_from("case", problems)))
            else:
                await self._coalescer.answer(asked)
        except (InvalidRequest, Stands, NothingFound) as error:
            # Of this case alone: the stream goes on.
            response.error.CopyFrom(case_error(error))
        return response

    async def GetRecommendation(
        self, request: channel_router_pb2.GetRecommendationRequest, context: object
    ) -> channel_router_pb2.GetRecommendationResponse:
        """Reads back one recommendation."""
        fields = Fields()
        decision_id = fields.identity("decision_id", request.decision_id)
        fields.finish()
        found = await asyncio.to_thread(read_back, self._journal.store, decision_id)
        return channel_router_pb2.GetRecommendationResponse(recommendation=found)

    async def ListRecommendations(
        self, request: channel_router_pb2.ListRecommendationsRequest, context: object
    ) -> channel_router_pb2.ListRecommendationsResponse:
        """Reads back the recommendations of a case, the latest first."""
        case_ref, size = request.case_ref, page_size(request.page_size)
        problem = reference_problem(CASE_REF, case_ref) if case_ref else "is missing"
        if problem:
            refuse("case_ref", problem)
        filters = {"case_ref": case_ref}
        position = position_of("ListRecommendations", filters, request.page_token)
        before = None if position is None else int(position)

        found, rest = await asyncio.to_thread(
            read_back_of_case, self._journal.store, case_ref, before, size
        )
        token = "" if rest is None else next_token("ListRecommendations", filters, str(rest))
        return channel_router_pb2.ListRecommendationsResponse(
            recommendations=found, next_page_token=token
        )


def _request_id(
    field: str, text: str, request: _Request, case: case_pb2.Case, row: list[int]
) -> RequestId | None:
    """Reads a request id, with a digest of what is asked under it; None for none.

    Raises:
        InvalidRequest: if it is no UUID.
    """
    if not text:
        return None
    fields = Fields()
    identity = fields.identity(field, text)
    fields.finish()
    # Of a shielded case nothing is kept, not even a digest.
    content = b"" if row[SHIELDED] != NOT_SHIELDED else case.SerializeToString(deterministic=True)
    asked = sha256(b"%d %d " % (request.view, request.language) + content)
    return RequestId.of(identity, asked.digest())
