"""What a version says of itself: manifest.json."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version as installed
from typing import Any

import numpy as np

from router.cases.features import FEATURES
from router.decision.catalogue import Catalogue
from router.versions.registry import FORMAT
from training.fit import Fitted

# Those whose versions may move a figure; the rest is in the lock file.
LIBRARIES = ("numpy", "scipy", "scikit-learn", "joblib", "polars", "fairlearn", "matplotlib")


def manifest(fitted: Fitted, catalogue: Catalogue, *, seed: int, command: str) -> dict[str, Any]:
    """Gives the manifest of a fitted version, without the digests of its files.

    Args:
        fitted: the version.
        catalogue: the mixes that it values.
        seed: of the fit.
        command: that made it, to make it again.
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
        "training": {
            "cases": len(cases.mix),
            "sha256": cases.sha256,
            "outcome_mean": float(cases.outcome.mean()),
            "dates": [day.isoformat() for day in cases.dates] if cases.dates else None,
            "simulation_seed": cases.seed,
            "seed": seed,
            "command": command,
            "mixes": dict(zip(catalogue.ids, counts, strict=True)),
            "too_recent": cases.too_recent,
            "shielded": cases.shielded,
        },
        "libraries": {library: installed(library) for library in LIBRARIES},
    }
