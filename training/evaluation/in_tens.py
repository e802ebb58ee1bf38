"""Figures as they may be published with a version: no count of single cases, nor what gives one.

Counts are in tens, and so are the counts that shares come to. A group that is suppressed has no
count at all. What others of its field have is told so coarsely that no number of cases can be
reckoned from it: a mean of ones and noughts with all its digits is a fraction, whose denominator is
the number of cases, and all cases less those of all others would be the group's that is not shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from router.decision.whole_tens import nearest_ten, whole_tens
from training.evaluation.figures import (
    Diagnostics,
    Estimate,
    Figures,
    GroupFigures,
    MixOverlap,
    PolicyFigures,
)


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
        else tuple(replace(one, share=share(one.share)) for one in figures.handed_over),
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
    return replace(
        one,
        matched=nearest_ten(one.matched),
        rare=share_in_tens(one.rare, cases),
        mixes=_shares(one.mixes, cases),
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
    return replace(
        one,
        cases=cases,
        # `gain` keeps its digits, for the gate: without those of these two it gives nothing away.
        candidate=_coarse(one.candidate, cases),
        logged=_coarse(one.logged, cases),
        minutes=minutes,
        logged_minutes=_minutes(one.logged_minutes),
        # Of what is told of it, and of nothing else.
        hours_share=None
        if minutes is None
        else min(1.0, cases * minutes / max(all_minutes, 1e-12)),
        mixes=None if one.mixes is None else _shares(one.mixes, cases),
    )


def _coarse(one: Estimate | None, cases: int) -> Estimate | None:
    """Rounds a mean of ones and noughts so that any number of cases near this one may have it."""
    if one is None:
        return None
    step = 2 / cases
    value, error, low, high = (
        round(exact / step) * step for exact in (one.value, one.error, one.low, one.high)
    )
    return Estimate(value=value, error=error, low=low, high=high)


def _minutes(exact: float | None) -> float | None:
    """Rounds mean minutes: whole minutes of fifty cases and more then come to any sum nearby."""
    return None if exact is None else round(exact, 1)


def _diagnostics(found: Diagnostics) -> Diagnostics:
    counts = _counts([one.cases for one in found.mixes])
    mixes = tuple(replace(one, cases=count) for one, count in zip(found.mixes, counts, strict=True))
    return replace(found, mixes=mixes)


def _overlap(one: MixOverlap, cases: int) -> MixOverlap:
    return replace(
        one,
        logged=share_in_tens(one.logged, cases),
        below_one_percent=share_in_tens(one.below_one_percent, cases),
        histogram=tuple(_counts(one.histogram)),
    )
