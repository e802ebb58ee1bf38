"""A Feedback service behind a real gRPC server, on a real journal, and decisions to answer."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2
from prometheus_client import CollectorRegistry

from router.journal.feedback import WITHHELD
from router.journal.opening import open_journal
from router.journal.recommendation import SHOWN
from router.journal.record import Record
from router.journal.store import JournalStore
from router.serving.durable import DurableJournal
from router.serving.edge import Edge
from router.serving.feedback.metrics import FeedbackMetrics
from router.serving.feedback.service import FeedbackService
from router.serving.metrics import Metrics
from router.texts import load_texts
from router.v1 import feedback_pb2 as pb
from router.v1 import feedback_pb2_grpc, recommendation_pb2
from tests import event_loop
from tests.builders import a_catalogue, a_reading, a_recorded_recommendation

CATALOGUE = a_catalogue()
MIXES = CATALOGUE.ids
DECIDED = datetime(2026, 11, 25, 12, tzinfo=UTC)
OFFICES = {"office-small": 3_000.0, "office-large": 60_000.0}
READING = a_reading()


def microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


@dataclass
class Desk:
    """One server on a journal, and the clock that it reads."""

    store: JournalStore
    registry: CollectorRegistry
    channel: grpc.Channel
    listen: str = ""
    # An hour after the decision: nothing is told before it was decided.
    now: int = microseconds(DECIDED) + 3_600_000_000

    @contextmanager
    def later(self, by: int) -> Iterator[None]:
        """Moves the clock inside, by microseconds."""
        self.now += by
        yield
        self.now -= by

    @property
    def feedback(self) -> feedback_pb2_grpc.FeedbackStub:
        return feedback_pb2_grpc.FeedbackStub(self.channel)

    def decide(
        self,
        mix: str | None = "BLENDED_VIDEO",
        *,
        lightest: str = "SELF_SERVICE",
        disclosure: str = SHOWN,
        office: str = "",
        status: str = "RECOMMENDED",
    ) -> str:
        """Writes a recommendation, and beside it what is withheld; its decision id."""
        columns: dict[str, int] = {"status": READING.statuses.index(status)}
        if mix is not None:
            columns["mix"] = MIXES.index(mix)
            # A bit for each mix, from the lightest permitted on.
            columns["permitted"] = sum(1 << at for at in range(MIXES.index(lightest), len(MIXES)))
        case_ref = "" if mix is None else "case-1"
        at = microseconds(DECIDED)
        recorded = a_recorded_recommendation(
            READING, case_ref, office, disclosure, at=at, **columns
        )
        decision, records = uuid.UUID(bytes=recorded.id), [recorded]
        if disclosure == "AFTER_OWN_VIEW":
            advice = recommendation_pb2.Recommendation(decision_id=str(decision), notice="advice")
            payload = advice.SerializeToString()
            own, about = uuid.uuid4().bytes, decision.bytes
            records.append(Record(own, WITHHELD, recorded.context, payload, at, about, WITHHELD))
        self.store.write_batch(records)
        return str(decision)

    def choose(
        self, decision: str, mix: str = "BLENDED_VIDEO", **options: Any
    ) -> pb.RecordChoiceResponse:
        usual: dict[str, Any] = {"request_id": an_id(), "wished_by": pb.WISHED_BY_BOTH}
        values = usual | {"mix_id": mix} | options
        request = pb.RecordChoiceRequest(decision_id=decision, **values)
        return self.feedback.RecordChoice(request, timeout=5)

    def came(self, decision: str, **options: Any) -> pb.RecordOutcomeResponse:
        values = {"request_id": an_id(), "observed_on": "2026-11-25"} | options
        if "goal_reached" not in values:
            values = {"outcome": 1.0} | values
        request = pb.RecordOutcomeRequest(decision_id=decision, **values)
        return self.feedback.RecordOutcome(request, timeout=5)

    def value(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0

    def kinds(self, decision: str) -> list[str]:
        """Gives the kinds of the records about a decision, in the chain's order."""
        return [record.kind for record in self.store.about(uuid.UUID(decision).bytes)]


def an_id() -> str:
    return str(uuid.uuid4())


def details(error: grpc.RpcError) -> dict[str, str]:
    """Reads field violations by field; the ErrorInfo's metadata, and its reason as "why"."""
    trailers: Any = error.trailing_metadata()
    packed = dict(trailers or ()).get("grpc-status-details-bin", b"")
    status = status_pb2.Status.FromString(packed)
    found: dict[str, str] = {}
    for detail in status.details:
        bad, info = error_details_pb2.BadRequest(), error_details_pb2.ErrorInfo()
        if detail.Unpack(bad):
            found |= {violation.field: violation.description for violation in bad.field_violations}
        elif detail.Unpack(info):
            found |= {"why": info.reason, **info.metadata}
    return found


@contextmanager
def a_desk(journal: Path | str) -> Iterator[Desk]:
    """Serves Feedback on a journal's file or URL, until the block ends."""
    url = f"sqlite:///{journal}" if isinstance(journal, Path) else journal
    store, registry = open_journal(url), CollectorRegistry()
    # The channel follows once the server listens.
    desk = Desk(store, registry, None)  # type: ignore[arg-type] # see above

    async def begin() -> tuple[grpc.aio.Server, DurableJournal, FeedbackService, int]:
        metrics = Metrics(registry)
        edge = Edge(metrics, 100, lambda: load_texts()["nb"])
        durable = DurableJournal(store, metrics, lambda _: None)
        counts = FeedbackMetrics(registry, told_together=1)
        service = FeedbackService(durable, counts, OFFICES.get, lambda: desk.now)
        edge.add(feedback_pb2_grpc.add_FeedbackServicer_to_server, service, service.count_refused)
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((edge,))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        service.begin()
        return server, durable, service, port

    server, durable, service, port = event_loop.run(begin())

    async def end() -> None:
        await service.end()
        await server.stop(None)
        await durable.close(5)

    desk.listen = f"127.0.0.1:{port}"
    try:
        with grpc.insecure_channel(desk.listen) as channel:
            desk.channel = channel
            yield desk
    finally:
        event_loop.run(end())
