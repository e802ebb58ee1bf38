"""What is read of channels together from the promoted version's figures."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from router.versions.registry import promoted_version
from router.versions.synergies import CANNOT_TELL, promoted_synergies
from tests.builders import ROOT
from tests.unit.training.evaluation.figures_builder import a_synergy, some_synergies
from training.evaluation.figures_json import to_json

MODELS = ROOT / "models"
VERSION = promoted_version(MODELS)


def models_with(place: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Copies the shipped version, with other figures that its manifest vouches for."""
    folder = place / VERSION
    folder.mkdir()
    (place / "promoted").write_text(VERSION)
    figures = json.loads((MODELS / VERSION / "figures.json").read_text())
    change(figures)
    (folder / "figures.json").write_text(json.dumps(figures))
    manifest = json.loads((MODELS / VERSION / "manifest.json").read_text())
    digest = hashlib.sha256((folder / "figures.json").read_bytes()).hexdigest()
    manifest["sha256"]["figures.json"] = digest
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return place


def measured(figures: dict[str, Any]) -> None:
    figures["synergy"] = json.loads(to_json(some_synergies(a_synergy())))


def test_what_training_wrote_is_read(tmp_path: Path) -> None:
    found = promoted_synergies(models_with(tmp_path, measured))
    assert found is not None
    assert found.pairs is not None
    (pair,) = found.pairs
    assert (pair.first, pair.second, pair.answer) == ("DIALOGUE_MESSAGE", "PHONE", CANNOT_TELL)
    assert (pair.low, pair.high, pair.needed) == (-0.034, 0.056, 187_340)


def test_of_a_version_of_before_it_is_known_that_nobody_looked(tmp_path: Path) -> None:
    found = promoted_synergies(models_with(tmp_path, lambda figures: figures.pop("synergy", None)))
    assert found is not None
    assert found.pairs is None


def spoil(key: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(figures: dict[str, Any]) -> None:
        measured(figures)
        figures["synergy"]["pairs"][0][key] = value

    return change


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("answer", "surely"),
        ("needed", -1),
        ("needed", None),
        ("first", "<script>"),
        ("looked", {"value": "x", "low": 0, "high": 0}),
        ("looked", None),
    ],
)
def test_figures_that_make_no_sense_are_not_told(tmp_path: Path, key: str, value: object) -> None:
    assert promoted_synergies(models_with(tmp_path, spoil(key, value))) is None


def test_figures_that_the_manifest_does_not_vouch_for_are_not_told(tmp_path: Path) -> None:
    models = models_with(tmp_path, measured)
    (models / VERSION / "figures.json").write_text("{}")
    assert promoted_synergies(models) is None


def test_without_a_promoted_version_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert promoted_synergies(tmp_path) is None
