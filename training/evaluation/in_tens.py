"""Figures as they may be published with a version: no count of single cases, nor what gives one.

Counts are in tens, and so are the counts that shares come to. A group that is suppressed has no
count at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from router.decision.whole_tens import nearest_ten, whole_tens
from training.evaluation.figures import Figures, GroupFigures, MixOverlap, PolicyFigures


def figures_in_tens(figures: Figures) -> Figures:
    """Rounds what tells of few cases; figures that are rounded already stay as they are."""
    cases = figures.held_out.cases

    def share(exact: float) -> float:
        return share_in_tens(exact, cases)

    return replace(
        figures,
        logged_mixes=dict(
            zip(figures.logged_mixes, _counts([*figures.logged_mixes.values()]), strict=True)
        ),
        policies=tuple(_policy(one, cases) for one in figures.policies),
        groups=tuple(_group(one) for one in figures.groups),
        overlap=tuple(_overlap(one, cases) for one in figures.overlap),
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


def _group(one: GroupFigures) -> GroupFigures:
    mixes = None if one.mixes is None else _shares(one.mixes, one.cases)
    return replace(one, cases=0 if one.suppressed else nearest_ten(one.cases), mixes=mixes)


def _overlap(one: MixOverlap, cases: int) -> MixOverlap:
    return replace(
        one,
        logged=share_in_tens(one.logged, cases),
        below_one_percent=share_in_tens(one.below_one_percent, cases),
        histogram=tuple(_counts(one.histogram)),
    )
