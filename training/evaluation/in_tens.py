"""Figures as they may be published with a version: no count of single cases, nor what gives one.

Counts are in tens, and so are the counts that shares come to. A group that is suppressed has no
count at all. What others of its field have is told so coarsely that no number of cases can be
reckoned from it: a mean of ones and noughts with all its digits is a fraction, whose denominator is
the number of cases, and all cases less those of all others would be the group's that is not shown.
So is an interval as many errors wide as Student's t says for just so many cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import stdtridf, stdtrit

from router.decision.whole_tens import TEN, nearest_ten, whole_tens
from training.evaluation.estimators import UPPER
from training.evaluation.figures import (
    LOGGED,
    Diagnostics,
    Estimate,
    Figures,
    GroupFigures,
    HandedOver,
    MixOverlap,
    PolicyFigures,
)

# Degrees of freedom of fewer are those of clusters, such as offices: no number of cases.
_FEWEST_FREEDOM = 44
_DIGITS = 12
# Of the estimators those that are of outcomes and weights alone.
_WEIGHED = ("snips", "ips")
_DIGITS_OF_ERRORS = 2


def figures_in_tens(figures: Figures) -> Figures:
    """Rounds what tells of few cases; figures that are rounded already stay as they are."""
    cases = figures.held_out.cases
    all_minutes = cases * next(
        (one.minutes for one in figures.policies if one.name == "candidate"), 0.0
    )

    def share(exact: float) -> float:
        return share_in_tens(exact, cases)

    return replace(
        figures,
        logged_mixes=dict(
            zip(figures.logged_mixes, _counts([*figures.logged_mixes.values()]), strict=True)
        ),
        policies=tuple(_policy(one, cases) for one in figures.policies),
        groups=tuple(_group(one, all_minutes) for one in figures.groups),
        overlap=tuple(_overlap(one, cases) for one in figures.overlap),
        diagnostics=figures.diagnostics and _diagnostics(figures.diagnostics),
        fields=tuple(replace(one, unknown=share(one.unknown)) for one in figures.fields),
        abstention={status: share(one) for status, one in figures.abstention.items()},
        handed_over=None
        if figures.handed_over is None
        else tuple(_handed_over(one, cases) for one in figures.handed_over),
    )


def _counts(counts: Sequence[int]) -> list[int]:
    rounded: list[int] = whole_tens(np.array(counts, np.int64)).tolist()
    return rounded


def share_in_tens(exact: float, cases: int) -> float:
    """Rounds a share of so many cases, so that the count that it comes to is in tens."""
    return nearest_ten(round(exact * cases)) / cases if cases else exact


def _shares(mixes: dict[str, float], cases: int) -> dict[str, float]:
    """Rounds shares of so many cases, of which each has one mix."""
    counts = _counts([round(share * cases) for share in mixes.values()])
    whole = max(1, sum(counts))
    return {mix: count / whole for mix, count in zip(mixes, counts, strict=True)}


def _policy(one: PolicyFigures, cases: int) -> PolicyFigures:
    matched = nearest_ten(one.matched)
    return replace(
        one,
        estimates={
            name: _weighed(found, matched) if name in _WEIGHED and one.name != LOGGED else found
            for name, found in one.estimates.items()
        },
        effective_cases=float(nearest_ten(round(one.effective_cases))),
        matched=matched,
        rare=share_in_tens(one.rare, cases),
        mixes=_shares(one.mixes, cases),
    )


def _weighed(one: Estimate, matched: int) -> Estimate:
    """Rounds a mean of weighed outcomes.

    In a log by a lottery all weights of a mix are alike: it is the share of its cases that reached
    the goal, or their number, and its error tells how many cases there were.

    Args:
        one: the mean.
        matched: cases that it is of, in tens.
    """
    step = TEN / max(matched, TEN)
    error = float(f"{one.error:.{_DIGITS_OF_ERRORS}g}")
    return _around(round(one.value / step) * step, error, _errors(one))


def _handed_over(one: HandedOver, cases: int) -> HandedOver:
    return replace(
        one,
        share=share_in_tens(one.share, cases),
        kept=one.kept and _in_tens(one.kept),
        given=one.given and _in_tens(one.given),
    )


def _group(one: GroupFigures, all_minutes: float) -> GroupFigures:
    """Rounds a group's figures.

    Args:
        one: the group.
        all_minutes: of all held-out cases under the candidate.
    """
    if one.suppressed:
        return replace(one, cases=0)
    cases = nearest_ten(one.cases)
    minutes = _minutes(one.minutes)
    gain = one.gain and _in_tens(one.gain)
    logged = one.logged and _share_reached(one.logged, gain, one.cases)
    return replace(
        one,
        cases=cases,
        # `gain` keeps its digits, for the gate: without those of these two it gives nothing away.
        candidate=one.candidate and _beside(one.candidate, logged, gain, cases),
        logged=logged,
        gain=gain,
        minutes=minutes,
        logged_minutes=_minutes(one.logged_minutes),
        # Of what is told of it, and of nothing else.
        hours_share=None
        if minutes is None
        else min(1.0, cases * minutes / max(all_minutes, 1e-12)),
        mixes=None if one.mixes is None else _shares(one.mixes, cases),
    )


def _in_tens(one: Estimate) -> Estimate:
    """Gives an estimate the interval that it has if its cases are counted in tens."""
    return _around(one.value, one.error, _errors(one))


def _errors(one: Estimate) -> float:
    """Tells how many errors an interval reaches to either side if its cases are counted in tens.

    0 where there is no error.
    """
    if not one.error:
        return 0.0
    # No bit is left of how exact sums were rounded.
    errors = round((one.high - one.low) / (2 * one.error), _DIGITS)
    freedom = float(stdtridf(UPPER, errors))
    if freedom < _FEWEST_FREEDOM:
        return errors
    return round(float(stdtrit(nearest_ten(round(freedom) + 1) - 1, UPPER)), _DIGITS)


def _around(value: float, error: float, errors: float) -> Estimate:
    return Estimate(
        value=value, error=error, low=value - errors * error, high=value + errors * error
    )


def _share_reached(one: Estimate, gain: Estimate | None, exact: int) -> Estimate:
    """Rounds a mean of ones and noughts so that any number of cases near this one may have it.

    Its error follows from that, but for how many times as large clusters make it.

    Args:
        one: the mean of so many cases.
        gain: of the same cases.
        exact: their number.
    """
    cases = nearest_ten(exact)
    step = 2 / cases
    value = round(one.value / step) * step
    independent = _independent(one.value, exact)
    # If all or none reached the goal nothing varies: told as if one were otherwise.
    times = round(one.error / independent, 1) if one.error else 1.0
    errors = _errors(one) or (_errors(gain) if gain else 0.0)
    return _around(value, times * _independent(value, cases), errors)


def _independent(mean: float, cases: int) -> float:
    """Gives the standard error of a mean of so many independent ones and noughts."""
    inside = min(max(mean, 1 / cases), 1 - 1 / cases)
    return float(np.sqrt(inside * (1 - inside) / cases))


def _beside(one: Estimate, logged: Estimate | None, gain: Estimate | None, cases: int) -> Estimate:
    """Gives what a group comes to by what is told of its log and its gain: no more is known."""
    step = 2 / cases
    value = logged.value + gain.value if logged and gain else round(one.value / step) * step
    return _around(value, one.error, _errors(one))


def _minutes(exact: float | None) -> float | None:
    """Rounds mean minutes: whole minutes of fifty cases and more then come to any sum nearby."""
    return None if exact is None else round(exact, 1)


def _diagnostics(found: Diagnostics) -> Diagnostics:
    counts = _counts([one.cases for one in found.mixes])
    mixes = tuple(
        replace(one, cases=count, missed=_missed(one.missed, one.expected, count))
        for one, count in zip(found.mixes, counts, strict=True)
    )
    return replace(found, mixes=mixes)


def _missed(one: Estimate, expected: float, cases: int) -> Estimate:
    """Rounds what a mean of ones and noughts is above the expected one as such a mean is."""
    step = 2 / max(10, cases)
    seen = round((expected + one.value) / step) * step
    return _around(seen - expected, one.error, _errors(one))


def _overlap(one: MixOverlap, cases: int) -> MixOverlap:
    return replace(
        one,
        logged=share_in_tens(one.logged, cases),
        below_one_percent=share_in_tens(one.below_one_percent, cases),
        histogram=tuple(_counts(one.histogram)),
    )
