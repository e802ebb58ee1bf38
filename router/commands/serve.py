"""`serve` and `health`; `demo` is declared here too, its work is in `demo.py`."""

from __future__ import annotations

import asyncio
import sys
from contextlib import closing
from pathlib import Path

import click
import uvloop
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from router.commands.options import DRAW_KEY, FILE, FOLDER, JOURNAL, MODELS, POLICIES
from router.decision.draws import Draws
from router.files.draw_key import kept_draw_key, read_draw_key
from router.journal.head_file import HeadFile
from router.journal.opening import file_of, open_journal, open_to_read
from router.journal.store import JournalStore
from router.serving.feedback.metrics import FeedbackMetrics
from router.serving.logs import set_up_logs
from router.serving.metrics import Metrics
from router.serving.settings import Address, Settings
from router.texts import load_texts
from router.versions.trust import read_trusted_keys


@click.command()
@click.option(
    "--listen",
    default="127.0.0.1:50051",
    envvar="ROUTER_LISTEN",
    show_default=True,
    help="gRPC address.",
)
@click.option(
    "--metrics",
    default="127.0.0.1:9464",
    envvar="ROUTER_METRICS",
    show_default=True,
    help="Prometheus address.",
)
@click.option(
    "--http",
    envvar="ROUTER_HTTP",
    help="Also serve JSON over HTTP, on this address; needs the extra `http`. Off by default.",
)
@click.option(
    "--http-origin",
    "http_origins",
    multiple=True,
    envvar="ROUTER_HTTP_ORIGIN",
    help="Origin whose pages may call over HTTP, such as https://cases.example.org.",
)
@MODELS
@POLICIES
@JOURNAL
@click.option(
    "--reflection/--no-reflection",
    default=True,
    envvar="ROUTER_REFLECTION",
    help="Serve gRPC reflection.",
)
@click.option(
    "--max-in-flight",
    default=1024,
    envvar="ROUTER_MAX_IN_FLIGHT",
    show_default=True,
    help="More are refused.",
)
@click.option(
    "--grace-seconds",
    default=4.0,
    envvar="ROUTER_GRACE_SECONDS",
    show_default=True,
    help="For calls in flight.",
)
@click.option(
    "--reload-seconds",
    default=2.0,
    envvar="ROUTER_RELOAD_SECONDS",
    show_default=True,
    help="Between looks for changed policies or another promoted model.",
)
@click.option(
    "--last-good",
    type=FOLDER,
    envvar="ROUTER_LAST_GOOD",
    help="Folder for copies of offices' good policies, which stand in after a restart too.",
)
@DRAW_KEY
@click.option(
    "--head-file",
    type=FILE,
    envvar="ROUTER_HEAD_FILE",
    help="File on another disk in which the journal's head is kept, and checked at start.",
)
@click.option(
    "--trust",
    type=FILE,
    multiple=True,
    envvar="ROUTER_TRUST",
    help="Public key, PEM; serve only versions signed by one of these.",
)
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"]),
    default="INFO",
    envvar="ROUTER_LOG_LEVEL",
    show_default=True,
)
def serve(
    listen: str,
    metrics: str,
    http: str | None,
    http_origins: tuple[str, ...],
    models: Path,
    policies: Path,
    journal: str,
    reflection: bool,
    max_in_flight: int,
    grace_seconds: float,
    reload_seconds: float,
    last_good: Path | None,
    draw_key: Path | None,
    head_file: Path | None,
    trust: tuple[Path, ...],
    log_level: str,
) -> None:
    """Serve over gRPC, with metrics for Prometheus."""
    # Imported here: gRPC is slow to load, and the other commands do without.
    from router.serving.live import Live, Loader
    from router.serving.server import Parts
    from router.serving.server import serve as run

    settings = Settings(
        listen=Address.parse("listen", listen),
        metrics=Address.parse("metrics", metrics),
        http=Address.parse("http", http) if http else None,
        http_origins=http_origins,
        models=models,
        policies=policies,
        journal=journal,
        reflection=reflection,
        max_in_flight=max_in_flight,
        grace_seconds=grace_seconds,
        reload_seconds=reload_seconds,
        trust=trust,
    )

    set_up_logs(log_level)
    # Of its own, with what the library's global one would hold: tests make many in one process.
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    counts, texts = Metrics(registry), load_texts()

    trusted = read_trusted_keys(trust) if trust else None
    loader = Loader(
        models=models,
        policies=policies,
        trusted=trusted,
        texts=texts,
        metrics=counts,
        last_good=last_good,
        draws=_draws(draw_key, journal),
    )

    # After what is served was loaded: a bad model or policy leaves no empty journal behind.
    store, head = _open_checked(journal, head_file)
    parts = Parts(
        settings=settings,
        metrics=counts,
        feedback_metrics=FeedbackMetrics(registry),
        live=Live(loader),
        store=store,
        head_file=head,
        texts=texts,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(parts))


def _draws(draw_key: Path | None, url: str) -> Draws:
    """Gives the secret by which cases are drawn: that of the file named, or one by the journal.

    Beside a database there is no place that all its servers share: there it must be named.
    """
    if draw_key is not None:
        return Draws(read_draw_key(draw_key))
    place = file_of(url)
    if place is None:
        return Draws()
    beside = place.with_name(f"{place.name}.draw-key")
    return Draws(kept_draw_key(beside)[0])


def _open_checked(url: str, head_file: Path | None) -> tuple[JournalStore, HeadFile | None]:
    """Opens the journal; refuses one that does not hold the head that was noted."""
    if head_file is None:
        return open_journal(url), None
    head = HeadFile(head_file)
    # Before it is opened to write: a journal that is lost is not made anew.
    if head.exists():
        with head.refusing_missing(), closing(open_to_read(url)) as reader:
            head.check(reader)
    store = open_journal(url)
    try:
        # Now rather than in the first minute of traffic, if it cannot be written.
        head.note(max(store.heads()))
    except BaseException:
        store.close()
        raise
    return store, head


@click.command()
@MODELS
@POLICIES
def demo(models: Path, policies: Path) -> None:
    """Start a server, route a sample caseload over real gRPC, show answers and metrics."""
    from router.commands.demo import run_demo

    run_demo(models, policies)


@click.command()
@click.option("--address", default="127.0.0.1:50051", envvar="ROUTER_LISTEN", help="Of the server.")
@click.option(
    "--service", default="router.v1.ChannelRouter", help="Name to ask for; empty for liveness."
)
def health(address: str, service: str) -> None:
    """Ask a server for its health; exit 1 unless it is serving."""
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    from router.commands.nearby import open_channel

    # The probe shares the server's environment, and "any address" is nowhere to call.
    target = str(Address.parse("address", address)).replace("0.0.0.0", "127.0.0.1", 1)
    with open_channel(target) as channel:
        try:
            request = health_pb2.HealthCheckRequest(service=service)
            status = health_pb2_grpc.HealthStub(channel).Check(request, timeout=2).status
        except grpc.RpcError as error:
            raise click.ClickException(f"{target}: {error.code().name}") from None
    click.echo(health_pb2.HealthCheckResponse.ServingStatus.Name(status))
    if status != health_pb2.HealthCheckResponse.SERVING:
        sys.exit(1)
