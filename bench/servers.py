"""The service on other kinds of servers, for the comparison in ADR 3: `python -m bench.servers` prints the table.

`asyncio` is the service as it is, on asyncio's own loop. `sync` calls the same decision, answers
and group commit from a pool of 64 threads; it lacks the edge (drain, limits, counts of calls), so
its figures flatter it a little.
"""

import asyncio
import sys
import tempfile
from concurrent import futures
from pathlib import Path

import grpc
import uvloop
from prometheus_client import CollectorRegistry

from bench.load import Load, free_port, h2load, median, pinned
from router.cases.message import encode
from router.commands.demo import plain_case
from router.journal.group_commit import GroupCommit
from router.journal.opening import open_journal
from router.serving.feedback.metrics import FeedbackMetrics
from router.serving.messages import field
from router.serving.metrics import Metrics
from router.serving.panel import Loader, Panel
from router.serving.requests import is_full, language_of
from router.serving.server import Parts, serve
from router.serving.settings import Address, Settings
from router.texts import load_texts
from router.v1 import channel_router_pb2

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
        panel=Panel(loader),
        store=open_journal(journal),
        texts=texts,
    )


def serve_threads(made: Parts) -> None:
    desk = made.panel.current.national
    recommender, answers = desk.recommender, desk.answers

    def set_results(tickets: list[futures.Future[None]], error: Exception | None) -> None:
        for ticket in tickets:
            ticket.set_result(None) if error is None else ticket.set_exception(error)

    writer: GroupCommit[futures.Future[None]] = GroupCommit(
        made.store, set_results, observe=made.metrics
    )

    def recommend(data: bytes, context: grpc.ServicerContext) -> bytes:
        request = channel_router_pb2.RecommendRequest.FromString(data)
        problems: list = []
        row = encode(request.case, problems)
        if problems:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, problems[0].description)
        advice, records = recommender.decide([row], [request.case.case_ref])
        ticket: futures.Future[None] = futures.Future()
        writer.submit(records, ticket)
        [answer] = answers.recommendations(
            advice, [(language_of(request.language, desk.language), is_full(request.view))]
        )
        ticket.result()
        recommender.count(advice)
        return field(1, answer)

    handler = grpc.unary_unary_rpc_method_handler(recommend)
    generic = grpc.method_handlers_generic_handler(
        "router.v1.ChannelRouter", {"Recommend": handler}
    )
    server = grpc.server(futures.ThreadPoolExecutor(THREADS))
    server.add_generic_rpc_handlers((generic,))
    server.add_insecure_port(str(made.settings.listen))
    server.start()
    print("ready", flush=True)
    server.wait_for_termination()


def run(kind: str, port: str, journal: str) -> None:
    made = parts(port, journal)
    if kind == "sync":
        serve_threads(made)
        return

    async def serving() -> None:
        task = asyncio.ensure_future(serve(made))
        async with grpc.aio.insecure_channel(str(made.settings.listen)) as channel:
            await asyncio.wait(
                {task, asyncio.ensure_future(channel.channel_ready())},
                return_when="FIRST_COMPLETED",
            )
        print("ready", flush=True)
        await task

    loop = uvloop.new_event_loop if kind == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(serving())


def main() -> None:
    print("| view | in flight | server | requests/s | p50 µs | p99 µs | p99.9 µs | of uvloop |")
    print("|---|---|---|---|---|---|---|---|")
    seen: dict[tuple[str, int, str], list[Load]] = {}
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name)
        for turn in range(REPEATS):
            for kind in KINDS:
                port = free_port()
                journal = f"sqlite:///{folder}/{turn}-{kind}.db"
                with pinned("bench.servers", kind, str(port), journal, ready="ready"):
                    for view, number in VIEWS.items():
                        request = channel_router_pb2.RecommendRequest(
                            case=plain_case("c-7f3a91be"), view=number
                        )
                        data = request.SerializeToString()
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
    run(*sys.argv[1:]) if len(sys.argv) > 1 else main()
