"""What a version says of itself: manifest.json."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import numpy as np

import router
import training
from router.cases.features import FEATURES
from router.decision.catalogue import Catalogue
from router.decision.whole_tens import nearest_ten, whole_tens
from router.versions.registry import FORMAT
from training.fit import Fitted

# Those whose versions may move a figure; the rest is in the lock file.
LIBRARIES = ("numpy", "scipy", "scikit-learn", "joblib", "polars", "fairlearn", "matplotlib")


def manifest(
    fitted: Fitted,
    catalogue: Catalogue,
    *,
    seed: int,
    command: str,
    digests: Mapping[str, str],
) -> dict[str, Any]:
    """Gives the manifest of a fitted version, without the digests of its files.

    Args:
        fitted: the version.
        catalogue: the mixes that it values.
        seed: of the fit.
        command: that made it, to make it again.
        digests: SHA-256 of catalogue, policy and gate, by file name.
    """
    cases, figures = fitted.cases, fitted.figures
    counts = np.bincount(cases.mix, minlength=len(catalogue.ids)).tolist()
    return {
        "format": FORMAT,
        "version": figures.version,
        "synthetic": figures.synthetic,
        "trained_at": figures.trained_at,
        "features": FEATURES.model_inputs,
        "mixes": list(catalogue.ids),
        "folds": fitted.tables.folds,
        "pairs": [list(pair) for pair in figures.fidelity.pairs],
        "monotone": list(fitted.encoding.ordered),
        "effects_vary": figures.heterogeneity.found,
        "error_scale": figures.error_scale,
        "parity": asdict(fitted.parity),
        "training": training_in_tens(
            {
                "cases": len(cases.mix),
                "sha256": cases.sha256,
                "outcome_mean": float(cases.outcome.mean()),
                "dates": [day.isoformat() for day in cases.dates] if cases.dates else None,
                "simulation": cases.simulation,
                "seed": seed,
                "command": command,
                "mixes": dict(zip(catalogue.ids, counts, strict=True)),
                "too_recent": cases.too_recent,
                "shielded": cases.shielded,
            }
        ),
        "code_sha256": _code_digest(),
        "policies": dict(digests),
        "promoted": figures.promoted,
        "libraries": {library: installed(library) for library in LIBRARIES},
    }


def _code_digest() -> str:
    """Gives the SHA-256 over names and contents of all code that a fit may run."""
    found = hashlib.sha256()
    for package in (router, training):
        root = Path(package.__path__[0])
        for path in sorted(root.rglob("*.py")):
            content = path.read_bytes()
            # Lengths keep a name apart from what follows it.
            name = f"{package.__name__}/{path.relative_to(root).as_posix()}"
            found.update(f"{len(name)} {name} {len(content)} ".encode() + content)
    return found.hexdigest()


def training_in_tens(described: dict[str, Any]) -> dict[str, Any]:
    """Rounds the counts of parts of the cases; those that are rounded already stay."""
    mixes: dict[str, int] = described["mixes"]
    counts = whole_tens(np.array([*mixes.values()], np.int64)).tolist()
    rounded = {
        name: nearest_ten(described[name])
        for name in ("too_recent", "shielded")
        if name in described
    }
    return described | rounded | {"mixes": dict(zip(mixes, counts, strict=True))}
