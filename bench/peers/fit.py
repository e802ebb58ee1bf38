"""`.venv-peers/bin/python -m bench.peers.fit PEER LOGGED.npz ANSWER.npz`.

Fits one peer on one file.
"""

from __future__ import annotations

import importlib
import sys
import time
import warnings

import numpy as np

from bench.peers.lesson import Logged


def main(peer: str, source: str, target: str) -> None:
    """Fits a peer, `module.function` of this package, and writes its answer and its seconds."""
    warnings.filterwarnings("ignore")  # the peers' own affair
    module, function = peer.split(".")
    fit = getattr(importlib.import_module(f"bench.peers.{module}"), function)

    given = np.load(source)
    logged = Logged(
        rows=given["rows"],
        mix=given["mix"],
        outcome=given["outcome"],
        fresh=given["fresh"],
        seed=int(given["seed"]),
        randomised=bool(given["randomised"]),
    )

    # Reading is not timed: ours is given arrays.
    start = time.perf_counter()
    answer = fit(logged)
    np.savez_compressed(target, seconds=time.perf_counter() - start, **answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
