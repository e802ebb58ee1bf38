"""What the first screen of the report says."""

from dataclasses import replace

import pytest

from tests.unit.training.evaluation.figures_builder import (
    MIXES,
    a_policy_of_figures,
    a_verdict,
    an_estimate,
    no_overlap,
    some_figures,
)
from training.evaluation.figures import Difference
from training.report.first_screen import first_screen, forty_hours


def test_a_version_that_meets_the_gate_may_be_promoted() -> None:
    screen = first_screen(some_figures(), a_verdict())
    assert (screen.state, screen.failed) == ("pass", ())
    assert "about 38 more of 1,000" in screen.gains[0].meaning
    assert screen.hours == "1,548"


def test_a_version_that_misses_two_conditions_may_not_be_promoted_and_they_are_named() -> None:
    screen = first_screen(some_figures(), a_verdict(passed=False))
    assert screen.answer == "No, it may not be promoted"
    assert screen.sentence == "It does not meet 2 of the gate's 7 conditions."
    assert screen.failed == ("beats promoted", "no group worse off")


def test_too_little_overlap_is_neither_yes_nor_no_and_no_gain_is_claimed() -> None:
    screen = first_screen(no_overlap(some_figures()), a_verdict(passed=False))
    assert screen.answer == "We cannot say yet"
    assert all(
        gain.meaning == "cannot be told: advisers followed up too few as this version would have it"
        for gain in screen.gains
    )


def test_a_rival_that_nobody_followed_is_not_said_to_be_no_different() -> None:
    figures = some_figures()
    hollow = tuple(
        replace(one, verdict="not enough overlap to say") if one.name == "todays_rule" else one
        for one in figures.policies
    )
    screen = first_screen(replace(figures, policies=hollow), a_verdict())
    assert {gain.than: gain.meaning for gain in screen.gains}["today's rule"] == (
        "cannot be told: advisers followed up too few as today's rule would have it"
    )


def test_a_gain_whose_interval_includes_zero_is_no_evidence_of_a_difference() -> None:
    unsure = Difference(
        better="candidate", than="logged", outcome=an_estimate(0.01, 0.01), minutes=0.2
    )
    screen = first_screen(some_figures(differences=(unsure,)), a_verdict())
    assert screen.gains[0].meaning == "no evidence of a difference: the interval includes zero"
    assert screen.gains[0].minutes == "0 minutes per case"


def test_a_proven_loss_is_called_worse() -> None:
    loss = Difference(
        better="candidate", than="logged", outcome=an_estimate(-0.03, 0.01), minutes=0.0
    )
    screen = first_screen(some_figures(differences=(loss,)), a_verdict())
    assert screen.gains[0].meaning == "worse: about 30 fewer of 1,000 reach their goal"


def test_without_a_promoted_model_the_first_screen_says_so() -> None:
    figures = some_figures(promoted="", differences=some_figures().differences[1:])
    assert first_screen(figures, a_verdict()).missing == (
        "No model is promoted yet, so there is none to compare with.",
    )


def test_figures_without_a_candidate_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="lack the policy candidate"):
        first_screen(some_figures(policies=some_figures().policies[1:]), a_verdict())


def test_forty_hours_buy_less_the_more_hours_there_are_already() -> None:
    bought = [float(one.goals) for one in forty_hours(some_figures())]
    assert bought == sorted(bought, reverse=True)
    assert bought[0] > 0


def test_hours_beyond_the_curve_are_not_guessed() -> None:
    rich = a_policy_of_figures("candidate", 0.5, {MIXES[-1]: 1.0})
    assert forty_hours(some_figures(policies=(rich,)))[-1].goals == "none known: here the line ends"
