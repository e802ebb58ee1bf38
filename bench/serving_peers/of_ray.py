"""Ray Serve over gRPC: one replica, set for throughput, no log of calls; gathers by MOST."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import grpc
import joblib
import numpy as np
import ray
from google.protobuf.wrappers_pb2 import BytesValue
from ray import serve
from ray.serve.config import gRPCOptions
from ray.serve.schema import LoggingConfig


def add(servicer: Any, server: Any) -> None:
    """Does what protobuf would generate for a service of one method."""
    handler = grpc.unary_unary_rpc_method_handler(
        servicer.Predict, BytesValue.FromString, BytesValue.SerializeToString
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("Peer", {"Predict": handler}),)
    )


@serve.deployment(max_ongoing_requests=4096)
class Predictor:
    def __init__(self, path: str, most: int) -> None:
        self._model: Any = joblib.load(path)
        self._most = most

    async def Predict(self, request: BytesValue) -> BytesValue:
        rows = np.frombuffer(request.value).reshape(-1, self._model.n_features_in_)
        if self._most > 1:
            found = await self.gathered(rows)
        else:
            found = self._model.predict_proba(rows)
        return BytesValue(value=found.tobytes())

    @serve.batch(max_batch_size=32, batch_wait_timeout_s=0.002)  # type: ignore[untyped-decorator]
    async def gathered(self, many: list[np.ndarray]) -> list[np.ndarray]:
        found = self._model.predict_proba(np.concatenate(many))
        return np.split(found, np.cumsum([len(rows) for rows in many])[:-1])


if __name__ == "__main__":
    path, port, other, most = sys.argv[1:]
    folder = str(Path(__file__).parent)
    os.environ |= {"RAY_SERVE_THROUGHPUT_OPTIMIZED": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    os.environ["PYTHONPATH"] = folder
    ray.init(num_cpus=4, include_dashboard=False, object_store_memory=100 << 20)
    serve.start(
        http_options={"port": int(other)},
        grpc_options=gRPCOptions(port=int(port), grpc_servicer_functions=["of_ray.add"]),
        logging_config=LoggingConfig(enable_access_log=False, log_level="ERROR"),
    )
    deployment: Any = Predictor
    serve.run(deployment.bind(path, int(most)))
    signal.pause()
