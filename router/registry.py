"""Model versions on disk: verified before they are opened, refused with a reason.

models/<version>/tables.npz and manifest.json; `models/promoted` holds the promoted version's name on one line.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from router.decision.catalogue import Catalogue
from router.decision.schema import FeatureSet, Role
from router.decision.tables import DecisionTables

FORMAT = 1
PROMOTED = "promoted"
_VERSION = re.compile(r"[a-z0-9][a-z0-9.\-]{0,63}")
_BYTES_AT_MOST = 64 * 1024 * 1024


class ModelRefused(Exception):
    """A model version cannot be served; the message names the version and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """What a manifest says of a model version."""

    version: str
    sha256: str
    trained_at: datetime
    cases: int
    synthetic: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """A verified model version."""

    info: ModelInfo
    tables: DecisionTables


def promoted_version(models: Path) -> str:
    """Name of the promoted version.

    Raises:
        ModelRefused: if none is promoted or the name is not a version's.
    """
    try:
        version = (models / PROMOTED).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise ModelRefused(f"{models / PROMOTED}: no promoted version can be read: {problem}") from problem
    if not _VERSION.fullmatch(version):
        raise ModelRefused(f"{models / PROMOTED}: {version[:64]!r} is not the name of a version")
    return version


def versions(models: Path) -> list[str]:
    """Names of the versions in a models folder, sorted."""
    return sorted(path.parent.name for path in models.glob("*/manifest.json"))


def load_model(folder: Path, features: FeatureSet, catalogue: Catalogue) -> ModelVersion:
    """Verifies and loads a version. The bytes that were hashed are the bytes that are read.

    Raises:
        ModelRefused: if anything in it is missing, changed or does not fit features and mixes.
    """
    manifest = _manifest(folder)
    try:
        info = _info(manifest)
        _check(manifest["format"] == FORMAT, f"manifest format {manifest['format']!r} is not {FORMAT}")
        _check(info.version == folder.name, f"manifest is of version {info.version!r}")
        _check(manifest["feature_digest"] == features.digest, _difference(manifest, features))
        ids = list(catalogue.ids)
        _check(manifest["mixes"] == ids, f"it values the mixes {manifest['mixes']}, the catalogue has {ids}")
        data = _bytes(folder / "tables.npz")
        found = hashlib.sha256(data).hexdigest()
        _check(found == info.sha256, f"tables.npz has SHA-256 {found}, the manifest says {info.sha256}")
        return ModelVersion(info=info, tables=_tables(data, features, len(ids)))
    except KeyError as problem:
        raise ModelRefused(f"{folder.name}: manifest.json lacks {problem}") from problem
    except (ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile) as problem:
        raise ModelRefused(f"{folder.name}: {problem}") from problem


def read_info(folder: Path) -> ModelInfo:
    """What a version's manifest says, unverified.

    Raises:
        ModelRefused: if it cannot be read.
    """
    try:
        return _info(_manifest(folder))
    except (KeyError, ValueError, TypeError) as problem:
        raise ModelRefused(f"{folder.name}: manifest.json is not readable: {problem}") from problem


def _check(holds: bool, problem: str) -> None:
    if not holds:
        raise ValueError(problem)


def _bytes(path: Path) -> bytes:
    if path.is_symlink() or not path.is_file():
        raise ValueError(f"{path.name} is not a plain file")
    if path.stat().st_size > _BYTES_AT_MOST:
        raise ValueError(f"{path.name} is larger than {_BYTES_AT_MOST} bytes")
    return path.read_bytes()


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(_bytes(folder / "manifest.json"))
    except (OSError, ValueError) as problem:
        raise ModelRefused(f"{folder.name}: manifest.json: {problem}") from problem
    if not isinstance(manifest, dict):
        raise ModelRefused(f"{folder.name}: manifest.json is not a JSON object")
    return manifest


def _info(manifest: dict[str, Any]) -> ModelInfo:
    trained_at = datetime.fromisoformat(manifest["trained_at"])
    _check(trained_at.tzinfo is not None, "trained_at has no time zone")
    _check(isinstance(manifest["synthetic"], bool), "synthetic is not true or false")
    return ModelInfo(
        version=str(manifest["version"]),
        sha256=str(manifest["sha256"]["tables.npz"]),
        trained_at=trained_at,
        cases=int(manifest["training"]["cases"]),
        synthetic=manifest["synthetic"],
    )


def _difference(manifest: dict[str, Any], features: FeatureSet) -> str:
    trained = [feature["name"] for feature in manifest["features"]]
    served = [feature.name for feature in features.features if Role.MODEL in feature.roles]
    differing = sorted(set(trained) ^ set(served)) or ["bounds, values or roles"]
    return f"it was trained on another feature set (differs in: {', '.join(differing)})"


def _tables(data: bytes, features: FeatureSet, mixes: int) -> DecisionTables:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        values, intercept, counts = arrays["values"], arrays["intercept"], arrays["counts"]
    if values.dtype != np.float64 or intercept.dtype != np.float64 or counts.dtype != np.int64:
        raise ValueError("tables.npz must hold float64 values and intercept, int64 counts")
    if values.ndim != 3 or values.shape[1] != mixes:
        raise ValueError(f"tables.npz values {values.shape}, not (slots, {mixes}, folds)")
    return DecisionTables(features=features, values=values, intercept=intercept, counts=counts)
