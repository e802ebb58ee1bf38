"""What one writes by hand: grpc.aio on uvloop that calls scikit-learn.

A message is bare numbers in a BytesValue, which is the least that a message can be.
"""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from typing import Any

import grpc
import joblib
import numpy as np
import uvloop
from google.protobuf.wrappers_pb2 import BytesValue


async def main(path: str, port: str) -> None:
    model: Any = joblib.load(path)

    async def predict(request: BytesValue, _: object) -> BytesValue:
        rows = np.frombuffer(request.value).reshape(-1, model.n_features_in_)
        return BytesValue(value=model.predict_proba(rows).tobytes())

    async def stream(
        requests: AsyncIterator[BytesValue], context: object
    ) -> AsyncIterator[BytesValue]:
        async for request in requests:
            yield await predict(request, context)

    message = (BytesValue.FromString, BytesValue.SerializeToString)
    handlers: Any = {
        "Predict": grpc.unary_unary_rpc_method_handler(predict, *message),
        "Stream": grpc.stream_stream_rpc_method_handler(stream, *message),
    }
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Peer", handlers),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m bench.serving_peers.of_grpc_aio", description=__doc__
    )
    parser.add_argument("model", help="file of the model")
    parser.add_argument("port")
    # Every peer is given the same words.
    parser.add_argument("others", nargs="*", help="not used")
    asked = parser.parse_args()
    uvloop.run(main(asked.model, asked.port))
