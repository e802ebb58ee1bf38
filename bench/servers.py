"""The service on other kinds of servers, for the comparison in ADR 3.

`python -m bench.servers` prints the table.

`asyncio` is the service as it is, on asyncio's own loop. `sync` calls the same decision, answers
and group commit from a pool of 64 threads; it lacks the edge (drain, limits, counts of calls), so
its figures flatter it a little. `forgetting` has no part in it: that one keeps no journal, and is
measured beside others' servers (`bench.serving_peers`).
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Collection, Sequence
from concurrent import futures
from dataclasses import replace
from pathlib import Path
from typing import Never

import grpc
import uvloop
from prometheus_client import CollectorRegistry

from bench.load import Load, free_port, h2load, median, pinned
from router.cases.message import encode
from router.cases.problems import FieldProblem
from router.commands.demo import plain_case
from router.files.acts import Acts
from router.journal.group_commit import GroupCommit
from router.journal.opening import open_journal
from router.journal.record import Record
from router.journal.stores.sqlite import SqliteJournal
from router.serving.callers.opening import access_of
from router.serving.feedback.metrics import FeedbackMetrics
from router.serving.live import Live, Loader
from router.serving.metrics import Metrics
from router.serving.requests import View, is_full, language_of
from router.serving.server import Parts, serve
from router.serving.settings import Address, Settings
from router.texts import load_texts
from router.v1 import channel_router_pb2
from router.v1.channel_router_pb2_grpc import (
    ChannelRouterServicer,
    add_ChannelRouterServicer_to_server,
)
from router.versions.listing import Listing

KINDS = ("uvloop", "asyncio", "sync")
RECOMMEND = "/router.v1.ChannelRouter/Recommend"
VIEWS = {"FULL": channel_router_pb2.VIEW_FULL, "BASIC": channel_router_pb2.VIEW_BASIC}
CALLS = 8_000
REPEATS = 3
THREADS = 64


def parts(port: str, journal: str) -> Parts:
    models, policies = Path("models"), Path("policies")
    metrics, texts = Metrics(CollectorRegistry()), load_texts()
    loader = Loader(models=models, policies=policies, trusted=None, texts=texts, metrics=metrics)
    settings = Settings(
        listen=Address.parse("listen", f"127.0.0.1:{port}"),
        metrics=Address.parse("metrics", f"127.0.0.1:{free_port()}"),
        models=models,
        policies=policies,
        journal=journal,
        reflection=False,
        max_in_flight=1024,
        grace_seconds=1.0,
    )
    return Parts(
        settings=settings,
        metrics=metrics,
        feedback_metrics=FeedbackMetrics(metrics.registry),
        live=Live(loader),
        store=open_journal(journal),
        texts=texts,
        listing=Listing(models),
        access=access_of(settings, metrics, Acts(None)),
    )


class Threaded(ChannelRouterServicer):
    """The same decision, answers and group commit, in a thread for each call."""

    def __init__(self, made: Parts) -> None:
        self._router = made.live.snapshot.national
        self._writer: GroupCommit[futures.Future[None]] = GroupCommit(
            made.store, set_results, observe=made.metrics
        )

    def Recommend(
        self, request: channel_router_pb2.RecommendRequest, context: grpc.ServicerContext
    ) -> channel_router_pb2.RecommendResponse:
        """Answers one case once its record is durable."""
        problems: list[FieldProblem] = []
        row = encode(request.case, problems)
        if problems:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, problems[0].description)
        advice, records = self._router.recommender.decide([row], [request.case.case_ref])
        ticket: futures.Future[None] = futures.Future()
        self._writer.submit(records, ticket)

        response = channel_router_pb2.RecommendResponse()
        language = language_of(request.language, self._router.language)
        view = View(language, is_full(request.view))
        self._router.writer.write(advice, [view], [response.recommendation])
        ticket.result()
        self._router.counts.count(advice, self._router.band)
        return response

    def RecommendBatch(self, request: object, context: object) -> Never:
        """Is not measured."""
        raise NotImplementedError

    def RecommendStream(self, request_iterator: object, context: object) -> Never:
        """Is not measured."""
        raise NotImplementedError

    def GetRecommendation(self, request: object, context: object) -> Never:
        """Is not measured."""
        raise NotImplementedError

    def ListRecommendations(self, request: object, context: object) -> Never:
        """Is not measured."""
        raise NotImplementedError


def set_results(
    tickets: list[futures.Future[None]], error: Exception | None, _: Collection[bytes]
) -> None:
    for ticket in tickets:
        if error is None:
            ticket.set_result(None)
        else:
            ticket.set_exception(error)


class Forgetting(SqliteJournal):
    """A journal that keeps nothing, to see what the rest costs; `serve` cannot be told so."""

    def write_batch(self, records: Sequence[Record]) -> Collection[bytes]:  # noqa: ARG002
        """Takes records, and nothing more."""
        return ()


def serve_threads(made: Parts) -> None:
    server = grpc.server(futures.ThreadPoolExecutor(THREADS))
    add_ChannelRouterServicer_to_server(Threaded(made), server)
    server.add_insecure_port(str(made.settings.listen))
    server.start()
    print("ready", flush=True)
    server.wait_for_termination()


def run(kind: str, port: str, journal: str) -> None:
    made = parts(port, journal)
    if kind == "forgetting":
        made = replace(made, store=Forgetting(journal.removeprefix("sqlite:///")))
    if kind == "sync":
        serve_threads(made)
        return

    async def serving() -> None:
        # Waits for either: a server that fails to start must not be waited for.
        task = asyncio.ensure_future(serve(made))
        async with grpc.aio.insecure_channel(str(made.settings.listen)) as channel:
            await asyncio.wait(
                {task, asyncio.ensure_future(channel.channel_ready())},
                return_when="FIRST_COMPLETED",
            )
        print("ready", flush=True)
        await task

    loop = uvloop.new_event_loop if kind != "asyncio" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(serving())


def main() -> None:
    """Prints the table, or is one of the servers in it."""
    parser = argparse.ArgumentParser(prog="python -m bench.servers", description=__doc__)
    words = ("KIND", "PORT", "JOURNAL")
    parser.add_argument("--serve", nargs=3, metavar=words, help="for its own use: one server")
    asked = parser.parse_args()
    if asked.serve is not None:
        run(*asked.serve)
        return
    print("| view | in flight | server | requests/s | p50 µs | p99 µs | p99.9 µs | of uvloop |")
    print("|---|---|---|---|---|---|---|---|")
    seen: dict[tuple[str, int, str], list[Load]] = {}
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name)
        # All kinds in each turn, so that a busy moment meets them all.
        for turn in range(REPEATS):
            for kind in KINDS:
                port = free_port()
                journal = f"sqlite:///{folder}/{turn}-{kind}.db"
                with pinned("bench.servers", "--serve", kind, str(port), journal, ready="ready"):
                    for view, number in VIEWS.items():
                        request = channel_router_pb2.RecommendRequest(
                            case=plain_case("c-7f3a91be"), view=number
                        )
                        data = request.SerializeToString()
                        # Warms up, and is not counted.
                        h2load(port, RECOMMEND, data, folder, in_flight=64, calls=500)
                        for many, calls in ((1, CALLS // 8), (64, CALLS)):
                            load = h2load(
                                port, RECOMMEND, data, folder, in_flight=many, calls=calls
                            )
                            seen.setdefault((view, many, kind), []).append(load)
    for (view, many, kind), loads in sorted(seen.items()):
        cells = " | ".join(
            f"{median(loads, figure):,.0f}" for figure in ("rate", "p50", "p99", "p999")
        )
        ratio = median(loads, "rate") / median(seen[view, many, "uvloop"], "rate")
        print(f"| {view} | {many} | {kind} | {cells} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
