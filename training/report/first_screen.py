"""What a leader reads first, in words: yes, no or cannot say; the gain; the hours it would use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.evaluation.figures import Difference, Figures
from training.report.words import (
    CASES,
    COMPARED,
    enough_overlap,
    hours,
    names,
    number,
    point_range,
    points,
    signed,
)
from training.report.words import condition as condition_words

if TYPE_CHECKING:
    from training.evaluation.gate import Verdict

MORE_HOURS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """The candidate against one policy, in words."""

    than: str
    points: str
    interval: str
    meaning: str
    minutes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstScreen:
    """The first screen.

    Attributes:
        state: "pass", "fail" or "unknown"; how the page is coloured, never by colour alone.
        answer: yes, no or cannot say.
        sentence: what follows from it.
        failed: names of the gate's failed conditions.
        gains: against each policy that was compared.
        missing: comparisons that could not be made, in words.
        minutes: adviser minutes a case that it would use.
        hours: per 1,000 cases.
        hours_now: hours per 1,000 cases of today's rule and of the logged practice, in words.
    """

    state: str
    answer: str
    sentence: str
    failed: tuple[str, ...]
    gains: tuple[Gain, ...]
    missing: tuple[str, ...]
    minutes: str
    hours: str
    hours_now: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreHours:
    """What 40 more adviser hours per 1,000 cases would buy from some level on, in words."""

    start: str
    minutes: float
    goals: str


def first_screen(figures: Figures, verdict: Verdict) -> FirstScreen:
    """Makes the first screen of a report.

    Raises:
        ValueError: if the figures have no candidate.
    """
    candidate = figures.policy("candidate")
    if candidate is None:
        raise ValueError("figures: lack the policy candidate")

    state, answer, sentence = _answer(figures, verdict)
    failed = [one.name for one in verdict.conditions if not one.passed]
    others = [one for name in COMPARED if (one := figures.policy(name)) is not None]
    found = {than: figures.difference(than) for than in COMPARED}

    return FirstScreen(
        state=state,
        answer=answer,
        sentence=sentence,
        failed=tuple(_failed(figures, name) for name in failed),
        gains=tuple(_gain(figures, one) for one in found.values() if one is not None),
        missing=tuple(_missing(figures, than) for than, one in found.items() if one is None),
        minutes=number(candidate.minutes),
        hours=number(hours(candidate.minutes)),
        hours_now=tuple(
            f"{names().policy(one.name)} {number(hours(one.minutes))}" for one in others
        ),
    )


def _answer(figures: Figures, verdict: Verdict) -> tuple[str, str, str]:
    # Asked first: without overlap the gate's other answers mean nothing.
    if not enough_overlap(figures):
        then = "Collect more varied follow-up first." if verdict.passed else "Do not promote it."
        return (
            "unknown",
            "We cannot say yet",
            "Advisers followed up too few people the way this version would have it. "
            f"So the log cannot tell what it is worth. {then}",
        )
    if verdict.passed:
        return (
            "pass",
            "Yes, it may be promoted",
            "It meets every condition of the gate. A person still has to promote it.",
        )

    failed = sum(not condition.passed for condition in verdict.conditions)
    of = f"{failed} of the gate's {len(verdict.conditions)} conditions"
    return "fail", "No, it may not be promoted", f"It does not meet {of}."


def _gain(figures: Figures, one: Difference) -> Gain:
    outcome = one.outcome
    goals = round(outcome.value * CASES)
    more = "more" if goals > 0 else "fewer"
    untold = [name for name in ("candidate", one.than) if not enough_overlap(figures, name)]
    if untold:
        # Not "no difference": nobody knows.
        policy = names().policy(untold[0])
        meaning = f"cannot be told: advisers followed up too few as {policy} would have it"
    elif outcome.low > 0:
        meaning = f"about {number(abs(goals))} {more} of {number(CASES)} reach their goal"
    elif outcome.high < 0:
        meaning = f"worse: about {number(abs(goals))} {more} of {number(CASES)} reach their goal"
    else:
        meaning = "no evidence of a difference: the interval includes zero"
    return Gain(
        than=names().policy(one.than),
        points=points(outcome.value),
        interval=point_range(outcome),
        meaning=meaning,
        minutes=f"{signed(one.minutes, 0)} minutes per case",
    )


def _failed(figures: Figures, name: str) -> str:
    """Names a condition that is not met, and whether that is only because nobody can tell."""
    than = name.removeprefix("beats_")
    untold = than != name and figures.policy(than) is not None and not enough_overlap(figures, than)
    return f"{condition_words(name)} (cannot be told)" if untold else condition_words(name)


def _missing(figures: Figures, than: str) -> str:
    if than == "promoted" and not figures.promoted:
        return "No model is promoted yet, so there is none to compare with."
    return f"We did not measure the comparison with {names().policy(than)}."


def forty_hours(figures: Figures) -> tuple[MoreHours, ...]:
    """Reads off the cost curve what 40 more hours per 1,000 cases buy, from each main policy on."""
    curve = sorted(figures.cost_curve, key=lambda point: point.minutes)
    if len(curve) < 2:
        return ()
    minutes = np.array([point.minutes for point in curve])
    outcome = np.array([point.outcome.value for point in curve])

    more = MORE_HOURS * 60 / CASES
    found = []
    # From what is done today and what is advised: what would more hours buy there?
    starts = [
        (f"the hours of {names().policy(p.name)}", p.minutes)
        for p in figures.policies
        if ":" not in p.name
    ]
    starts.append(("the curve's tightest budget", float(minutes[0])))
    for start, at in sorted(starts, key=lambda item: item[1]):
        # Nothing is read off beyond the curve's ends, where nothing was measured.
        if at < minutes[0]:
            goals = "not known: less than the safeguards permit"
        elif at + more > minutes[-1]:
            goals = "none known: here the line ends"
        else:
            now, then = np.interp([at, at + more], minutes, outcome)
            goals = signed(CASES * float(then - now))
        found.append(MoreHours(start=start, minutes=at, goals=goals))
    return tuple(found)
