"""ChannelRouter: thin methods over the recommender.

Requests and answers are bytes here, so that what cannot be parsed is the caller's error and not the runtime's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc

from router.features import FieldProblem
from router.serving.durable import DurableJournal
from router.serving.recommender import Advice, Recommender
from router.serving.status import InvalidRequest, refuse
from router.serving.wire import Answers, case_error, field, is_full, language_of, parse, path
from router.v1 import case_pb2, channel_router_pb2

SERVICE = "router.v1.ChannelRouter"
CASES_AT_MOST = 1000
_CHUNK = 100
_WINDOW = 64
_RECOMMENDATION = 2


class ChannelRouterService:
    """Recommends a mix for cases."""

    def __init__(self, recommender: Recommender, answers: Answers, journal: DurableJournal) -> None:
        self._recommender = recommender
        self._answers = answers
        self._journal = journal

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
        language, full = language_of(request.language), is_full(request.view)
        advice = await self._one(request.case)
        return field(1, self._answers.recommendation(advice, language=language, full=full))

    async def _one(self, case: case_pb2.Case) -> Advice:
        advice, problems, records = self._recommender.one(case)
        if advice is None:
            raise InvalidRequest(
                [
                    FieldProblem(index=0, field=path("case", problem), description=problem.description)
                    for problem in problems
                ]
            )
        await self._journal.append(records)
        self._recommender.count((advice,))
        return advice

    async def recommend_batch(self, data: bytes, context: Any) -> bytes:  # noqa: ANN401, ARG002
        """Answers each case or names its problems, once all records are durable."""
        request = parse(channel_router_pb2.RecommendBatchRequest, data)
        language, full = language_of(request.language), is_full(request.view)
        cases = request.cases
        if not 1 <= len(cases) <= CASES_AT_MOST:
            raise refuse("cases", f"has {len(cases)} cases; 1 to {CASES_AT_MOST} are permitted")
        waiting: list[asyncio.Task[None]] = []
        results: list[bytes] = []
        decided: list[Advice | None] = []
        for start in range(0, len(cases), _CHUNK):
            advice, problems, records = self._recommender.many(cases[start : start + _CHUNK])
            if records:
                waiting.append(asyncio.ensure_future(self._journal.append(records)))
            results += self._results(start, advice, problems, language=language, full=full)
            decided += advice
            await asyncio.sleep(0)  # let other calls have their turn
        await asyncio.gather(*waiting)
        self._recommender.count(decided)
        return b"".join(results)

    def _results(
        self,
        start: int,
        advice: list[Advice | None],
        problems: list[FieldProblem],
        *,
        language: str,
        full: bool,
    ) -> list[bytes]:
        results = []
        for offset, one in enumerate(advice):
            index = start + offset
            if one is None:
                own = [problem for problem in problems if problem.index == offset]
                error = case_error(own, f"cases[{index}]")
                message = channel_router_pb2.RecommendBatchResult(index=index, error=error)
                results.append(field(1, message.SerializeToString()))
                continue
            head = channel_router_pb2.RecommendBatchResult(index=index).SerializeToString()
            body = self._answers.recommendation(one, language=language, full=full)
            results.append(field(1, head + field(_RECOMMENDATION, body)))
        return results

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

        # A failing reader (the peer has gone, bytes that do not parse) ends the stream through its own result.
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
        language, full = language_of(request.language), is_full(request.view)
        try:
            advice = await self._one(request.case)
        except InvalidRequest as error:
            message = case_error(list(error.problems), "")
            return channel_router_pb2.RecommendStreamResponse(error=message).SerializeToString()
        return field(1, self._answers.recommendation(advice, language=language, full=full))
