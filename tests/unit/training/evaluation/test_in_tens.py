"""Figures that go out with a version tell of no few cases, in counts or in shares."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.training.evaluation.figures_builder import some_figures
from training.evaluation.estimators import (
    effective_cases,
    estimate,
    policy_values,
    policy_weights,
)
from training.evaluation.figures import Figures, GroupFigures, PolicyFigures
from training.evaluation.in_tens import figures_in_tens

# Made once: they take longer than what is tried.
FIGURES = some_figures()
LOTTERY = 5000


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


def of_a_lottery(chosen: int, reached: int) -> PolicyFigures:
    """Gives what is told of a mix that a lottery gave to so many, so many of whom reached the goal.

    Whoever knows the lottery knows every weight.
    """
    mix, outcome = np.zeros(LOTTERY), np.zeros(LOTTERY)
    mix[:chosen], outcome[:reached] = 1, 1
    policy, mu = np.tile([0.0, 1.0], (LOTTERY, 1)), np.full((LOTTERY, 2), 0.5)
    chance = np.where(mix == 1, 0.1, 0.9)
    given = mix.astype(np.int64)
    weights = policy_weights(policy, given, chance)
    found = replace(
        FIGURES.policies[-1],
        name="uniform:A",
        estimates=policy_values(policy, mu, given, outcome, chance),
        effective_cases=effective_cases(weights),
        matched=chosen,
    )
    (told,) = figures_in_tens(replace(FIGURES, policies=(found,))).policies
    # Those that use a model of outcomes depend on every case of the log.
    return replace(told, estimates={name: told.estimates[name] for name in ("snips", "ips")})


@pytest.mark.parametrize("seed", range(5))
def test_of_a_lottery_neither_how_many_got_a_mix_nor_for_whom_it_went_well_is_told(
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    chosen = int(rng.integers(300, 700))
    reached = int(rng.integers(50, chosen - 50))
    told = of_a_lottery(chosen, reached)
    near = range(-7, 8)
    same = [
        (chosen + more, reached + better)
        for more in near
        for better in near
        if of_a_lottery(chosen + more, reached + better) == told
    ]
    assert len({chosen for chosen, _ in same}) >= 3
    assert len({reached for _, reached in same}) >= 3


def a_group(rng: np.random.Generator, outcome: np.ndarray) -> GroupFigures:
    """Gives what is measured of a group whose cases reached the goal or not."""
    cases = len(outcome)
    noise = rng.normal(0.03, 0.4, cases)
    return replace(
        FIGURES.groups[0],
        cases=cases,
        candidate=estimate(outcome + noise, None),
        logged=estimate(outcome.astype(np.float64), None),
        gain=estimate(noise, None),
        minutes=float(rng.choice([8, 26, 58, 150], cases).mean()),
        logged_minutes=float(rng.choice([8, 26, 58, 150], cases).mean()),
    )


def told_of(group: GroupFigures) -> GroupFigures:
    [told] = figures_in_tens(replace(FIGURES, groups=(group,), overlap=())).groups
    return told


@pytest.mark.parametrize("cases", [50, 61, 148, 997])
def test_no_number_of_cases_can_be_reckoned_from_what_is_told_of_a_group(cases: int) -> None:
    # All less the groups that are shown would be the one that is not.
    rng = np.random.default_rng(cases)
    for _ in range(5):
        told = told_of(a_group(rng, (rng.random(cases) < 0.45).astype(np.float64)))
        assert told.logged
        assert told.candidate
        assert told.gain
        value = told.logged.value
        # Who reckons knows the gain, and so takes it off what the candidate comes to.
        assert told.candidate.value - told.gain.value == pytest.approx(value)
        errors = (told.gain.high - told.gain.low) / told.gain.error

        # Each number of cases that the ten may stand for has some whole sum that is told like this,
        # with its error and its interval.
        for count in range(told.cases - 4, told.cases + 5):
            near = range(int(value * count) - 2, int(value * count) + 4)
            others = [
                told_of(a_group(rng, np.arange(count) < one)) for one in near if 0 <= one <= count
            ]
            assert any(
                other.cases == told.cases and other.logged == told.logged for other in others
            )
            for other in others:
                assert other.gain
                own = (other.gain.high - other.gain.low) / other.gain.error
                assert own == pytest.approx(errors, rel=1e-12)
            minutes = np.round(np.arange(8 * count, 150 * count + 1) / count, 1)
            assert (minutes == told.minutes).any()
            assert (minutes == told.logged_minutes).any()
        # The share is of what else is told, and so tells nothing more.
        total = FIGURES.held_out.cases * FIGURES.policies[0].minutes
        assert told.minutes
        assert told.hours_share == pytest.approx(told.cases * told.minutes / total)
        assert told.logged.low < value < told.logged.high


@pytest.mark.parametrize("reached", [0, 60])
def test_that_all_or_none_of_a_group_reached_the_goal_is_told_as_if_one_did_otherwise(
    reached: int,
) -> None:
    rng = np.random.default_rng(reached)
    logged = told_of(a_group(rng, (np.arange(60) < reached).astype(np.float64))).logged
    nearly = abs(reached - 1)
    assert logged == told_of(a_group(rng, (np.arange(60) < nearly).astype(np.float64))).logged
    assert logged
    assert logged.error > 0


def test_how_wide_an_interval_is_tells_no_number_of_cases() -> None:
    rng = np.random.default_rng(5)
    found = FIGURES
    assert found.handed_over
    widths = []
    for cases in (206, 214):
        part = estimate(rng.normal(0, 0.4, cases), None)
        exact = replace(found, handed_over=(replace(found.handed_over[0], kept=part, given=part),))
        assert exact.handed_over
        told = figures_in_tens(exact).handed_over
        assert told
        for one in (told[0].kept, told[0].given):
            assert one
            widths.append((one.high - one.low) / one.error)
    assert widths == pytest.approx([widths[0]] * 4, rel=1e-12)
