"""Command line and composition root: the only place that wires. `python -m router serve|score|demo|health|journal`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click
import uvloop
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from router.decision.catalogue import Catalogue
from router.decision.decide import Decider
from router.features import FEATURES
from router.journal.opening import open_journal
from router.journal.record import Head, JournalBroken, JournalUnavailable
from router.logs import set_up_logs
from router.metrics import Metrics
from router.mixes import load_catalogue
from router.policies import load_policy
from router.registry import ModelRefused, ModelVersion, load_model, promoted_version
from router.settings import Address, Settings
from router.texts import load_texts
from router.trust import read_trusted_keys

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)
_MODELS = click.option(
    "--models", type=_FOLDER, default="models", envvar="ROUTER_MODELS", show_default=True, help="Model versions."
)
_POLICIES = click.option(
    "--policies", type=_FOLDER, default="policies", envvar="ROUTER_POLICIES", show_default=True, help="Policies."
)
_JOURNAL = click.option(
    "--journal",
    default="sqlite:///journal.db",
    envvar="ROUTER_JOURNAL",
    show_default=True,
    help="Durable record: sqlite:///FILE.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Recommends a mix of digital self-service and personal follow-up for a case."""


def _load(folder: Path, policies: Path, trust: tuple[Path, ...] = ()) -> tuple[ModelVersion, Decider]:
    catalogue: Catalogue = load_catalogue(policies / "mixes.toml")
    policy = load_policy(policies / "national.toml", catalogue)
    model = load_model(folder, FEATURES, catalogue, read_trusted_keys(trust) if trust else None)
    decider = Decider(tables=model.tables, catalogue=catalogue, policy=policy)
    _ = decider.safeguards  # refuses a catalogue under which a safeguard would not be monotone
    return model, decider


@main.command()
@click.option("--listen", default="127.0.0.1:50051", envvar="ROUTER_LISTEN", show_default=True, help="gRPC address.")
@click.option(
    "--metrics", default="127.0.0.1:9464", envvar="ROUTER_METRICS", show_default=True, help="Prometheus address."
)
@_MODELS
@_POLICIES
@_JOURNAL
@click.option("--reflection/--no-reflection", default=True, envvar="ROUTER_REFLECTION", help="Serve gRPC reflection.")
@click.option(
    "--max-in-flight", default=1024, envvar="ROUTER_MAX_IN_FLIGHT", show_default=True, help="More are refused."
)
@click.option(
    "--grace-seconds", default=4.0, envvar="ROUTER_GRACE_SECONDS", show_default=True, help="For calls in flight."
)
@click.option(
    "--trust",
    type=_FILE,
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
    models: Path,
    policies: Path,
    journal: str,
    reflection: bool,
    max_in_flight: int,
    grace_seconds: float,
    trust: tuple[Path, ...],
    log_level: str,
) -> None:
    """Serve over gRPC, with metrics for Prometheus."""
    from router.serving.recommender import Recommender
    from router.serving.server import Parts
    from router.serving.server import serve as run

    settings = Settings(
        listen=Address.parse("listen", listen),
        metrics=Address.parse("metrics", metrics),
        models=models,
        policies=policies,
        journal=journal,
        reflection=reflection,
        max_in_flight=max_in_flight,
        grace_seconds=grace_seconds,
        trust=trust,
    )
    set_up_logs(log_level)
    model, decider = _load(models / promoted_version(models), policies, trust)
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    counts = Metrics(registry)
    counts.serve_model(model.info)
    parts = Parts(
        settings=settings,
        metrics=counts,
        recommender=Recommender(model, decider, counts),
        store=open_journal(journal),
        texts=load_texts(),
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(parts))


@main.command()
@click.option("--cases", type=_FILE, required=True, help="Cases to score: Parquet or CSV.")
@click.option("--out", type=_FILE, required=True, help="Scored: Parquet or CSV.")
@click.option("--model", type=_FOLDER, help="Model version's folder; the promoted one if not given.")
@_MODELS
@_POLICIES
def score(cases: Path, out: Path, model: Path | None, models: Path, policies: Path) -> None:
    """Score a file of cases."""
    from router.bulk import score_file

    _, decider = _load(model or models / promoted_version(models), policies)
    count = score_file(cases, out, decider)
    click.echo(f"{count} cases scored to {out}")


@main.command()
@_MODELS
@_POLICIES
def demo(models: Path, policies: Path) -> None:
    """Start a server, route a sample caseload over real gRPC, show answers and metrics."""
    from router.demo import run_demo

    run_demo(models, policies)


@main.command()
@click.option("--address", default="127.0.0.1:50051", envvar="ROUTER_LISTEN", help="Of the server.")
@click.option("--service", default="router.v1.ChannelRouter", help="Name to ask for; empty for liveness.")
def health(address: str, service: str) -> None:
    """Ask a server for its health; exit 1 unless it is serving."""
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    target = str(Address.parse("address", address)).replace("0.0.0.0", "127.0.0.1", 1)
    with grpc.insecure_channel(target) as channel:
        try:
            request = health_pb2.HealthCheckRequest(service=service)
            status = health_pb2_grpc.HealthStub(channel).Check(request, timeout=2).status
        except grpc.RpcError as error:
            raise click.ClickException(f"{target}: {error.code().name}") from None
    click.echo(health_pb2.HealthCheckResponse.ServingStatus.Name(status))
    if status != health_pb2.HealthCheckResponse.SERVING:
        sys.exit(1)


@main.group()
def journal() -> None:
    """Verify or export the journal."""


@journal.command("verify")
@_JOURNAL
@click.option("--head", help="A head noted earlier, SEQ:HEX; detects records cut off since.")
def journal_verify(journal: str, head: str | None) -> None:
    """Verify the hash chain; exit 1 if it is broken."""
    from router.journal.chain import verify

    store = open_journal(journal, create=False)
    verdict = verify(store, Head.parse(head) if head else None)
    click.echo(f"{verdict.records} records, {verdict.erased} erased, head {verdict.head}")
    if not verdict.intact:
        raise click.ClickException(f"the chain is broken at record {verdict.broken_seq}: {verdict.reason}")
    click.echo("the chain is intact")


@journal.command("export")
@_JOURNAL
@click.option("--to", type=_FILE, required=True, help="Parquet or CSV.")
def journal_export(journal: str, to: Path) -> None:
    """Export recommendations to a file."""
    from router.journal.export import export

    click.echo(f"{export(open_journal(journal, create=False), to)} records exported to {to}")


def run() -> None:
    """Runs the command line; what an operator can mend is one clear line and exit code 2."""
    try:
        main(standalone_mode=True, prog_name="python -m router")
    except (ValueError, OSError, ModelRefused, JournalUnavailable, JournalBroken) as problem:
        click.echo(f"error: {problem}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    run()
