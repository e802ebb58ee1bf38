"""Who is measured: ours, echoes of our answers, and the peers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.echo_cpp import kinds
from bench.load import free_port
from bench.servers import RECOMMEND, VIEWS, parts
from bench.serving_peers.problem import (
    CALLS,
    Floats,
    Model,
    bare,
    calls,
    in_bytes,
    in_json,
    inference,
    our_calls,
    plain_json,
)
from bench.serving_peers.servers import ENVIRONMENTS, HERE, Server
from bench.wire import Call
from router.cases.message import encode
from router.serving.requests import View, is_full, language_of
from router.v1 import case_pb2
from router.v1 import channel_router_pb2 as pb

SERVICE = RECOMMEND.removesuffix("Recommend")
SIZES = (100, 1_000)
# Requests that a peer may gather to one prediction, where it is told to gather.
MOST = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """How a peer is called, and what was chosen for it."""

    method: str
    write: Callable[[Floats], bytes]
    settings: str
    gathers: tuple[int, ...] = (MOST,)
    http: bool = False
    stream: str = ""


_INFER = "/inference.GRPCInferenceService/ModelInfer"
PEERS = {
    "grpc_aio": Peer(
        method="/Peer/Predict",
        write=bare,
        gathers=(1,),
        stream="/Peer/Stream",
        settings="grpc.aio on uvloop, written by hand: bare doubles in a BytesValue",
    ),
    "mlserver": Peer(
        method=_INFER,
        write=partial(inference, raw=False),
        gathers=(1, MOST),
        settings="gRPC, parallel_workers=0, no metrics, no debug",
    ),
    "kserve": Peer(
        method=_INFER,
        write=partial(inference, raw=True),
        gathers=(1,),
        settings="gRPC, raw tensors both ways, no log of latencies; it has no batching of its own",
    ),
    "bentoml": Peer(
        method="/predict",
        write=plain_json,
        http=True,
        settings="HTTP, one worker, no log of calls",
    ),
    "litserve": Peer(
        method="/predict",
        write=plain_json,
        http=True,
        settings="HTTP, one worker, fast_queue=True",
    ),
    "ray": Peer(
        method="/Peer/Predict",
        write=bare,
        settings="gRPC, one replica, RAY_SERVE_THROUGHPUT_OPTIMIZED=1, no log of calls",
    ),
}


def servers_of(name: str, models: dict[str, Model], rows: Floats) -> Iterator[Server]:
    """Gives a peer's servers: of each model, gathering and not."""
    peer = PEERS[name]
    holds = in_json if peer.http else in_bytes
    for kind, model in models.items():
        for most in peer.gathers:
            write = partial(calls, rows, model.chances, peer.write, holds)
            python, file = ENVIRONMENTS / name / "bin" / "python", HERE / f"of_{name}.py"
            yield Server(
                name=f"{name}, gathering" if most > 1 else name,
                model=kind,
                words=[str(python), str(file), str(model.path), "PORT", "OTHER", str(most)],
                method=peer.method,
                calls=write(),
                batch_method=peer.method,
                batches={size: write(size) for size in SIZES},
                stream_method=peer.stream,
                http=peer.http,
                floods=kind == "boosted",
                restless=name in {"litserve", "ray"},
            )


def ours(folder: Path, cases: list[case_pb2.Case]) -> Iterator[Server]:
    """Gives ours, FULL and BASIC, with its journal and without, and echoes of what it answers."""
    python = [sys.executable, "-m"]
    serve = [*python, "router", "serve", "--listen", "LISTEN", "--metrics", "METRICS"]
    words = {
        "ours": [*serve, "--journal", "JOURNAL"],
        "ours, no journal": [*python, "bench.servers", "--serve", "forgetting", "PORT", "JOURNAL"],
    }
    for view, number in VIEWS.items():
        answers = _answers(folder, cases, number)
        mixes = [answer.recommendation.mix.SerializeToString() for answer in answers]
        requests = [pb.RecommendRequest(case=case, view=number) for case in cases[:CALLS]]
        streamed = [pb.RecommendStreamRequest(case=case, view=number) for case in cases[:CALLS]]
        # FULL batches are of 250 at most; BASIC is what batches are for.
        batches: dict[int, Sequence[Call]] = {
            size: our_calls(_batches(cases, size), mixes, size) for size in SIZES
        }
        for name, how in words.items():
            yield Server(
                name=f"{name}, {view}",
                model="tables",
                words=how,
                method=RECOMMEND,
                calls=our_calls(requests, mixes),
                batch_method=f"{SERVICE}RecommendBatch" if view == "BASIC" else "",
                batches=batches if view == "BASIC" else {},
                stream_method=f"{SERVICE}RecommendStream" if name == "ours" else "",
                stream_calls=our_calls(streamed, mixes),
                floods=name == "ours",
            )
        answer = answers[0].SerializeToString()
        kept = folder / f"{view}.bin"
        kept.write_bytes(answer)
        for kind in kinds("uvloop", "asyncio", "sync") if view == "FULL" else ("uvloop",):
            yield Server(
                name=f"echo {kind}, {view}",
                model="nothing",
                words=[sys.executable, "-m", "bench.echo", kind, "PORT", str(kept)],
                method=RECOMMEND,
                calls=[Call(request.SerializeToString(), answer) for request in requests],
            )


def _batches(cases: list[case_pb2.Case], size: int) -> list[pb.RecommendBatchRequest]:
    parts_ = [cases[start : start + size] for start in range(0, len(cases), size)]
    return [pb.RecommendBatchRequest(cases=part, view=pb.VIEW_BASIC) for part in parts_]


def _answers(
    folder: Path, cases: list[case_pb2.Case], view: pb.View.ValueType
) -> list[pb.RecommendResponse]:
    """Decides the cases in this process, to compare what the server says with."""
    made = parts(str(free_port()), f"sqlite:///{folder}/expected-{view}.db")
    router = made.live.snapshot.national
    rows = [encode(case, []) for case in cases]
    advice, _ = router.recommender.decide(rows, [case.case_ref for case in cases])
    how = View(language_of(0, router.language), is_full(view))
    found = [pb.RecommendResponse() for _ in cases]
    router.writer.write(advice, [how] * len(cases), [one.recommendation for one in found])
    made.store.close()
    return found
