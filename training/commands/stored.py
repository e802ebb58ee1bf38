"""What is kept of a version, found by its name: its folder, figures and verdict."""

from __future__ import annotations

from pathlib import Path

from router.versions.registry import check_name
from training.evaluation.figures import Figures
from training.evaluation.figures_json import from_json
from training.evaluation.gate import Verdict
from training.version.files import FIGURES, GATE


def version_folder(models: Path, version: str) -> Path:
    """Gives the folder of a version; it need not exist.

    Raises:
        ModelRefused: if the name is none that a version may have.
    """
    # A name with dots and slashes could lead out of the folder of models.
    check_name(version)
    return models / version


def stored_figures(models: Path, version: str) -> Figures:
    """Reads what was measured of a version.

    Raises:
        ModelRefused: if the name is none that a version may have.
        ValueError: if the file holds something else.
        OSError: if it cannot be read.
    """
    text = (version_folder(models, version) / FIGURES).read_text(encoding="utf-8")
    return from_json(text, Figures)


def stored_verdict(models: Path, version: str) -> Verdict:
    """Reads what the gate said when the version was written.

    Raises:
        ModelRefused: if the name is none that a version may have.
        ValueError: if the file holds something else.
        OSError: if it cannot be read.
    """
    text = (version_folder(models, version) / GATE).read_text(encoding="utf-8")
    return from_json(text, Verdict)
