"""Figures that go out with a version tell of no few cases, in counts or in shares."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.training.evaluation.figures_builder import some_figures
from training.evaluation.estimators import estimate
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


@pytest.mark.parametrize("cases", [50, 61, 148, 997, 9_994])
def test_no_number_of_cases_can_be_reckoned_from_what_is_told_of_a_group(cases: int) -> None:
    # All less the groups that are shown would be the one that is not.
    rng = np.random.default_rng(cases)
    for _ in range(20):
        outcome = (rng.random(cases) < 0.45).astype(np.float64)
        scores = outcome + rng.normal(0, 0.4, cases)
        given, got = rng.choice([8, 26, 58, 150], cases), rng.choice([8, 26, 58, 150], cases)
        figures = some_figures()
        exact = replace(
            figures.groups[0],
            cases=cases,
            candidate=estimate(scores, None),
            logged=estimate(outcome, None),
            gain=estimate(scores - outcome, None),
            minutes=float(given.mean()),
            logged_minutes=float(got.mean()),
            hours_share=float(given.sum() / (figures.held_out.cases * figures.policies[0].minutes)),
        )
        [told] = figures_in_tens(replace(figures, groups=(exact,))).groups
        assert told.logged
        assert told.candidate
        assert told.gain
        step = 2 / told.cases

        # Each number of cases that the ten may stand for has some whole sum that is told like this.
        for count in range(told.cases - 5, told.cases + 5):
            mean = np.arange(count + 1) / count
            assert (np.round(mean / step) * step == told.logged.value).any()
            candidate = np.round((mean + told.gain.value) / step) * step
            assert (candidate == told.candidate.value).any()
            minutes = np.round(np.arange(8 * count, 150 * count + 1) / count, 1)
            assert (minutes == told.minutes).any()
            assert (minutes == told.logged_minutes).any()
        # The share is of what else is told, and so tells nothing more.
        total = figures.held_out.cases * figures.policies[0].minutes
        assert told.minutes
        assert told.hours_share == pytest.approx(told.cases * told.minutes / total)
        assert told.logged.error > 0
        assert told.logged.low < told.logged.value < told.logged.high
