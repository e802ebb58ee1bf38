"""A clock that jumps ahead and back."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import grpc

from router.v1 import channel_router_pb2, channel_router_pb2_grpc, feedback_pb2, feedback_pb2_grpc
from tests.builders import a_case, a_catalogue
from tests.e2e.callers import REQUEST
from tests.faults.fault import fault
from tests.faults.served import Served, kept_in
from tests.faults.shim import Below

HOUR = 3600
JUMPS = (2 * HOUR, 0, -2 * HOUR, 0, HOUR, -HOUR, 26 * HOUR, -26 * HOUR, 0)
CALLS = 10
HEAVIEST = a_catalogue().ids[-1]


@fault(
    row="13",
    done="the server's clock set 2 h ahead, 2 h back, a day ahead and a day back, {} rounds of 9 "
    "jumps between decisions, choices and repeated requests",
    passes="no failed call: what was decided in the future is found, chosen on and repeated in the "
    "past; ids never go back, no decision twice, the chain verifies, no latency is negative",
    full=20,
    short=1,
)
def clock_jumps(rounds: int, folder: Path) -> str:
    below = Below(folder)
    server = Served(folder, env=below.env)
    asked: list[tuple[channel_router_pb2.RecommendRequest, bytes]] = []
    decisions: list[str] = []
    made: list[str] = []
    channel = server.channel()
    try:
        router = channel_router_pb2_grpc.ChannelRouterStub(channel)
        feedback = feedback_pb2_grpc.FeedbackStub(channel)
        for jump in JUMPS * rounds:
            below.fail(clock=jump)
            # What was decided before the jump, on whichever side of now.
            if asked:
                request, first = asked[-1]
                again = router.Recommend(request, timeout=20).SerializeToString()
                assert again == first, (
                    f"another answer after a jump to {jump} s: {again!r} {first!r}"
                )
                read = channel_router_pb2.GetRecommendationRequest(decision_id=decisions[-1])
                router.GetRecommendation(read, timeout=20)
                chosen(feedback, decisions[-1])
            for _ in range(CALLS):
                request = channel_router_pb2.RecommendRequest(
                    case=a_case(case_ref=str(uuid.uuid4())), request_id=str(uuid.uuid4())
                )
                answer = router.Recommend(request, timeout=20)
                asked.append((request, answer.SerializeToString()))
                decisions.append(answer.recommendation.decision_id)
            # Without an id of the caller's own the server makes one: a UUIDv7, whose first 48 bits
            # are milliseconds.
            made.append(router.Recommend(REQUEST, timeout=20).recommendation.decision_id)
            its_time = (uuid.UUID(made[-1]).int >> 80) / 1000
            assert its_time - time.time() > jump - HOUR / 2, "the clock did not jump"
        assert made == sorted(made), "ids go back with the clock"
        name = "grpc_server_handling_seconds_sum"
        labels = 'grpc_method="Recommend",grpc_service="router.v1.ChannelRouter",grpc_type="unary"'
        assert server.figure(f"{name}{{{labels}}}") >= 0
        assert not server.errors(), server.errors()
    except grpc.RpcError as error:
        raise AssertionError(f"{error.code().name}: {error.details()}") from error
    finally:
        channel.close()
        server.end()
    kept = kept_in(server.journal, decisions + made)
    return f"{len(decisions) + len(made):,} decisions, {kept:,} kept, 0 failed calls"


def chosen(feedback: feedback_pb2_grpc.FeedbackStub, decision: str) -> None:
    """Records a choice of more contact than any advice."""
    feedback.RecordChoice(
        feedback_pb2.RecordChoiceRequest(
            request_id=str(uuid.uuid4()),
            decision_id=decision,
            mix_id=HEAVIEST,
            wished_by=feedback_pb2.WISHED_BY_BOTH,
        ),
        timeout=20,
    )
