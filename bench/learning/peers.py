"""Peers beside ours, fitted in their own environment.

Each answer is kept in a file until its makers change.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from training.learning.scores import Floats, Numbers

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv-peers"
CACHE = ROOT / "build" / "bench-learning"
LOCK = ROOT / "bench" / "peers" / "peers.lock"

# As the table names them: the module and function of bench.peers.
PEERS = {
    "EconML CausalForestDML": "of_econml.causal_forest",
    "EconML DRPolicyForest": "of_econml.policy_forest",
    "EconML DRLearner": "of_econml.dr_learner",
    "CausalML X-learner": "of_causalml.x_learner",
    "obp IPWLearner, logit": "of_obp.ipw_logit",
    "obp IPWLearner, forest": "of_obp.ipw_forest",
    "Vowpal Wabbit, linear": "of_vowpal.bandit",
    "Vowpal Wabbit, -q ::": "of_vowpal.bandit_of_pairs",
}


def answer(
    name: str,
    key: str,
    rows: Floats,
    mix: Numbers,
    outcome: Floats,
    fresh: Floats,
    seed: int,
    randomised: bool,
) -> dict[str, np.ndarray] | None:
    """Asks the peer `name` for `fresh`.

    `values` (m, mixes), `chosen` (m,) or both, and `seconds`.

    None if the peer failed; what it said of it is on standard error.

    Args:
        name: one of PEERS.
        key: of the problem, in the kept file's name.
        rows: (n, features) logged.
        mix: (n,).
        outcome: (n,) 0 to 1.
        fresh: (m, features).
        seed: of anything random.
        randomised: whether a trial drew the mixes.

    Raises:
        CalledProcessError: if the environment cannot be made.
    """
    arrays = {"rows": rows, "mix": mix, "outcome": outcome, "fresh": fresh}
    given = arrays | {"seed": np.array(seed), "randomised": np.array(randomised)}
    kept = CACHE / f"{key}-{seed}-{PEERS[name]}-{_digest(PEERS[name], given)}.npz"
    if not kept.exists():
        _environment()
        CACHE.mkdir(parents=True, exist_ok=True)
        print(f"fitting {name} on {key}, seed {seed}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            source, target = Path(folder, "given.npz"), Path(folder, "answer.npz")
            np.savez(source, allow_pickle=False, **given)
            try:
                _run(
                    [
                        ENVIRONMENT / "bin" / "python",
                        "-m",
                        "bench.peers.fit",
                        PEERS[name],
                        source,
                        target,
                    ]
                )
            except subprocess.CalledProcessError as failed:
                print(
                    f"{name} failed on {key}, seed {seed}: exit {failed.returncode}",
                    file=sys.stderr,
                    flush=True,
                )
                return None
            # Renamed when it is whole: an answer cut short would be believed in every later run.
            target.replace(kept)
    with np.load(kept) as found:
        return dict(found)


def _digest(peer: str, given: dict[str, np.ndarray]) -> str:
    """Changes when the peer's code, its libraries or what it is given change.

    A problem's source shows in the last.
    """
    folder = ROOT / "bench" / "peers"
    sources = (folder / f"{peer.partition('.')[0]}.py", folder / "nuisances.py", LOCK)
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources))
    for array in given.values():
        digest.update(array.tobytes())
    return digest.hexdigest()[:12]


def _environment() -> None:
    ready = ENVIRONMENT / "ready"
    if ready.exists() and ready.read_bytes() == LOCK.read_bytes():
        return

    print(f"making {ENVIRONMENT.name}: about 1.2 GB", file=sys.stderr, flush=True)
    _run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT])
    # Exactly what the lock lists, and nothing that a package would like besides.
    install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--require-hashes",
        "-r",
    ]
    _run([ENVIRONMENT / "bin" / "python", *install, LOCK])
    # Written last, so that an environment half made is made again.
    ready.write_bytes(LOCK.read_bytes())


def _run(command: list[str | Path]) -> None:
    # Peers are timed beside ours: none may take the cores of another by default.
    one_thread = os.environ | {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
    }
    subprocess.run(command, cwd=ROOT, env=one_thread, check=True)
