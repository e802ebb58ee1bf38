"""Figures to JSON and back: the committed ones to the byte, and what is wrong by its path."""

from pathlib import Path

import pytest

from tests.builders import ROOT
from tests.unit.training.evaluation.figures_builder import some_figures
from training.evaluation.figures import Figures
from training.evaluation.figures_json import from_json, to_json
from training.evaluation.gate import Verdict

COMMITTED = sorted((ROOT / "models").glob("*/figures.json"))


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.parent.name)
@pytest.mark.parametrize(("name", "kind"), [("figures.json", Figures), ("gate.json", Verdict)])
def test_what_was_committed_is_written_again_to_the_byte(
    path: Path, name: str, kind: type[Figures] | type[Verdict]
) -> None:
    text = path.with_name(name).read_text(encoding="utf-8")
    assert to_json(from_json(text, kind)) == text


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"version": "2026-12",', "", "Figures: .*`version`"),
        ('"trained_on": 44870', '"trained_on": "many"', r"Expected `int`.*\$\.trained_on"),
        ('"outcome": {', '"outcome": {"low": null, ', r"\$\.differences\[0\]\.outcome\.low"),
        ('"1": [', '"1": [1,', r"\$\.sensitivity\[0\]\.bounds"),
        ('"by": "time"', '"by": "time', "Figures: JSON is malformed"),
    ],
    ids=["missing", "of another type", "null", "too long", "no JSON"],
)
def test_what_is_wrong_is_named_by_its_path(old: str, new: str, says: str) -> None:
    text = to_json(some_figures())
    assert old in text
    with pytest.raises(ValueError, match=says):
        from_json(text.replace(old, new, 1), Figures)


def test_a_number_that_is_not_finite_is_not_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json(some_figures(clipped=float("nan")))
