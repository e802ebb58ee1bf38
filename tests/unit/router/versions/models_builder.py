"""A folder of models: the promoted version that the project ships, and others beside it."""

import shutil
from pathlib import Path
from typing import Any

from tests.builders import ROOT, a_catalogue, put, random_tables
from tests.unit.training.version.versions_builder import a_version

SHIPPED = (ROOT / "models" / "promoted").read_text().strip()


def shipped_models(folder: Path) -> Path:
    """Copies what is served of the shipped version; gives the folder of models."""
    models = folder / "models"
    (models / SHIPPED).mkdir(parents=True)
    for path in (ROOT / "models" / SHIPPED).iterdir():
        if path.name in {"manifest.json", "tables.npz", "golden.json"}:
            shutil.copyfile(path, models / SHIPPED / path.name)
    point(models, SHIPPED)
    return models


def another_version(models: Path, name: str, seed: int = 1, **changes: Any) -> Path:
    """Writes a version of random tables that values the shipped mixes."""
    mixes = list(a_catalogue().ids)
    return a_version(models, name, tables=random_tables(seed), **({"mixes": mixes} | changes))


def point(models: Path, version: str) -> None:
    """Promotes a version as `promote` does: whole or not at all."""
    put(models / "promoted", f"{version}\n")
