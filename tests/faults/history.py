"""A history of decisions, choices, erasures and exports while the server is killed, and a checker.

Everything that callers were told is written down with when it was asked and when it was told; at
the end, and all the while, what is read must agree with it.
"""

from __future__ import annotations

import csv
import random
import signal
import subprocess
import threading
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import grpc

from router.journal.opening import open_to_read
from router.v1 import channel_router_pb2, channel_router_pb2_grpc, feedback_pb2, feedback_pb2_grpc
from tests.builders import ROOT, a_case, a_catalogue
from tests.e2e.conftest import router_command
from tests.faults.fault import fault
from tests.faults.served import Served, kept_in

T = TypeVar("T")

CLIENTS = 3
CASES = 6
OPERATIONS = 30
# Of a case, so that a page holds them all.
DECISIONS_AT_MOST = 100
HEAVIEST = a_catalogue().ids[-1]
# A server that was killed is back within seconds: what is lost with it is asked again.
TRIES = 2000


@dataclass(slots=True)
class Decision:
    """What is known of a decision.

    Attributes:
        request: that asked for it.
        answer: first one, in bytes.
        id: of the decision.
        choices: request ids of choices that were acknowledged.
    """

    request: channel_router_pb2.RecommendRequest
    answer: bytes
    id: str
    choices: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Case:
    """A case, of one client alone, so that its operations have an order."""

    ref: str
    decisions: list[Decision] = field(default_factory=list)
    erased: list[Decision] = field(default_factory=list)


class Client:
    """One after the other, it does what a caller does, and checks what it is told."""

    def __init__(self, server: Served, seed: int) -> None:
        self._channel = server.channel()
        self._journal = server.journal
        self.router = channel_router_pb2_grpc.ChannelRouterStub(self._channel)
        self.feedback = feedback_pb2_grpc.FeedbackStub(self._channel)
        self._chance = random.Random(seed)
        self.cases = [Case(str(uuid.uuid4())) for _ in range(CASES)]
        self.done = self.again = 0
        self.progress = threading.Semaphore(0)
        self.wrong: list[str] = []

    def go_on(self, operations: int) -> None:
        """Does so many operations."""
        try:
            for _ in range(operations):
                case = self._chance.choice(self.cases)
                what = (self._decide, self._decide, self._repeat, self._choose, self._read)
                self._chance.choice(what)(case)
                self.done += 1
                self.progress.release()
        except (AssertionError, grpc.RpcError) as error:
            self.wrong.append(f"{type(error).__name__}: {error}")

    def erase(self) -> None:
        """Erases a case by the command; what is acknowledged as erased may never be seen again."""
        case = self._chance.choice(self.cases)
        words = ["--journal", self._journal, "--case", case.ref, "--yes"]
        ended = subprocess.run(
            router_command("journal", "erase", *words), cwd=ROOT, capture_output=True, check=False
        )
        if ended.returncode == 0:
            case.erased += case.decisions
            case.decisions = []
        else:
            # Nothing to erase; or it is not known what was.
            assert not case.decisions, ended.stderr.decode()

    def close(self) -> None:
        """Closes its connection."""
        self._channel.close()

    def _surely(self, call: Callable[[], T]) -> T:
        """Asks until it is answered: only then is it known what came of it."""
        for _ in range(TRIES):
            try:
                return call()
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
                self.again += 1
        raise AssertionError("the server did not come back")

    def _ask(self, request: channel_router_pb2.RecommendRequest) -> tuple[str, bytes]:
        answer = self._surely(
            lambda: self.router.Recommend(request, timeout=60, wait_for_ready=True)
        )
        return answer.recommendation.decision_id, answer.SerializeToString(deterministic=True)

    def _decide(self, case: Case) -> None:
        if len(case.decisions) == DECISIONS_AT_MOST:
            self._repeat(case)
            return
        request = channel_router_pb2.RecommendRequest(
            case=a_case(case_ref=case.ref), request_id=str(uuid.uuid4())
        )
        id_, answer = self._ask(request)
        case.decisions.append(Decision(request, answer, id_))

    def _repeat(self, case: Case) -> None:
        for decision in case.decisions[-2:]:
            assert self._ask(decision.request) == (decision.id, decision.answer), "another answer"

    def _choose(self, case: Case) -> None:
        if not case.decisions or case.decisions[-1].choices:
            return
        decision = case.decisions[-1]
        request = feedback_pb2.RecordChoiceRequest(
            request_id=str(uuid.uuid4()),
            decision_id=decision.id,
            mix_id=HEAVIEST,
            wished_by=feedback_pb2.WISHED_BY_BOTH,
        )
        self._surely(lambda: self.feedback.RecordChoice(request, timeout=60, wait_for_ready=True))
        decision.choices.append(request.request_id)

    def _read(self, case: Case) -> None:
        asked = channel_router_pb2.ListRecommendationsRequest(case_ref=case.ref, page_size=100)
        listed = self._surely(
            lambda: self.router.ListRecommendations(asked, timeout=60, wait_for_ready=True)
        )
        seen = {one.recommendation.decision_id for one in listed.recommendations}
        known = {one.id for one in case.decisions}
        assert seen == known, f"listed {len(seen)}, of {len(known)} that were acknowledged"
        for decision in case.erased[-2:]:
            read = channel_router_pb2.GetRecommendationRequest(decision_id=decision.id)
            try:
                self._surely(
                    lambda read=read: self.router.GetRecommendation(  # type: ignore[misc]
                        read, timeout=60, wait_for_ready=True
                    )
                )
                raise AssertionError("an erased decision is read")
            except grpc.RpcError as error:
                assert error.code() is grpc.StatusCode.NOT_FOUND, error.details()


