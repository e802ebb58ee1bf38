"""Model versions on disk."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from router.cases.features import FEATURES
from router.decision.tables import DecisionTables
from router.versions.registry import FORMAT
from router.versions.table_file import tables_bytes
from tests.builders import random_tables
from tests.policies_of_six import CATALOGUE
from tests.unit.training.evaluation.figures_builder import some_figures
from training.evaluation.figures_json import to_json

BEATS = {"name": "beats_logged", "value": 0.02, "bound": 0.0, "passed": True}
OVERLAP = {"name": "overlap", "value": 90.0, "bound": 200.0, "passed": False}
PASSED = {"passed": True, "conditions": [BEATS]}
FAILED = {"passed": False, "conditions": [BEATS, OVERLAP]}


def a_manifest(name: str, **changes: Any) -> dict[str, Any]:
    """Gives the manifest of a version, without digests."""
    return {
        "format": FORMAT,
        "version": name,
        "synthetic": True,
        "trained_at": "2026-11-24T02:52:27+00:00",
        "sha256": {},
        "features": FEATURES.model_inputs,
        "mixes": list(CATALOGUE.ids),
        "folds": 5,
        "training": {"cases": 59827, "seed": 1},
        "libraries": {"numpy": "2.4.6"},
    } | changes


def a_version(
    models: Path,
    name: str = "v1",
    *,
    gate: object = PASSED,
    tables: DecisionTables | None = None,
    **changes: Any,
) -> Path:
    """Writes a version whose manifest lists every other file; None leaves out the gate."""
    folder = models / name
    folder.mkdir(parents=True)
    (folder / "tables.npz").write_bytes(tables_bytes(tables) if tables else _some_tables())
    (folder / "report.html").write_text("<p>a report</p>\n")
    # Nobody may unpickle it: these bytes would tell.
    (folder / "estimators.joblib").write_bytes(b"never opened by a server")
    (folder / "figures.json").write_text(to_json(some_figures(version=name)))
    if gate is not None:
        (folder / "gate.json").write_text(json.dumps(gate))
    write_manifest(folder, a_manifest(name, **changes))
    return folder


@cache
def _some_tables() -> bytes:
    return tables_bytes(random_tables(0, mixes=len(CATALOGUE.mixes)))


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Writes a manifest with the digests of the other files as they are."""
    # The manifest cannot list itself, nor the signature that is made over it.
    others = sorted(
        path for path in folder.iterdir() if path.name not in ("manifest.json", "manifest.sig")
    )
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in others}
    (folder / "manifest.json").write_text(
        json.dumps(manifest | {"sha256": digests}, indent=2) + "\n"
    )
