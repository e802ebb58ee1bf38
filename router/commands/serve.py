"""`serve` and `health`; `demo` is declared here too, its work is in `demo.py`."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import wraps
from pathlib import Path
from typing import Literal, ParamSpec

import click
import uvloop
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from router.commands.options import AUDIT_LOG, DRAW_KEY, FILE, FOLDER, JOURNAL, MODELS, POLICIES
from router.decision.draws import Draws
from router.files.acts import Acts
from router.files.draw_key import kept_draw_key, read_draw_key
from router.journal.head_file import HeadFile
from router.journal.opening import file_of, journal_file, open_journal, open_to_read
from router.journal.record import JournalNotNamed
from router.journal.store import JournalStore
from router.serving.feedback.metrics import FeedbackMetrics
from router.serving.logs import set_up_logs
from router.serving.metrics import Metrics
from router.serving.settings import (
    Address,
    Settings,
    SettingsError,
    option_of,
    tls_files,
    token_source,
)
from router.serving.tracing import TRACES
from router.texts import load_texts
from router.versions.listing import Listing
from router.versions.trust import read_trusted_keys

_log = logging.getLogger(__name__)
_SWITCH_SECONDS = 0.001

P = ParamSpec("P")


def _told_as_given(command: Callable[P, None]) -> Callable[P, None]:
    """Has a setting that is refused named by its variable too, if its value came from there."""

    @wraps(command)
    def told(*args: P.args, **values: P.kwargs) -> None:
        try:
            command(*args, **values)
        except SettingsError as problem:
            variable = _variable(click.get_current_context(), option_of(problem.setting))
            raise SettingsError(problem.setting, problem.problem, variable=variable) from problem

    return told


def _variable(context: click.Context, option: str) -> str:
    """Gives the variable of the environment that gave an option its value; "" if none did."""
    for one in context.command.params:
        source = context.get_parameter_source(one.name or "")
        if option in one.opts and source is click.core.ParameterSource.ENVIRONMENT:
            names = [one.envvar] if isinstance(one.envvar, str) else one.envvar or ()
            return next((name for name in names if os.environ.get(name)), "")
    return ""


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
    default=16_384,
    envvar="ROUTER_MAX_IN_FLIGHT",
    show_default=True,
    help="Calls that are being answered; more are refused. Bounds memory.",
)
@click.option(
    "--max-connections",
    default=16_384,
    envvar="ROUTER_MAX_CONNECTIONS",
    show_default=True,
    help="Connections over gRPC, and as many over HTTP; of more, see docs/limits.md.",
)
@click.option(
    "--max-pending",
    default=16_384,
    envvar="ROUTER_MAX_PENDING",
    show_default=True,
    help="Calls that wait to be taken up; of more, gRPC's core cancels some at random.",
)
@click.option(
    "--max-pending-hard",
    default=16_384,
    envvar="ROUTER_MAX_PENDING_HARD",
    show_default=True,
    help="Of more than that, it cancels all.",
)
@click.option(
    "--queue-seconds",
    default=4,
    envvar="ROUTER_QUEUE_SECONDS",
    show_default=True,
    help="Longest wait to be taken up; who waits longer is cancelled by gRPC's core.",
)
@click.option(
    "--grace-seconds",
    default=4.0,
    envvar="ROUTER_GRACE_SECONDS",
    show_default=True,
    help="For calls in flight.",
)
@click.option(
    "--lame-duck-seconds",
    default=0.0,
    envvar="ROUTER_LAME_DUCK_SECONDS",
    show_default=True,
    help="Go on answering for so long after SIGTERM, while health says NOT_SERVING.",
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
    "--shadow",
    envvar="ROUTER_SHADOW",
    metavar="VERSION|rule",
    help="Ask this version, or today's rule, about every case too; it never answers.",
)
@click.option(
    "--model-expires-days",
    type=int,
    envvar="ROUTER_MODEL_EXPIRES_DAYS",
    help="After so many days since it was trained a model serves on, and says that it is old.",
)
@click.option(
    "--access-log",
    type=click.Choice(["off", "errors", "all"]),
    default="errors",
    envvar="ROUTER_ACCESS_LOG",
    show_default=True,
    help="Calls to log a line of: none, those that do not end OK, or all; at most 100 a second.",
)
@click.option(
    "--traces",
    default="",
    envvar="ROUTER_TRACES",
    help="Send traces to this OTLP/HTTP collector; needs the extra `traces`. Off by default.",
)
@click.option(
    "--tls-certificate",
    type=FILE,
    envvar="ROUTER_TLS_CERTIFICATE",
    help="Serve over TLS: the server's certificate and those above it, PEM.",
)
@click.option(
    "--tls-key", type=FILE, envvar="ROUTER_TLS_KEY", help="Its private key, PEM, no password."
)
@click.option(
    "--tls-client-ca",
    type=FILE,
    envvar="ROUTER_TLS_CLIENT_CA",
    help="Authorities of client certificates, PEM; every connection then needs one.",
)
@click.option(
    "--callers",
    type=FILE,
    envvar="ROUTER_CALLERS",
    help="Who may call what; callers.toml beside the policies, if that is there.",
)
@click.option(
    "--token-issuer",
    envvar=["ROUTER_TOKEN_ISSUER", "AZURE_OPENID_CONFIG_ISSUER"],
    help="Take bearer tokens of this issuer; needs the extra `tokens`.",
)
@click.option(
    "--token-audience",
    envvar=["ROUTER_TOKEN_AUDIENCE", "AZURE_APP_CLIENT_ID"],
    help="Whom they must be for.",
)
@click.option(
    "--token-jwks",
    envvar=["ROUTER_TOKEN_JWKS", "AZURE_OPENID_CONFIG_JWKS_URI"],
    help="The issuer's public keys: https://... or a file.",
)
@click.option(
    "--insecure-listen",
    is_flag=True,
    envvar="ROUTER_INSECURE_LISTEN",
    help="Let other machines call without TLS, or without a callers' file: behind a mesh alone.",
)
@AUDIT_LOG
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"]),
    default="INFO",
    envvar="ROUTER_LOG_LEVEL",
    show_default=True,
)
@_told_as_given
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
    max_connections: int,
    max_pending: int,
    max_pending_hard: int,
    queue_seconds: int,
    grace_seconds: float,
    lame_duck_seconds: float,
    reload_seconds: float,
    last_good: Path | None,
    draw_key: Path | None,
    head_file: Path | None,
    trust: tuple[Path, ...],
    shadow: str | None,
    model_expires_days: int | None,
    access_log: Literal["off", "errors", "all"],
    traces: str,
    tls_certificate: Path | None,
    tls_key: Path | None,
    tls_client_ca: Path | None,
    callers: Path | None,
    token_issuer: str | None,
    token_audience: str | None,
    token_jwks: str | None,
    insecure_listen: bool,
    audit_log: Path | None,
    log_level: str,
) -> None:
    """Serve over gRPC, with metrics for Prometheus."""
    # gRPC's core writes lines of its own to standard error, which no collector of JSON can read.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    settings = Settings(
        listen=Address.parse("listen", listen, unix=True),
        metrics=Address.parse("metrics", metrics),
        http=Address.parse("http", http) if http else None,
        http_origins=http_origins,
        models=models,
        policies=policies,
        journal=journal,
        reflection=reflection,
        max_in_flight=max_in_flight,
        max_connections=max_connections,
        max_pending=max_pending,
        max_pending_hard=max_pending_hard,
        queue_seconds=queue_seconds,
        grace_seconds=grace_seconds,
        lame_duck_seconds=lame_duck_seconds,
        reload_seconds=reload_seconds,
        trust=trust,
        shadow=shadow,
        model_expires_days=model_expires_days,
        access_log=access_log,
        traces=traces,
        insecure_listen=insecure_listen,
        tls=tls_files(tls_certificate, tls_key, tls_client_ca),
        callers=callers,
        tokens=token_source(token_issuer, token_audience, token_jwks),
        audit_log=audit_log,
    )

    # Imported here: gRPC is slow to load, and neither other commands nor a bad setting need it.
    from router.serving.callers.opening import access_of, tls_of
    from router.serving.live import Live, Loader
    from router.serving.server import Parts
    from router.serving.server import serve as run

    # Of its own, with what the library's global one would hold: tests make many in one process.
    registry = CollectorRegistry()
    set_up_logs(log_level, registry)
    # Until the loop takes it: a reload that comes too early must not end the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # When a series began is of no use here, and doubles what is scraped.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    counts, texts = Metrics(registry), load_texts()

    trusted = read_trusted_keys(trust) if trust else None
    acts = Acts(audit_log)
    with _drawn(draw_key, journal) as draws:
        loader = Loader(
            models=models,
            policies=policies,
            trusted=trusted,
            texts=texts,
            metrics=counts,
            last_good=last_good,
            shadow=shadow,
            expires_days=model_expires_days,
            acts=acts,
            draws=draws,
        )

        if file := journal_file(journal):
            counts.watch_disk(file)
        live, feedback = Live(loader), FeedbackMetrics(registry)
        feedback.offer(live.snapshot.catalogue.ids)
        access, tls = access_of(settings, counts, acts), tls_of(settings, counts)
        # After what is served was loaded: a bad model, policy, callers' file or certificate leaves
        # no empty journal behind, and none open.
        store, head = _open_checked(journal, head_file)
    parts = Parts(
        settings=settings,
        metrics=counts,
        feedback_metrics=feedback,
        live=live,
        store=store,
        head_file=head,
        texts=texts,
        listing=Listing(models, trusted, model_expires_days),
        access=access,
        tls=tls,
    )
    if traces:
        TRACES.begin(traces)
    # Plans, reloads and the journal run on threads beside the calls. By default a thread that
    # reckons in Python keeps the others waiting for 5 ms, each time that they come back.
    sys.setswitchinterval(_SWITCH_SECONDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(parts))


@contextmanager
def _drawn(draw_key: Path | None, url: str) -> Iterator[Draws]:
    """Gives the secret by which cases are drawn: that of the file named, or one by the journal.

    Beside a database there is no place that all its servers share: there it must be named. A new
    one is left by the journal only if the block, in which that is opened, does not fail.
    """
    place = file_of(url)
    if draw_key is not None or place is None:
        yield Draws(read_draw_key(draw_key) if draw_key else None)
        return

    # Else it would be the key that cannot be made.
    if not place.parent.is_dir():
        raise JournalNotNamed(f"journal: there is no folder {place.parent} for it; make it")
    beside, begun = place.with_name(f"{place.name}.draw-key"), not place.exists()
    key, new = kept_draw_key(beside)
    try:
        yield Draws(key)
    except BaseException:
        if new and begun:
            beside.unlink(missing_ok=True)
        raise
    if begun and not new:
        _log.warning(
            "journal %s was not there, though the key of its draws, %s, was: a new one is begun. "
            "If it was lost, stop, and restore it (`journal restore`); with --head-file a start "
            "without it is refused",
            place,
            beside.name,
        )


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


def _check_tls(
    tls_ca: Path | None, tls_name: str | None, tls_certificate: Path | None, tls_key: Path | None
) -> None:
    """Refuses options of TLS of which one is missing: gRPC ends the process for the lack of a key.

    Raises:
        SettingsError: naming what is missing.
    """
    if (tls_certificate is None) != (tls_key is None):
        missing = "tls_certificate" if tls_certificate is None else "tls_key"
        raise SettingsError(
            missing, "is missing; a caller has a certificate and its key: give both"
        )
    if tls_ca is None and (tls_certificate or tls_name):
        raise SettingsError(
            "tls_ca", "is missing; it says whose servers are trusted, and without it nothing is TLS"
        )


@click.command()
@click.option("--address", default="127.0.0.1:50051", envvar="ROUTER_LISTEN", help="Of the server.")
@click.option(
    "--service", default="router.v1.ChannelRouter", help="Name to ask for; empty for liveness."
)
@click.option(
    "--tls-ca",
    type=FILE,
    envvar="ROUTER_HEALTH_TLS_CA",
    help="Ask over TLS, of a server whose certificate one of these authorities signed, PEM.",
)
@click.option(
    "--tls-name",
    envvar="ROUTER_HEALTH_TLS_NAME",
    help="Name in the server's certificate, if it is not the address's.",
)
@click.option(
    "--tls-certificate",
    type=FILE,
    envvar="ROUTER_HEALTH_TLS_CERTIFICATE",
    help="Certificate of a caller, where the server wants one.",
)
@click.option("--tls-key", type=FILE, envvar="ROUTER_HEALTH_TLS_KEY", help="Its private key.")
@_told_as_given
def health(
    address: str,
    service: str,
    tls_ca: Path | None,
    tls_name: str | None,
    tls_certificate: Path | None,
    tls_key: Path | None,
) -> None:
    """Ask a server for its health; exit 1 unless it is serving."""
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    from router.commands.nearby import Trust, open_channel

    _check_tls(tls_ca, tls_name, tls_certificate, tls_key)
    trust = Trust.read(tls_ca, tls_name, tls_certificate, tls_key) if tls_ca else None
    # The probe shares the server's environment, and "any address" is nowhere to call.
    target = str(Address.parse("address", address, unix=True))
    target = target.replace("0.0.0.0", "127.0.0.1", 1)  # nosec B104
    with open_channel(target, trust) as channel:
        try:
            request = health_pb2.HealthCheckRequest(service=service)
            status = health_pb2_grpc.HealthStub(channel).Check(request, timeout=2).status
        except grpc.RpcError as error:
            raise click.ClickException(f"{target}: {error.code().name}") from None
    click.echo(health_pb2.HealthCheckResponse.ServingStatus.Name(status))
    if status != health_pb2.HealthCheckResponse.SERVING:
        sys.exit(1)