@fault(
    row="21",
    done="{} rounds of 3 clients that decide, repeat, choose and read while the server is killed, "
    "between erasures and exports under load; every answer is checked against the history",
    passes="each request id is one decision with one answer, no acknowledged choice is lost, what "
    "was erased never appears again in reads or exports, the chain verifies",
    full=100,
    short=1,
)
def history(rounds: int, folder: Path) -> str:
    server = Served(folder)
    clients = [Client(server, seed) for seed in range(CLIENTS)]
    try:
        for number in range(rounds):
            threads = [
                threading.Thread(target=client.go_on, args=(OPERATIONS,)) for client in clients
            ]
            for thread in threads:
                thread.start()
            # In the middle of whatever they do then.
            for client in clients:
                for _ in range(OPERATIONS // 3):
                    assert client.progress.acquire(timeout=120), client.wrong
            server.again(signal.SIGKILL)
            for thread in threads:
                thread.join()
            # One client erases, the others go on; then all is exported.
            eraser = clients[number % CLIENTS]
            threads = [
                threading.Thread(target=client.go_on, args=(OPERATIONS // 3,))
                for client in clients
                if client is not eraser
            ]
            for thread in threads:
                thread.start()
            eraser.erase()
            exported(server.journal, folder / f"export-{number}.csv", clients, eraser)
            for thread in threads:
                thread.join()
            wrong = [one for client in clients for one in client.wrong]
            assert not wrong, wrong[:3]
    finally:
        for client in clients:
            client.close()
        server.end()
    decisions = [one for client in clients for case in client.cases for one in case.decisions]
    kept_in(server.journal, [one.id for one in decisions])
    choices = {uuid.UUID(id_).hex for one in decisions for id_ in one.choices}
    with closing(open_to_read(server.journal)) as store:
        kept = {one.id.hex() for one in store.read(kinds=("choice",))}
        ids = [one.id.hex() for one in store.read(kinds=("recommendation",)) if one.payload]
    assert choices <= kept, "a choice is lost"
    assert len(ids) == len(decisions), f"{len(ids)} decisions for {len(decisions)} requests"
    erased = sum(len(case.erased) for client in clients for case in client.cases)
    asked = sum(client.done for client in clients)
    return (
        f"{asked:,} operations, {sum(client.again for client in clients):,} asked again; "
        f"{len(decisions):,} decisions and {len(choices):,} choices stand, {erased:,} erased"
    )


def exported(journal: str, file: Path, clients: list[Client], eraser: Client) -> None:
    """Exports the journal, and checks that it holds what it must, and nothing that was erased."""
    # Of the others more is decided meanwhile; their erasures were before.
    must = {one.id for case in eraser.cases for one in case.decisions}
    gone = {one.id for client in clients for case in client.cases for one in case.erased}
    words = ["--journal", journal, "--to", str(file)]
    subprocess.run(
        router_command("journal", "export", *words), cwd=ROOT, capture_output=True, check=True
    )
    with file.open(newline="", encoding="utf-8") as lines:
        # Of what is erased a row stays, with nothing of the case in it.
        seen = {row["decision_id"] for row in csv.DictReader(lines) if row["case_ref"]}
    assert must <= seen, f"{len(must - seen)} decisions are not exported"
    assert not gone & seen, "an erased decision is exported"
