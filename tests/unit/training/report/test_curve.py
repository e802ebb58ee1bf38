"""What the report says more cases would buy, where that was measured."""

import pytest

from router.drawing.drawing import TwoShapes
from tests.plain_language import faults
from tests.unit.training.evaluation.figures_builder import (
    a_manifest,
    a_verdict,
    an_estimate,
    some_figures,
)
from tests.unit.training.evaluation.parts_builder import CATALOGUE
from tests.unit.training.evaluation.tables_builder import a_report, some_drawings, some_tables
from training.evaluation.figures import LearnedFrom
from training.report.curve_drawings import learning_curve
from training.report.page import page
from training.report.words import curve_words


@pytest.mark.parametrize(
    ("more", "error", "says"),
    [
        (0.01, 0.003, "More cases pay: the last doubling gave 1.0 percentage points more"),
        (0.01, 0.02, "We cannot tell whether more cases pay"),
        (-0.01, 0.003, "More cases did not pay"),
    ],
)
def test_one_sentence_says_whether_more_cases_pay(more: float, error: float, says: str) -> None:
    value = an_estimate(0.5, 0.01)
    found = (LearnedFrom(cases=20_000, value=value, more=an_estimate(more, error)),)
    assert says in curve_words(found)
    assert not list(faults("en", curve_words(found)))


def test_the_report_has_the_section_where_it_was_measured_and_else_none() -> None:
    assert '<h2 id="curve">' in a_report()
    drawn: dict[str, TwoShapes | None] = some_drawings() | {"learning_curve": None}
    figures = some_figures(learning_curve=None)
    without = page(figures, a_verdict(), some_tables(), CATALOGUE, a_manifest(), drawn)
    assert 'id="curve"' not in without
    assert "#curve" not in without
    assert learning_curve(figures) is None
