"""A bare echo of the service's own messages: parses the request, answers with prepared bytes."""

from __future__ import annotations

import argparse
import asyncio
import os
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import uvloop

from bench.echo_cpp import program
from router.v1 import channel_router_pb2

METHOD = "Recommend"


def main(kind: str, port: str, answer_file: str) -> None:
    if kind == "C++":
        found = str(program())
        os.execv(found, [found, port, answer_file])
    answer = Path(answer_file).read_bytes()
    parse = channel_router_pb2.RecommendRequest.FromString

    def reply(data: bytes, context: object) -> bytes:  # noqa: ARG001
        # The service cannot do less than read its request, so the echo does that too.
        parse(data)
        return answer

    async def reply_on_loop(data: bytes, context: object) -> bytes:
        return reply(data, context)

    behaviour: Any = reply if kind == "sync" else reply_on_loop
    handlers: Any = {METHOD: grpc.unary_unary_rpc_method_handler(behaviour)}
    generic = grpc.method_handlers_generic_handler("router.v1.ChannelRouter", handlers)
    # The three kinds that ADR 3 compares; each says when it can be called.
    if kind == "sync":
        server = grpc.server(futures.ThreadPoolExecutor(8))
        server.add_generic_rpc_handlers((generic,))
        server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        print("ready", flush=True)
        server.wait_for_termination()
        return

    async def serve() -> None:
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((generic,))
        server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
        print("ready", flush=True)
        await server.wait_for_termination()

    loop = uvloop.new_event_loop if kind == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(serve())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.echo", description=__doc__)
    parser.add_argument("kind", choices=("sync", "asyncio", "uvloop", "C++"))
    parser.add_argument("port")
    parser.add_argument("answer", help="file of the bytes to answer with")
    asked = parser.parse_args()
    main(asked.kind, asked.port, asked.answer)
