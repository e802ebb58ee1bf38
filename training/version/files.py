"""The files of a version by name, and how its figures are read from them."""

from __future__ import annotations

from pathlib import Path

from training.evaluation.figures import Figures
from training.evaluation.figures_json import from_json

FIGURES = "figures.json"
GATE = "gate.json"
REPORT = "report.html"
CARD = "CARD.md"
REGISTER = "register.json"
ESTIMATORS = "estimators.joblib"


def read_figures(folder: Path) -> Figures | None:
    """Reads the figures of a version; None if it has none.

    Raises:
        ValueError: naming the file and what of it cannot be read.
    """
    path = folder / FIGURES
    if not path.exists():
        return None
    try:
        return from_json(path.read_text(encoding="utf-8"), Figures)
    except ValueError as problem:
        raise ValueError(f"{path}: {problem}") from problem
