"""A version whose counts tell of single cases is written anew, and advises as before."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from router.cases.features import FEATURES
from router.versions.registry import FORMAT, TABLES, ModelRefused, check_files, load_model
from tests.builders import random_tables
from tests.policies_of_six import CATALOGUE
from tests.unit.training.evaluation.figures_builder import a_manifest, a_verdict, some_figures
from training.version.artefact import folder_aside, write_files
from training.version.files import read_figures, read_verdict
from training.version.rewrite import NotRewritten, rewrite
from training.version.signing import generate_key, sign

DRAWN = random_tables(0, mixes=len(CATALOGUE.mixes))
TABLES_OF_FEW = replace(DRAWN, counts=np.arange(len(DRAWN.counts)) % 13)


def written(models: Path) -> Path:
    """Writes a version as those before counts were in tens."""
    folder = models / "v9"
    manifest = a_manifest() | {
        "format": FORMAT,
        "version": "v9",
        "features": FEATURES.model_inputs,
        "mixes": list(CATALOGUE.ids),
    }
    with folder_aside(folder) as aside:
        (aside / "estimators.joblib").write_bytes(b"as it was")
        figures = some_figures(version="v9")
        write_files(aside, TABLES_OF_FEW, figures, a_verdict(), CATALOGUE, manifest, None)
    return folder


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gives a version that is copied by each test: its report takes seconds to draw."""
    return written(tmp_path_factory.mktemp("kept"))


@pytest.fixture(scope="module")
def rewritten(kept: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gives the same version after it was written anew."""
    folder = shutil.copytree(kept, tmp_path_factory.mktemp("rewritten") / kept.name)
    rewrite(folder, FEATURES, CATALOGUE)
    return folder


@pytest.fixture
def folder(kept: Path, tmp_path: Path) -> Path:
    """Gives a version of its own to change."""
    return shutil.copytree(kept, tmp_path / "models" / kept.name)


def test_counts_are_in_tens_and_digests_are_new(kept: Path, rewritten: Path) -> None:
    before = load_model(kept, FEATURES, CATALOGUE).tables
    assert ((before.counts > 0) & (before.counts < 10)).any()
    check_files(rewritten)
    after = load_model(rewritten, FEATURES, CATALOGUE).tables
    assert (after.counts % 10 == 0).all()
    np.testing.assert_array_equal(before.values, after.values)
    assert all(one.cases % 10 == 0 for one in read_figures(rewritten).groups)
    # Their nodes counted cases.
    assert not (rewritten / "estimators.joblib").exists()
    assert [path.name for path in rewritten.parent.iterdir()] == ["v9"]


def test_what_the_gate_says_of_the_worst_group_is_what_its_figures_tell(rewritten: Path) -> None:
    [worst] = [
        one for one in read_verdict(rewritten).conditions if one.name == "no_group_worse_off"
    ]
    gains = [one.gain for one in read_figures(rewritten).groups if one.gain is not None]
    assert worst.value == min(one.high for one in gains if one.error > 0)


def test_done_again_nothing_changes(rewritten: Path, tmp_path: Path) -> None:
    again = shutil.copytree(rewritten, tmp_path / rewritten.name)
    rewrite(again, FEATURES, CATALOGUE)
    first, second = (
        json.loads((folder / "manifest.json").read_text()) for folder in (rewritten, again)
    )
    assert second == first


def test_a_signed_version_is_signed_anew_or_left_alone(folder: Path, tmp_path: Path) -> None:
    public = generate_key(tmp_path / "key")
    sign(folder, tmp_path / "key")
    with pytest.raises(NotRewritten, match=r"v9: is signed; give the key"):
        rewrite(folder, FEATURES, CATALOGUE)
    old = (folder / "manifest.sig").read_bytes()
    rewrite(folder, FEATURES, CATALOGUE, tmp_path / "key")
    assert public.exists()
    assert (folder / "manifest.sig").read_bytes() != old
    check_files(folder)


def test_who_could_read_the_version_before_can_read_it_afterwards(folder: Path) -> None:
    places = [folder, *folder.iterdir()]
    for place in places:
        place.chmod(0o750 if place.is_dir() else 0o640)
    rewrite(folder, FEATURES, CATALOGUE)
    assert folder.stat().st_mode & 0o777 == 0o750
    assert {one.stat().st_mode & 0o777 for one in folder.iterdir()} == {0o640}


def test_a_version_that_somebody_changed_is_refused(folder: Path) -> None:
    (folder / TABLES).write_bytes((folder / TABLES).read_bytes() + b" ")
    with pytest.raises(ModelRefused):
        rewrite(folder, FEATURES, CATALOGUE)
