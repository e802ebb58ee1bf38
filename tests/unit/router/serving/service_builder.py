"""A server in this process with the services that advise, over real gRPC and a real journal."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2
from prometheus_client import CollectorRegistry

from router.decision.draws import Draws
from router.journal.opening import open_journal
from router.journal.store import JournalStore
from router.serving.caseload.service import CaseloadPlannerService
from router.serving.durable import DurableJournal
from router.serving.edge import Edge
from router.serving.live import Live, Loader
from router.serving.metrics import Metrics
from router.serving.models_service import ModelsService
from router.serving.routing.service import ChannelRouterService
from router.serving.shadowing import Shadowing
from router.texts import load_texts
from router.v1 import (
    case_pb2,
    caseload_pb2,
    caseload_pb2_grpc,
    channel_router_pb2,
    channel_router_pb2_grpc,
    models_pb2_grpc,
    recommendation_pb2,
)
from router.versions.listing import Listing
from router.versions.trust import TrustedKeys
from tests import event_loop
from tests.builders import ROOT

FULL = channel_router_pb2.VIEW_FULL
# Half of the cases of this office have their advice withheld, for good or for a while.
WITHHOLDS = "minutes_per_week = 9000\n[disclosure]\ncontrol = 0.25\nafter_own_view = 0.25\n"


@dataclass
class Service:
    """One server, and what a client has of it."""

    channel: grpc.Channel
    registry: CollectorRegistry
    store: JournalStore
    live: Live

    @property
    def router(self) -> channel_router_pb2_grpc.ChannelRouterStub:
        return channel_router_pb2_grpc.ChannelRouterStub(self.channel)

    @property
    def models(self) -> models_pb2_grpc.ModelsStub:
        return models_pb2_grpc.ModelsStub(self.channel)

    def ask(self, case: case_pb2.Case, **options: Any) -> recommendation_pb2.Recommendation:
        request = channel_router_pb2.RecommendRequest(case=case, **options)
        return self.router.Recommend(request, timeout=10).recommendation

    def plan(
        self, *parts: caseload_pb2.PlanCaseloadRequest
    ) -> tuple[caseload_pb2.CaseloadPlan, list[caseload_pb2.PlannedCase]]:
        stub = caseload_pb2_grpc.CaseloadPlannerStub(self.channel)
        first, *rest = stub.PlanCaseload(iter(parts), timeout=30)
        return first.plan, [case for answer in rest for case in answer.cases.cases]

    def value(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


def a_plan_of(
    cases: Iterable[case_pb2.Case], office: str = "", hours: float | None = None
) -> list[caseload_pb2.PlanCaseloadRequest]:
    """Gives the messages that ask for a plan."""
    part = caseload_pb2.PlanCaseloadRequest
    return [
        part(header=caseload_pb2.PlanHeader(office_ref=office, hours=hours)),
        part(cases=caseload_pb2.CaseChunk(cases=cases)),
    ]


def status_in(error: grpc.RpcError) -> status_pb2.Status:
    """Reads the google.rpc.Status that an error carries."""
    trailers: Any = error.trailing_metadata()
    return status_pb2.Status.FromString(dict(trailers or ())["grpc-status-details-bin"])


def violations(status: status_pb2.Status) -> dict[str, str]:
    """Reads what is told of each field."""
    bad = error_details_pb2.BadRequest()
    (detail,) = (one for one in status.details if one.Is(bad.DESCRIPTOR))
    detail.Unpack(bad)
    return {one.field: one.description for one in bad.field_violations}


@contextmanager
def a_service(
    folder: Path,
    models: Path = ROOT / "models",
    *,
    told_together: int = 1,
    shadow: str | None = None,
    expires_days: int | None = None,
    trusted: TrustedKeys | None = None,
    **offices: str,
) -> Iterator[Service]:
    """Serves, from a thread of its own until the block ends.

    Args:
        folder: for the journal and the policies.
        models: the folder of versions.
        told_together: cases that metrics tell of at once.
        shadow: what is asked beside, as `serve --shadow`.
        expires_days: after which a version expires.
        trusted: whose versions are served.
        offices: policies of further offices, by reference, beside those that the project ships.
    """
    policies = folder / "policies"
    shutil.copytree(ROOT / "policies", policies)
    # As shipped, no office may withhold as much as a test needs.
    national = policies / "national.toml"
    national.write_text(
        national.read_text().replace("control = [0.0, 0.1]", "control = [0.0, 0.5]")
    )
    for office, own in offices.items():
        (policies / "offices" / f"{office}.toml").write_text(own)

    registry, texts = CollectorRegistry(), load_texts()
    metrics = Metrics(registry, told_together=told_together)
    store = open_journal(f"sqlite:///{folder / 'journal.db'}")
    live = Live(
        Loader(
            models=models,
            policies=policies,
            trusted=trusted,
            texts=texts,
            metrics=metrics,
            shadow=shadow,
            expires_days=expires_days,
            draws=Draws(b"a key of sixteen"),
        )
    )

    async def begin() -> tuple[grpc.aio.Server, DurableJournal, Shadowing, int]:
        edge = Edge(metrics, 100, lambda: live.snapshot.national.texts)
        durable = DurableJournal(store, metrics, lambda _: None)
        shadowing = Shadowing(durable, metrics.versions)
        edge.add(
            channel_router_pb2_grpc.add_ChannelRouterServicer_to_server,
            ChannelRouterService(live, durable, shadowing),
        )
        edge.add(
            caseload_pb2_grpc.add_CaseloadPlannerServicer_to_server,
            CaseloadPlannerService(live, durable),
        )
        edge.add(
            models_pb2_grpc.add_ModelsServicer_to_server,
            ModelsService(live, texts, Listing(models, trusted, expires_days)),
        )
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((edge,))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        return server, durable, shadowing, port

    server, durable, shadowing, port = event_loop.run(begin())

    async def end() -> None:
        await server.stop(None)
        await shadowing.end()
        await durable.close(5)

    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Service(channel, registry, store, live)
    finally:
        event_loop.run(end())
