"""Writes model versions aside and renames them, and promotes one."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import zipfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path

import joblib
import numpy as np

from router.decision.catalogue import Catalogue
from router.decision.schema import Role
from router.decision.tables import DecisionTables
from router.features import FEATURES
from router.registry import FORMAT, PROMOTED, load_model
from training.compile import Parity
from training.dataset import LoggedCases
from training.student import LONGER_IS_WORSE, WORSE, Student

_NAME = re.compile(r"[a-z0-9][a-z0-9.\-]{0,63}")
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # fixed, so that equal tables are equal bytes
_LIBRARIES = ("numpy", "scikit-learn", "joblib", "polars")


class VersionExists(ValueError):
    """A version is never overwritten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What a fit produced."""

    tables: DecisionTables
    students: list[Student]
    parity: Parity
    seed: int
    synthetic: bool


def tables_bytes(tables: DecisionTables) -> bytes:
    """tables.npz; equal tables give equal bytes."""
    out = io.BytesIO()
    arrays = {"values": tables.values, "intercept": tables.intercept, "counts": tables.counts}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            part = io.BytesIO()
            np.lib.format.write_array(part, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _ZIP_DATE), part.getvalue(), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def write_version(folder: Path, fitted: Fitted, cases: LoggedCases, catalogue: Catalogue) -> None:
    """Writes a version: tables.npz, manifest.json, estimators.joblib and CARD.md.

    Raises:
        ValueError: if the folder's name is not that of a version.
        VersionExists: if there is one already.
    """
    check_name(folder.name)
    if folder.exists():
        raise VersionExists(f"{folder}: exists; a version is never overwritten, choose another name")
    aside = folder.with_name(f".{folder.name}.{os.getpid()}")
    aside.mkdir(parents=True)
    try:
        data = tables_bytes(fitted.tables)
        (aside / "tables.npz").write_bytes(data)
        manifest = _manifest(folder.name, data, fitted, cases, catalogue)
        (aside / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        (aside / "CARD.md").write_text(card(manifest), encoding="utf-8")
        joblib.dump(fitted.students, aside / "estimators.joblib", compress=3)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def check_name(name: str) -> None:
    """Checks a version's name.

    Raises:
        ValueError: if it is not lower-case letters, digits, dots and dashes, 1 to 64 characters.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"version {name!r}: must be 1 to 64 of a-z, 0-9, '.' and '-', starting with a letter or digit")


def _manifest(name: str, data: bytes, fitted: Fitted, cases: LoggedCases, catalogue: Catalogue) -> dict[str, object]:
    model_features = [feature for feature in FEATURES.features if Role.MODEL in feature.roles]
    return {
        "format": FORMAT,
        "version": name,
        "synthetic": fitted.synthetic,
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "sha256": {"tables.npz": hashlib.sha256(data).hexdigest()},
        "feature_digest": FEATURES.digest,
        "features": [
            {"name": f.name, "lower": f.lower, "upper": f.upper, "values": list(f.values)} for f in model_features
        ],
        "mixes": list(catalogue.ids),
        "folds": fitted.tables.folds,
        "monotone": [*WORSE, LONGER_IS_WORSE],
        "parity": asdict(fitted.parity),
        "training": {
            "cases": len(cases.rows),
            "sha256": cases.sha256,
            "outcome_mean": float(cases.outcome.mean()),
            "dates": [day.isoformat() for day in cases.dates] if cases.dates else None,
            "simulation_seed": cases.seed,
            "seed": fitted.seed,
            "mixes": dict(
                zip(catalogue.ids, np.bincount(cases.mix, minlength=len(catalogue.ids)).tolist(), strict=True)
            ),
        },
        "libraries": {library: installed(library) for library in _LIBRARIES},
    }


def card(manifest: dict[str, object]) -> str:
    """The model card of a manifest, in Markdown."""
    training: dict[str, object] = manifest["training"]  # type: ignore[assignment]
    parity: dict[str, object] = manifest["parity"]  # type: ignore[assignment]
    warning = (
        "> **Synthetic.** Trained on simulated cases. It says nothing of real people and must not be used for them.\n\n"
        if manifest["synthetic"]
        else ""
    )
    mixes = "\n".join(f"| {mix} | {count} |" for mix, count in training["mixes"].items())  # type: ignore[attr-defined]
    return (
        f"# Model {manifest['version']}\n\n{warning}"
        "Expected outcome of each mix for a case, as additive tables read off boosted scikit-learn models that were "
        "fitted to cross-fitted doubly robust scores. Advice to an adviser who decides; never a formal decision.\n\n"
        f"| | |\n|---|---|\n| trained at | {manifest['trained_at']} |\n| cases | {training['cases']} |\n"
        f"| dates | {training['dates']} |\n| mean outcome | {training['outcome_mean']:.4f} |\n"
        f"| folds | {manifest['folds']} |\n| tables against students | {parity['rows']} rows, {parity['slots']} slots, "
        f"largest difference {parity['max_abs_difference']:.1e} |\n"
        f"| never wants less contact for a worse value of | {', '.join(manifest['monotone'])} |\n\n"  # type: ignore[arg-type]
        f"| mix | logged cases |\n|---|---|\n{mixes}\n"
    )


def promote(models: Path, name: str, catalogue: Catalogue) -> None:
    """Makes a version the one that is served, after verifying it as the server does.

    Raises:
        ModelRefused: if it cannot be served.
        ValueError: if the name is not that of a version.
    """
    check_name(name)
    load_model(models / name, FEATURES, catalogue)
    aside = models / f".{PROMOTED}.{os.getpid()}"
    aside.write_text(f"{name}\n", encoding="utf-8")
    aside.replace(models / PROMOTED)
