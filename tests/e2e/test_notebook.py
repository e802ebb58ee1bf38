"""What data scientists read and run.

The notebooks as they are committed, the guide's snippets and columns, the commands.
"""

import re
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

from router.cases.features import FEATURES, LOGGED, REFERENCES
from router.versions.registry import promoted_version
from tests.builders import ROOT
from training.__main__ import main

ENDS_WITHIN = 900
# By notebook: parameters of a smaller run, whose steps are the same, and words that it must show.
NOTEBOOKS = {
    "retrain": (
        "COUNT, QUICKER = 4500, "
        '["--no-calibrate", "--folds", "3", "--teacher", "residual_s_learner"]',
        (
            "the gate is",
            "report: ",
            "mine is promoted",
            f"{promoted_version(ROOT / 'models')} is promoted again",
            '"kind": "rollback"',
            "uniform:SELF_SERVICE",
        ),
    ),
    "own_policy": (
        'COUNT, TEACHERS_HERE, FOLDS = 4500, ("dr_boosted",), 3',
        ("weights in the stack", "1 picture", "candidate    value", "own.csv", "sound_cases"),
    ),
}
GUIDE = (ROOT / "docs" / "data-scientists.md").read_text(encoding="utf-8")


def read(name: str) -> Any:
    import nbformat

    path = ROOT / "examples" / f"{name}.ipynb"
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call] # it has no stubs


def said(name: str, folder: Path) -> str:
    """Gives all that the executed notebook shows: texts of its outputs, one after another."""
    from nbclient import NotebookClient

    notebook = read(name)
    (parameters,) = (
        cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])
    )
    parameters.source, _ = NOTEBOOKS[name]
    with pytest.MonkeyPatch.context() as environment:
        for variable, place in {
            "PYTHONPATH": ROOT,
            "TMPDIR": folder,
            "IPYTHONDIR": folder,
            "MPLCONFIGDIR": folder,
        }.items():
            environment.setenv(variable, str(place))
        environment.setenv("OMP_NUM_THREADS", "1")
        executed = NotebookClient(
            notebook,
            timeout=ENDS_WITHIN,
            resources={"metadata": {"path": str(folder)}},
        ).execute()
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    texts = [
        output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs
    ]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    return "\n".join([*texts, f"{len(pictures)} picture"])


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_committed_clean_and_says_loudly_that_its_data_are_synthetic(
    name: str,
) -> None:
    import nbformat

    committed = read(name)
    nbformat.validate(committed)
    code = [cell for cell in committed.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert "THE DATA ARE SYNTHETIC" in committed.cells[0].source


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_goes_all_its_way(name: str, tmp_path: Path) -> None:
    shown = said(name, tmp_path)
    _, promised = NOTEBOOKS[name]
    for words in promised:
        assert words in shown, words


def test_every_snippet_of_the_guide_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    snippets = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    assert len(snippets) >= 2
    random = np.random.default_rng(0)
    rows = random.normal(size=(1_500, 3))
    names: dict[str, Any] = {
        "X": rows,
        "mix": random.integers(0, 2, 1_500),
        "outcome": random.random(1_500),
    }
    for snippet in snippets:
        exec(snippet, names)
    assert names["learned"].values(rows).shape == (1_500, 2)


@pytest.mark.parametrize("name", [*FEATURES.names, *REFERENCES, *LOGGED])
def test_every_column_of_logged_cases_is_in_the_guide_with_its_bound(name: str) -> None:
    (row,) = re.findall(rf"^\| {name} \| (.*?) \|", GUIDE, re.MULTILINE)
    if name in FEATURES.names:
        assert row == FEATURES[name].bound


@pytest.mark.parametrize("name", sorted(main.list_commands(click.Context(main))))
def test_every_command_is_in_the_guide(name: str) -> None:
    assert f"python -m training {name}" in GUIDE
