"""MLServer with its runtime for scikit-learn, over gRPC.

No pool of workers, as its documentation advises for small models; adaptive batching by MOST.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from mlserver.cli.main import main as mlserver


def main(path: str, port: str, other: str, most: str) -> None:
    folder = Path(tempfile.mkdtemp(dir=Path(path).parent))
    settings = {
        "grpc_port": int(port),
        "http_port": int(other),
        "metrics_endpoint": None,
        "parallel_workers": 0,
        "debug": False,
    }
    model: dict[str, object] = {
        "name": "model",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": path, "extra": {"predict_fn": "predict_proba"}},
    }
    if int(most) > 1:
        model |= {"max_batch_size": int(most), "max_batch_time": 0.002}
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(model))
    sys.argv = ["mlserver", "start", str(folder)]
    mlserver()


if __name__ == "__main__":
    main(*sys.argv[1:])
