"""KServe's Python model server over gRPC, numbers as raw bytes both ways; it gathers nothing."""

from __future__ import annotations

import sys
from typing import Any

import joblib
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer


class Predictor(Model):  # type: ignore[misc] # has no types
    def __init__(self, path: str) -> None:
        super().__init__("model")
        self._model: Any = joblib.load(path)
        self.ready = True

    async def predict(self, payload: InferRequest, *_: object, **__: object) -> InferResponse:
        found = self._model.predict_proba(payload.inputs[0].as_numpy())
        output = InferOutput(name="predict_proba", shape=list(found.shape), datatype="FP64")
        output.set_data_from_numpy(found, binary_data=True)
        return InferResponse(
            response_id=payload.id or "", model_name=self.name, infer_outputs=[output]
        )


if __name__ == "__main__":
    path, port, other, _ = sys.argv[1:]
    server = ModelServer(http_port=int(other), grpc_port=int(port), enable_latency_logging=False)
    server.start([Predictor(path)])
