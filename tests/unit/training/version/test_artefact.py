"""Versions as they are written: whole or not at all, never over another."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from router.cases.features import FEATURES
from router.versions.registry import check_files
from tests.builders import random_tables
from tests.policies_of_six import CATALOGUE
from tests.unit.training.data.cases_builder import FRAME, a_file
from tests.unit.training.evaluation.figures_builder import a_manifest, a_verdict, some_figures
from training.data.dataset import read_cases
from training.fit import Fitted
from training.learning.compile import Parity
from training.learning.encoding import Encoding
from training.learning.learned import Learned
from training.version.artefact import VersionExists, write_version

NOTHING = np.zeros((0, len(CATALOGUE.mixes)))


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """Gives a version that nobody fitted."""
    path = a_file(tmp_path_factory.mktemp("cases"), FRAME, synthetic="true")
    return Fitted(
        learned=Learned(
            students=(),
            stacks=(),
            plausible_stacks=(),
            weights={},
            scores=NOTHING,
            chances=NOTHING,
            fold=np.zeros(0, np.int64),
            pairs=(),
        ),
        encoding=Encoding(features=FEATURES),
        tables=random_tables(0, mixes=len(CATALOGUE.mixes)),
        parity=Parity(rows=0, slots=0, max_abs_difference=0.0),
        cases=read_cases([path], CATALOGUE),
        figures=some_figures(version="v9"),
    )


def test_a_version_that_cannot_be_finished_never_appears(tmp_path: Path, fitted: Fitted) -> None:
    # The tables are written before the estimators, and this one is of no use to joblib.
    learned = replace(fitted.learned, weights={"mine": lambda rows: rows})  # type: ignore[dict-item] # no weight, on purpose
    with pytest.raises(Exception, match="pickle"):
        write_version(
            tmp_path / "v9",
            replace(fitted, learned=learned),
            a_verdict(),
            CATALOGUE,
            a_manifest(),
        )
    assert list(tmp_path.iterdir()) == []


def test_a_version_is_never_overwritten(tmp_path: Path, fitted: Fitted) -> None:
    (tmp_path / "v9").mkdir()
    (tmp_path / "v9" / "note").write_text("mine")
    with pytest.raises(VersionExists, match="v9: exists; a version is never overwritten"):
        write_version(tmp_path / "v9", fitted, a_verdict(), CATALOGUE, a_manifest())
    assert [path.name for path in (tmp_path / "v9").iterdir()] == ["note"]


@pytest.mark.parametrize("name", ["V9", "v 9", ".v9", "v" * 65])
def test_a_name_that_no_version_can_have_is_refused_before_anything_is_written(
    tmp_path: Path, fitted: Fitted, name: str
) -> None:
    with pytest.raises(ValueError, match=r"version .* must be 1 to 64 of"):
        write_version(tmp_path / name, fitted, a_verdict(), CATALOGUE, a_manifest())
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_fails_loses_nothing_that_was_learned(tmp_path: Path, fitted: Fitted) -> None:
    # No page can be made of tables that value fewer mixes than the catalogue has.
    tables = random_tables(0, mixes=len(CATALOGUE.mixes) - 1)
    folder = tmp_path / "v9"
    with pytest.raises(ValueError, match="mixes") as failed:
        write_version(folder, replace(fitted, tables=tables), a_verdict(), CATALOGUE, a_manifest())
    assert failed.value.__notes__ == [
        f"{folder} is written without it: nothing that was learned is lost"
    ]
    assert {"tables.npz", "estimators.joblib", "figures.json", "manifest.json"} <= {
        path.name for path in folder.iterdir()
    }
    check_files(folder)
