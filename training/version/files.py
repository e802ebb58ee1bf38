"""The files of a version by name: where they lie, and how its figures and verdict are read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from router.files.plain_files import plain_bytes
from router.mendable import Mendable
from router.versions.registry import FIGURES, MANIFEST, check_name
from training.evaluation.figures import Figures
from training.evaluation.figures_json import from_json
from training.evaluation.gate import Verdict

GATE = "gate.json"
REPORT = "report.html"
CARD = "CARD.md"
REGISTER = "register.json"
ESTIMATORS = "estimators.joblib"
# Many times what a version of many mixes has: nothing else than its figures may lie there.
_BYTES_AT_MOST = 64 * 1024 * 1024

T = TypeVar("T")


class VersionUnreadable(Mendable, ValueError):
    """A file of a version is not as it was written; the message names it."""


def version_folder(models: Path, version: str) -> Path:
    """Gives the folder of a version; it need not exist.

    Raises:
        ModelRefused: if the name is none that a version may have.
    """
    # A name with dots and slashes could lead out of the folder of models.
    check_name(version)
    return models / version


def read_figures(folder: Path) -> Figures:
    """Reads what was measured of a version.

    Raises:
        VersionUnreadable: naming the file and what of it cannot be read, or that nothing was
            measured.
        OSError: if it cannot be read at all.
    """
    _check_known(folder)
    if (folder / CARD).exists() and not (folder / FIGURES).exists():
        told = "such as one of published findings alone; its card says what it is"
        raise VersionUnreadable(f"{folder}: has no figures: nothing of it was measured, {told}")
    return _read(folder / FIGURES, Figures)


def read_verdict(folder: Path) -> Verdict:
    """Reads what the gate said when the version was written.

    Raises:
        VersionUnreadable: naming the file and what of it cannot be read.
        OSError: if it cannot be read at all.
    """
    _check_known(folder)
    return _read(folder / GATE, Verdict)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Reads what a version says of itself.

    Raises:
        VersionUnreadable: if it is no manifest.
        OSError: if it cannot be read at all.
    """
    _check_known(folder)
    path = folder / MANIFEST
    try:
        found: dict[str, Any] = json.loads(plain_bytes(path, _BYTES_AT_MOST))
        lacking = [name for name in ("parity", "features") if name not in found]
    except (ValueError, TypeError, RecursionError) as problem:
        raise VersionUnreadable(f"{path}: {problem}") from problem
    if lacking:
        raise VersionUnreadable(f"{path}: lacks {', '.join(lacking)}")
    return found


def read_card(folder: Path) -> str:
    """Reads the card of a version.

    Raises:
        VersionUnreadable: if there is no such version, or it has none.
    """
    _check_known(folder)
    try:
        return plain_bytes(folder / CARD, _BYTES_AT_MOST).decode()
    except ValueError as problem:
        raise VersionUnreadable(f"{folder / CARD}: {problem}") from problem


def _check_known(folder: Path) -> None:
    if (folder / MANIFEST).exists():
        return
    known = sorted(one.parent.name for one in folder.parent.glob(f"*/{MANIFEST}"))
    raise VersionUnreadable(f"{folder}: there is no such version; known are {known or 'none'}")


def _read(path: Path, kind: type[T]) -> T:
    try:
        return from_json(plain_bytes(path, _BYTES_AT_MOST).decode(), kind)
    except ValueError as problem:
        raise VersionUnreadable(f"{path}: {problem}") from problem
