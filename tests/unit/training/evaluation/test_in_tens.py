"""Figures that go out with a version tell of no few cases, in counts or in shares."""

from dataclasses import replace

import pytest

from tests.unit.training.evaluation.figures_builder import some_figures
from training.evaluation.figures import Figures
from training.evaluation.in_tens import figures_in_tens


def odd_figures() -> Figures:
    figures = some_figures()
    group = figures.groups[0]
    few = replace(group, group="FEW", cases=7, suppressed=True, mixes=None)
    cases = figures.held_out.cases
    return replace(
        figures,
        groups=(replace(group, cases=8156), few),
        abstention={"RECOMMENDED": 1 - 13 / cases, "NEEDS_ASSESSMENT": 13 / cases},
        overlap=tuple(
            replace(one, histogram=(*one.histogram[:-3], 3, 0, 12)) for one in figures.overlap
        ),
    )


def test_counts_are_in_tens_and_a_suppressed_group_has_none() -> None:
    told = figures_in_tens(odd_figures())
    assert [one.cases for one in told.groups] == [8160, 0]
    assert all(count % 10 == 0 for one in told.overlap for count in one.histogram)
    assert all(one.matched % 10 == 0 for one in told.policies)
    assert all(count % 10 == 0 for count in told.logged_mixes.values())


def test_shares_come_to_tens_of_cases_too() -> None:
    told = figures_in_tens(odd_figures())
    cases = told.held_out.cases
    assert told.abstention["NEEDS_ASSESSMENT"] * cases == pytest.approx(10)
    mixes = told.groups[0].mixes
    assert mixes is not None
    assert sum(mixes.values()) == pytest.approx(1)


def test_figures_in_tens_stay_as_they_are() -> None:
    told = figures_in_tens(odd_figures())
    assert figures_in_tens(told) == told
