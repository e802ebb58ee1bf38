"""`.venv-peers/bin/python -m bench.peers.fit PEER LOGGED.npz ANSWER.npz`.

Fits one peer on one file.
"""

from __future__ import annotations

import argparse
import importlib
import time
import warnings

import numpy as np
from sklearn.impute import SimpleImputer

from bench.peers.lesson import Logged


def main(peer: str, source: str, target: str) -> None:
    """Fits a peer, `module.function` of this package, and writes its answer and its seconds."""
    warnings.filterwarnings("ignore")  # the peers' own affair
    module, function = peer.split(".")
    fit = getattr(importlib.import_module(f"bench.peers.{module}"), function)

    given = np.load(source)
    rows, fresh = _known(given["rows"], given["fresh"])
    logged = Logged(
        rows=rows,
        mix=given["mix"],
        outcome=given["outcome"],
        fresh=fresh,
        seed=int(given["seed"]),
        randomised=bool(given["randomised"]),
    )

    # Reading is not timed: ours is given arrays.
    start = time.perf_counter()
    answer = fit(logged)
    np.savez_compressed(target, seconds=time.perf_counter() - start, **answer)


def _known(rows: np.ndarray, fresh: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fills what is unknown with medians, and says in columns of their own where it was.

    Most peers take no unknown values; this is what their users do.
    """
    if not np.isnan(rows).any():
        return rows, fresh
    imputer = SimpleImputer(strategy="median", add_indicator=True).fit(rows)
    return imputer.transform(rows), imputer.transform(fresh)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.peers.fit", description=__doc__)
    parser.add_argument("peer", help="module.function of bench/peers")
    parser.add_argument("logged", help="file of the cases to fit on")
    parser.add_argument("answer", help="file to write")
    asked = parser.parse_args()
    main(asked.peer, asked.logged, asked.answer)
