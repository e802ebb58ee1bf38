"""BentoML over HTTP: its services of today speak no gRPC. One worker; gathers by MOST."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import bentoml
import joblib
import numpy as np

MODEL, MOST = "BENCH_MODEL", "BENCH_MOST"
_most = int(os.environ.get(MOST, "1"))


@bentoml.service(workers=1, traffic={"timeout": 60}, logging={"access": {"enabled": False}})
class Predictor:
    def __init__(self) -> None:
        self._model: Any = joblib.load(os.environ[MODEL])

    @bentoml.api(  # type: ignore[untyped-decorator] # has no types
        batchable=_most > 1, max_batch_size=max(_most, 2000), max_latency_ms=60_000
    )
    def predict(self, rows: np.ndarray) -> np.ndarray:
        found: np.ndarray = self._model.predict_proba(np.asarray(rows, float))
        return found


if __name__ == "__main__":
    path, port, _, most = sys.argv[1:]
    os.environ |= {MODEL: path, MOST: most, "BENTOML_DO_NOT_TRACK": "True"}
    os.chdir(Path(__file__).parent)
    command = ["-m", "bentoml", "serve", "of_bentoml:Predictor", "--host", "127.0.0.1"]
    os.execv(sys.executable, [sys.executable, *command, "--port", port])
