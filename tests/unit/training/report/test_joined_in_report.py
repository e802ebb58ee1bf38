"""The report on what was known beforehand, and on what handing over would be worth."""

from dataclasses import replace

import pytest

from tests.unit.training.evaluation.figures_builder import a_handed_over, a_joined, some_figures
from tests.unit.training.evaluation.tables_builder import a_report
from training.evaluation.figures import Figures
from training.evaluation.figures_json import from_json, to_json
from training.report.words import evidence_words, handed_over_words


def test_figures_of_both_are_kept_as_plain_values() -> None:
    figures = some_figures()
    assert from_json(to_json(figures), Figures).evidence == figures.evidence
    assert from_json(to_json(figures), Figures).handed_over == figures.handed_over


def test_a_report_says_what_the_log_added_to_findings() -> None:
    assert "What the log added to published findings" in a_report()
    people, means = evidence_words(a_joined())
    assert "the log says 1.49 (standard error 1.29). The model takes 0.95." in people
    assert "findings and log agree" in means


def test_a_report_says_that_findings_and_log_contradict_each_other() -> None:
    _, means = evidence_words(a_joined(conflict=True, chi_square=14.4))
    assert "contradict each other" in means
    assert "the log's alone" in means


def test_a_report_values_handing_over_by_threshold() -> None:
    assert "What if less sure cases were handed over" in a_report()
    assert "11.0%" in a_report()


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.001, 0.003, "pays"), (-0.003, -0.001, "costs"), (-0.001, 0.001, "cannot be told")],
)
def test_whether_handing_over_pays_is_said_only_where_the_interval_says_so(
    low: float, high: float, said: str
) -> None:
    assert said in handed_over_words((a_handed_over(low, high),))


@pytest.mark.parametrize(
    ("low", "high", "said"), [(0.001, 0.003, "pays"), (-0.003, -0.001, "costs")]
)
def test_a_lead_of_nought_is_told_as_the_cases_that_are_in_doubt_anyway(
    low: float, high: float, said: str
) -> None:
    told = handed_over_words((replace(a_handed_over(low, high), standard_errors=0.0),))
    assert said in told
    assert "cases in doubt" in told
    assert "below 0" not in told
