"""The real service on a real PostgreSQL that is lost under load and comes back."""

import re
from collections.abc import Callable, Iterator

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from router.journal.opening import open_journal
from router.journal.verification import verify
from tests.e2e.callers import Callers, answered, refused
from tests.e2e.conftest import Server
from tests.postgres_server import PostgresServer, a_server

CALLERS = 8


@pytest.fixture
def database() -> Iterator[PostgresServer]:
    server = a_server(fsync=True)
    yield server
    server.remove()


def health(server: Server) -> str:
    request = health_pb2.HealthCheckRequest(service="router.v1.ChannelRouter")
    status = health_pb2_grpc.HealthStub(server.channel).Check(request, timeout=5).status
    name: str = health_pb2.HealthCheckResponse.ServingStatus.Name(status)
    return name


def journal_up(server: Server) -> str:
    found = re.search(r"^router_journal_up (\S+)$", server.scrape(), re.MULTILINE)
    assert found
    return found[1]


def test_a_lost_database_refuses_calls_and_loses_nothing_acknowledged(
    start_server: Callable[..., Server], database: PostgresServer
) -> None:
    server = start_server("--journal", database.url)
    assert (health(server), journal_up(server)) == ("SERVING", "1.0")
    callers = Callers(server.listen, CALLERS)
    try:
        callers.wait(answered, 200)
        database.stop("immediate")
        callers.wait(refused, 50)
        assert (health(server), journal_up(server)) == ("NOT_SERVING", "0.0")
        database.start()
        callers.wait(answered, 200)
        assert (health(server), journal_up(server)) == ("SERVING", "1.0")
    finally:
        answers = callers.stop()
    assert server.stop() == 0
    assert {answer.code for answer in answers} == {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}
    store = open_journal(database.url, create=False)
    kept = [stored.id.hex() for stored in store.read(kinds=("recommendation",))]
    verdict = verify(store)
    store.close()
    acknowledged = {answer.decision_id.replace("-", "") for answer in answers if answer.decision_id}
    assert acknowledged <= set(kept)
    assert len(kept) == len(set(kept))
    assert verdict.intact, verdict
