"""The asynchronous gRPC server: what it is made of, its services, how it starts and drains."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from router.journal.head_file import HeadFile
from router.journal.opening import file_of, open_to_read
from router.journal.record import JournalBroken, JournalNotNamed, JournalUnavailable
from router.journal.store import JournalReader, JournalStore
from router.policies.offices import OFFICES
from router.serving import reflection
from router.serving.access import AccessLog
from router.serving.admin import AdminPort, check_page, metrics_page
from router.serving.callers.access import Access
from router.serving.caseload.service import CaseloadPlannerService
from router.serving.core_calls import CoreCalls
from router.serving.durable import DurableJournal
from router.serving.edge import Edge
from router.serving.feedback.metrics import FeedbackMetrics
from router.serving.feedback.service import FeedbackService
from router.serving.following import Follower
from router.serving.health import HealthServicer
from router.serving.live import Live
from router.serving.metrics import Metrics
from router.serving.models_service import ModelsService
from router.serving.readiness import Readiness
from router.serving.routing.service import ChannelRouterService
from router.serving.settings import Address, Settings, SettingsError, cannot_listen
from router.serving.shadowing import Shadowing
from router.serving.tracing import TRACES
from router.texts import Texts
from router.v1 import (
    caseload_pb2,
    caseload_pb2_grpc,
    channel_router_pb2,
    channel_router_pb2_grpc,
    feedback_pb2,
    feedback_pb2_grpc,
    models_pb2,
    models_pb2_grpc,
)
from router.versions.listing import Listing

if TYPE_CHECKING:
    from router.serving.http.door import Door
    from router.serving.tls import Tls

_log = logging.getLogger(__name__)
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICES: tuple[ServiceDescriptor, ...] = tuple(
    file.DESCRIPTOR.services_by_name[name]
    for file, name in (
        (channel_router_pb2, "ChannelRouter"),
        (models_pb2, "Models"),
        (feedback_pb2, "Feedback"),
        (caseload_pb2, "CaseloadPlanner"),
    )
)
"""The contract's own services."""
NAMES = tuple(service.full_name for service in SERVICES)
_ROUTING, _, _FEEDBACK, _PLANNING = NAMES
# These write to the journal: while it cannot be written they are not ready.
_WRITING = (_ROUTING, _FEEDBACK, _PLANNING)
# PostgreSQL ends a statement after as long: what waits is written by then, or not at all.
_FLUSH_SECONDS = 5.0
# Models, policies, the journal and its readers, metrics, what Python itself has open.
_FILES_BESIDE = 512
# Between looks at how far the journal has come; what was written since the last one is known to the
# journal alone.
_HEAD_SECONDS = 5.0
# Calls leave hardly any cycles behind: looking for them every 700 objects took a tenth of the time.
_GC_THRESHOLDS = (50_000, 20, 50)
_MEBIBYTE = 1 << 20
_OPTIONS = (
    ("grpc.max_receive_message_length", _MEBIBYTE),
    ("grpc.max_metadata_size", 16 * 1024),
    # Strictly below what clients commonly set (10 s), so that none is sent away for too many pings.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # Connections end after a while so that clients look up new servers.
    ("grpc.max_connection_age_ms", 300_000),
    ("grpc.max_connection_age_grace_ms", 30_000),
    # A connection that does not get as far as HTTP/2 has no age: two minutes by default.
    ("grpc.server_handshake_timeout_ms", 20_000),
    # As many as may wait, so that a connection alone can have a large burst: callers whose library
    # has just heard of the end of one call begin the next before this side has forgotten it, and
    # would see UNAVAILABLE at a lower one.
    ("grpc.max_concurrent_streams", 16_384),
    # Else a second server on this port would start without an error, and share its calls.
    ("grpc.so_reuseport", 0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the server is made of."""

    settings: Settings
    metrics: Metrics
    feedback_metrics: FeedbackMetrics
    live: Live
    store: JournalStore
    texts: Mapping[str, Texts]
    listing: Listing
    access: Access
    head_file: HeadFile | None = None
    tls: Tls | None = None


async def serve(parts: Parts, stop: asyncio.Event | None = None) -> None:
    """Serves until SIGTERM, SIGINT or `stop`, then drains.

    It says NOT_SERVING, goes on for as long as balancers need to hear of it (a second signal ends
    that), finishes the calls in flight, and flushes the journal. SIGHUP reads everything anew.

    Raises:
        SettingsError: if an address cannot be listened on.
    """
    settings, metrics, live = parts.settings, parts.metrics, parts.live
    stop, hurry = stop or asyncio.Event(), asyncio.Event()
    looks = [live.refresh, parts.access.refresh, *([parts.tls.refresh] if parts.tls else ())]
    following = Follower([live.refresh_pointers], looks, settings.reload_seconds)
    _hear_signals(stop, hurry, following)

    edge = Edge(
        metrics,
        settings.max_in_flight,
        lambda: live.snapshot.national.texts,
        parts.access,
        AccessLog(settings.access_log),
    )
    metrics.registry.register(CoreCalls(lambda: edge.taken))
    server = _grpc_server(edge, settings)
    checks = HealthServicer()

    readiness = Readiness(metrics)
    journal = DurableJournal(parts.store, metrics, _ReadinessTeller(readiness, checks))
    feedback = FeedbackService(
        journal,
        parts.feedback_metrics,
        lambda office: live.snapshot.policies.of(office).minutes_per_week,
    )
    shadowing = Shadowing(journal, metrics.versions)
    _add_services(edge, parts, journal, feedback, shadowing, checks)

    # Listens before the loop has anything to wait for: a taken address is told at once.
    async with _closed_if_refused(journal):
        http = _http_door(edge, settings, parts.tls)
        admin = _admin_port(settings.metrics, readiness, metrics)
        listens = _listen(server, settings.listen, parts.tls)
    admin.begin()

    _permit_open_files(settings.max_connections * (2 if settings.http else 1))
    await server.start()
    if http:
        await http.begin()
    # Only once calls are taken: whoever asks for health sends them at once.
    for name in ("", *NAMES):
        await checks.set(name, _SERVING)
    readiness.serving = True
    _freeze_start_up_objects()

    following.begin()
    beating = asyncio.ensure_future(readiness.beat())
    noting = asyncio.ensure_future(_note_heads(parts))
    feedback.begin()
    _log.info(
        "serving",
        extra={
            "listen": listens,
            "tls": parts.tls is not None,
            "callers": parts.access.version or "everyone may call everything: there is no file",
            "metrics": str(admin.address),
            **({"http": str(http.address)} if http else {}),
            # Of a database nothing is repeated: its URL may hold a password.
            "journal": str(file_of(settings.journal) or "a PostgreSQL database"),
            "model_version": live.snapshot.model.info.version,
            "policy_version": live.snapshot.policies.national.version,
            "offices": len(live.snapshot.policies.offices),
            # With none, it shows whether they lie elsewhere.
            "offices_from": str(settings.policies / OFFICES),
        },
    )

    await stop.wait()
    readiness.serving = False
    await checks.enter_graceful_shutdown()
    await _go_on(settings.lame_duck_seconds, hurry)

    _log.info("draining")
    # In this order: nothing new comes in, calls end, then the journal that
    # they wait for; the metrics go last, so that the end can still be scraped.
    edge.draining = True
    following.end()
    noting.cancel()
    await feedback.end()
    # Who is refused with the reason that it stops asks elsewhere, or waits before it asks again.
    await edge.quiet(settings.grace_seconds / 4)
    await asyncio.gather(server.stop(settings.grace_seconds), *([http.end()] if http else ()))
    await shadowing.end()
    flushed = await journal.close(_FLUSH_SECONDS)
    beating.cancel()
    # What was written last; the store that wrote it is closed.
    await asyncio.to_thread(_note_last_head, parts)
    await asyncio.to_thread(TRACES.end)
    await asyncio.to_thread(admin.end)
    _log.info("stopped", extra={"journal_flushed": flushed})


def _permit_open_files(connections: int) -> None:
    """Lets the process have as many open files as connections ask for, if the system lets it.

    Many a system begins with 1,024, and lets a process raise that by itself. Where files run out,
    new connections wait, and changed policies are not read, until others have gone.
    """
    wanted = connections + _FILES_BESIDE
    now, at_most = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if now == unlimited or now >= wanted:
        return
    permitted = wanted if at_most == unlimited else min(wanted, at_most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (permitted, at_most))
    if permitted < wanted:
        _log.warning(
            "fewer files may be open than --max-connections asks for; raise the limit (nofile)",
            extra={"wanted": wanted, "permitted": permitted},
        )


def _overload_options(settings: Settings) -> tuple[tuple[str, int], ...]:
    """Gives how many calls may wait in gRPC's core, and how long.

    What comes on top it cancels, without a status that tells when to retry, but at a fraction of
    what a refusal in Python costs. By default all of a large burst may wait, but nobody so long
    that the five seconds of our own clients would be over by the time of the answer.
    """
    return (
        ("grpc.server.max_pending_requests", settings.max_pending),
        ("grpc.server.max_pending_requests_hard_limit", settings.max_pending_hard),
        ("grpc.server_max_unrequested_time_in_server", settings.queue_seconds),
        # Nothing else knows of the calls that it cancels.
        ("grpc.enable_channelz", 1),
    )


def _hear_signals(stop: asyncio.Event, hurry: asyncio.Event, following: Follower) -> None:
    """Has SIGTERM and SIGINT stop, a second one hurry, and SIGHUP look at the disk at once."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _ask_to_stop, stop, hurry)
    loop.add_signal_handler(signal.SIGHUP, following.look_now)


def _ask_to_stop(stop: asyncio.Event, hurry: asyncio.Event) -> None:
    (hurry if stop.is_set() else stop).set()


async def _go_on(seconds: float, hurry: asyncio.Event) -> None:
    """Goes on answering for as long as balancers need to hear that the server is not ready."""
    if not seconds:
        return
    _log.info("not ready any more; still answering")
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await hurry.wait()


class _ReadinessTeller:
    """Tells health when the journal begins or ceases to fail. Called on the running loop.

    The journal's writer has logged it, with the cause.
    """

    def __init__(self, readiness: Readiness, checks: HealthServicer) -> None:
        self._readiness = readiness
        self._checks = checks
        self._telling: set[asyncio.Task[None]] = set()  # a task that nobody holds may be dropped

    def __call__(self, up: bool) -> None:
        self._readiness.journal_up = up
        # While it stops, health has its last word already.
        if self._readiness.serving:
            task = asyncio.ensure_future(self._tell(_SERVING if up else _NOT_SERVING))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _tell(self, status: int) -> None:
        for name in _WRITING:
            await self._checks.set(name, status)


def _add_services(
    edge: Edge,
    parts: Parts,
    journal: DurableJournal,
    feedback: FeedbackService,
    shadowing: Shadowing,
    checks: HealthServicer,
) -> None:
    routing = ChannelRouterService(parts.live, journal, shadowing)
    models = ModelsService(parts.live, parts.texts, parts.listing)
    planning = CaseloadPlannerService(parts.live, journal)

    edge.add(channel_router_pb2_grpc.add_ChannelRouterServicer_to_server, routing)
    edge.add(models_pb2_grpc.add_ModelsServicer_to_server, models)
    edge.add(caseload_pb2_grpc.add_CaseloadPlannerServicer_to_server, planning)
    edge.add(feedback_pb2_grpc.add_FeedbackServicer_to_server, feedback, feedback.count_refused)
    edge.add(health_pb2_grpc.add_HealthServicer_to_server, checks)

    if parts.settings.reflection:
        told = reflection.servicer((*NAMES, health.SERVICE_NAME))
        edge.add(reflection.register, told)


def _listen(server: grpc.aio.Server, address: Address, tls: Tls | None) -> str:
    """Listens for gRPC, and gives where.

    Raises:
        SettingsError: if the address cannot be listened on.
    """
    with _closed_to_others():
        try:
            # A socket in the file system is guarded by its file: no certificate has its name.
            if tls is None or address.path:
                port = server.add_insecure_port(str(address))
            else:
                port = server.add_secure_port(str(address), tls.for_grpc())
        except RuntimeError:
            # gRPC says why in its own log at most.
            told = cannot_listen(address, "in use, or not an address of this host")
            raise SettingsError("listen", told) from None
    return str(address) if address.path else f"{address.host}:{port}"


@contextmanager
def _closed_to_others() -> Iterator[None]:
    """Makes a socket in the file system for its owner and group alone, from its first moment on."""
    before = os.umask(0o117)
    try:
        yield
    finally:
        os.umask(before)


def _grpc_server(edge: Edge, settings: Settings) -> grpc.aio.Server:
    server = grpc.aio.server(
        options=(
            *_OPTIONS,
            *_overload_options(settings),
            # One more is closed as it is opened: its caller sees UNAVAILABLE, and tries elsewhere.
            ("grpc.max_allowed_incoming_connections", settings.max_connections),
        )
    )
    server.add_generic_rpc_handlers((edge,))
    return server


@asynccontextmanager
async def _closed_if_refused(journal: DurableJournal) -> AsyncIterator[None]:
    """Closes the journal if the start is refused.

    Raises:
        SettingsError: if it is.
    """
    try:
        yield
    except SettingsError:
        # Else its log stays beside it, as of a server that runs or was killed.
        await journal.close(_FLUSH_SECONDS)
        raise


def _admin_port(address: Address, readiness: Readiness, metrics: Metrics) -> AdminPort:
    return AdminPort(
        address,
        {
            "/isalive": check_page(readiness.stuck),
            "/isready": check_page(readiness.unready),
            "/metrics": metrics_page(metrics.registry),
        },
    )


def _http_door(edge: Edge, settings: Settings, tls: Tls | None) -> Door | None:
    """Gives the door for HTTP, which needs libraries that others do without."""
    if settings.http is None:
        return None
    from router.serving.http.door import Door  # noqa: PLC0415

    return Door(
        edge,
        (*SERVICES, health_pb2.DESCRIPTOR.services_by_name["Health"]),
        address=settings.http,
        origins=settings.http_origins,
        max_in_flight=settings.max_in_flight,
        max_connections=settings.max_connections,
        grace_seconds=settings.grace_seconds,
        tls=tls,
    )


async def _note_heads(parts: Parts) -> None:
    """Tells how far the journal has come, and notes it outside, beside the calls."""
    while True:
        await asyncio.to_thread(_note_head, parts, parts.store)
        await asyncio.sleep(_HEAD_SECONDS)


def _note_last_head(parts: Parts) -> None:
    if parts.head_file is None:
        return
    try:
        with closing(open_to_read(parts.settings.journal)) as store:
            _note_head(parts, store)
    except (JournalBroken, JournalUnavailable) as problem:
        _log.error("the journal's last head could not be noted", extra={"problem": str(problem)})


def _note_head(parts: Parts, store: JournalReader) -> None:
    try:
        head = max(store.heads())
        parts.metrics.head.set(head.seq)
        if parts.head_file is not None:
            parts.head_file.note(head)
    # Of the journal its writer tells; that the head is not noted is for people to mend.
    except JournalUnavailable:
        return
    except (JournalBroken, JournalNotNamed) as problem:
        parts.metrics.head_failures.inc()
        _log.error("the journal's head could not be noted", extra={"problem": str(problem)})


def _freeze_start_up_objects() -> None:
    # First, so that garbage is not frozen with the rest.
    gc.collect()
    gc.freeze()  # what start-up made lives as long as the process
    gc.set_threshold(*_GC_THRESHOLDS)
