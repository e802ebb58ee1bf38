"""The RPCs of ChannelRouter: single cases, batches and streams, over one path to the answer.

A new RPC joins here as a method by its name.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from router.cases.message import encode
from router.cases.problems import FieldProblem
from router.serving.durable import DurableJournal
from router.serving.live import Live, OfficeRouter, Snapshot
from router.serving.messages import case_error, named_from
from router.serving.requests import View, is_full, language_of, texts_of, told_in
from router.serving.routing.coalescing import Coalescer
from router.serving.routing.pipeline import Asked, Pipeline
from router.serving.status import InvalidRequest, refuse
from router.texts import Texts
from router.v1 import channel_router_pb2, recommendation_pb2
from router.v1.channel_router_pb2_grpc import ChannelRouterServicer

CASES_AT_MOST = 1_000
FULL_AT_MOST = 250
"""Cases of a batch in the FULL view: no answer outgrows the 4 MiB that clients take by default."""
# Half of the largest batch: one half is decided while the other is written.
_CHUNK = 500
# As many as leave together (`Coalescer`); a client that sends faster waits.
_WINDOW = 64
_OneCase = channel_router_pb2.RecommendRequest | channel_router_pb2.RecommendStreamRequest


class ChannelRouterService(ChannelRouterServicer):
    """Recommends a mix for cases. Made on the running loop."""

    def __init__(self, live: Live, journal: DurableJournal) -> None:
        self._live = live
        self._pipeline = Pipeline(journal)
        self._coalescer = Coalescer(self._pipeline)

    async def Recommend(
        self, request: channel_router_pb2.RecommendRequest, context: object
    ) -> channel_router_pb2.RecommendResponse:
        """Answers one case once its record is durable.

        Raises:
            InvalidRequest: if the case has problems, or language or view are not the contract's.
        """
        response = channel_router_pb2.RecommendResponse()
        problems: list[FieldProblem] = []
        # Nothing but refusals pays for the look at the language.
        try:
            asked = self._asked(request, problems, response.recommendation)
        except InvalidRequest as refusal:
            refusal.texts = self._texts(request.language)
            raise
        if problems:
            refused = named_from("case", problems, self._texts(request.language))
            raise refused
        await self._coalescer.answer(asked)
        return response

    def _texts(self, language: int) -> Texts:
        """Gives the texts in which a refusal is told to people."""
        national = self._live.snapshot.national
        return texts_of(language, national.language, national.writer.texts)

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
        return Asked(router, row, case.case_ref, office_ref, view, answer)

    async def RecommendBatch(
        self, request: channel_router_pb2.RecommendBatchRequest, context: object
    ) -> channel_router_pb2.RecommendBatchResponse:
        """Answers each case or names its problems, once all records are durable."""
        snapshot, cases = self._live.snapshot, len(request.cases)
        # Refused before anything is decided.
        with told_in(self._texts(request.language)):
            full = is_full(request.view)
            language_of(request.language, "")
            _check_number(cases, full=full)

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
        offices: dict[str, tuple[OfficeRouter, View]] = {}
        waiting = []
        problems: list[FieldProblem] = []
        for index, (case, result) in enumerate(zip(cases, results, strict=True), start):
            top_coded: list[str] = []
            row = encode(case, problems, index, top_coded)
            if problems:
                texts = self._texts(request.language)
                result.error.CopyFrom(case_error(named_from(f"cases[{index}]", problems, texts)))
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

            answer = result.recommendation
            waiting.append(Asked(router, row, case.case_ref, office_ref, view, answer))
        if waiting:
            await self._pipeline.answer(waiting)

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
        # What is wrong with one request of a stream, be it its view, does not end the others.
        try:
            asked = self._asked(request, problems, response.recommendation)
        except InvalidRequest as refusal:
            refusal.texts = self._texts(request.language)
            response.error.CopyFrom(case_error(refusal))
            return response
        if problems:
            texts = self._texts(request.language)
            response.error.CopyFrom(case_error(named_from("case", problems, texts)))
        else:
            await self._coalescer.answer(asked)
        return response


def _check_number(cases: int, *, full: bool) -> None:
    most = FULL_AT_MOST if full else CASES_AT_MOST
    if not 1 <= cases <= most:
        view = "the FULL view" if full else "the BASIC view"
        refuse("cases", f"has {cases:,} cases; 1 to {most:,} are permitted in {view}")
