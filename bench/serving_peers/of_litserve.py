"""LitServe over HTTP, which is all that it speaks, with its fast queue; gathers by MOST."""

import sys
from typing import Any

import joblib
import litserve
import numpy as np


class Predictor(litserve.LitAPI):  # type: ignore[misc] # has no types
    def __init__(self, path: str, most: int) -> None:
        super().__init__(max_batch_size=most, batch_timeout=0.002 if most > 1 else 0.0)
        self._path = path

    def setup(self, device: str) -> None:  # noqa: ARG002
        self._model: Any = joblib.load(self._path)

    # Without a type it is given parsed JSON.
    def decode_request(self, request):  # type: ignore[no-untyped-def]
        return np.array(request["rows"], float)

    def batch(self, inputs: list[np.ndarray]) -> np.ndarray:
        self._ends = np.cumsum([len(rows) for rows in inputs])[:-1]
        return np.concatenate(inputs)

    def predict(self, rows: np.ndarray) -> Any:
        return self._model.predict_proba(rows)

    def unbatch(self, output: np.ndarray) -> list[np.ndarray]:
        return np.split(output, self._ends)

    def encode_response(self, output: np.ndarray) -> dict[str, Any]:
        return {"chances": output.tolist()}


if __name__ == "__main__":
    path, port, _, most = sys.argv[1:]
    server = litserve.LitServer(
        Predictor(path, int(most)), accelerator="cpu", timeout=60, fast_queue=True
    )
    server.run(
        port=int(port),
        host="127.0.0.1",
        num_api_servers=1,
        log_level="error",
        generate_client_file=False,
    )
