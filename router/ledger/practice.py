"""Offices beside each other as learning: what is usual for the same kind of cases.

It is never a ranking. No office but the reader's own is named or can be told from the figures, and
nothing is told of advisers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from router.cases.features import FEATURES
from router.ledger.arithmetic import Flags
from router.ledger.entries import EPOCH, Entries
from router.ledger.tens import MEAN_OF

OFFICES_AT_LEAST = 3
"""Other offices that a comparison needs: fewer could be told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """What offices agree with users of one need group.

    Attributes:
        group: value of need_group.
        own: planned minutes a case at the own offices; None when all offices are looked at
            together.
        median: of the other offices' planned minutes a case.
        lowest: of them.
        highest: of them.
        offices: how many others, each with at least thirty such cases.
        own_mix: what the own offices agree on most often; None as `own`.
        usual_mix: what most of the others agree on most often.
        usual_at: at how many of them.
    """

    group: str
    own: float | None
    median: float
    lowest: float
    highest: float
    offices: int
    own_mix: str | None
    usual_mix: str
    usual_at: int


def practices(
    entries: Entries, own: Collection[str], known: Collection[str], first: date, last: date
) -> tuple[Practice, ...]:
    """Compares practice by need group, over cases with a choice in the period.

    Args:
        entries: of the whole journal, in tens.
        own: the reader's office; several are looked at together, without an own one.
        known: offices to compare: those with a policy.
        first: first day.
        last: last day, inclusive.

    Returns:
        One for each need group with at least three other offices and, with an own one, thirty own
        cases.
    """
    days = (entries.day >= (first - EPOCH).days) & (entries.day <= (last - EPOCH).days)
    agreed = entries.where(days & entries.chosen & (entries.left_out == ""))
    mine = next(iter(own)) if len(own) == 1 else None
    found = []
    for group in FEATURES["need_group"].values:
        cases = agreed.where(agreed.group["need_group"] == group)
        if (one := _practice(group, cases, mine, sorted(known))) is not None:
            found.append(one)
    return tuple(found)


def _practice(
    group: str, cases: Entries, mine: str | None, known: Sequence[str]
) -> Practice | None:
    flags = {office: cases.office == office for office in known}
    enough = {office: which for office, which in flags.items() if which.sum() >= MEAN_OF}
    # Without the own office: what is usual elsewhere must not follow from its own figure.
    others = [which for office, which in enough.items() if office != mine]
    if len(others) < OFFICES_AT_LEAST or (mine is not None and mine not in enough):
        return None

    minutes = [float(cases.planned[which].mean()) for which in others]
    usual = [_commonest(cases, which) for which in others]
    # Sorted, so that of mixes that are equally usual it is always the same one.
    usual_mix = max(sorted(set(usual)), key=usual.count)
    return Practice(
        group=group,
        own=None if mine is None else float(cases.planned[enough[mine]].mean()),
        median=float(np.median(minutes)),
        lowest=min(minutes),
        highest=max(minutes),
        offices=len(others),
        own_mix=None if mine is None else _commonest(cases, enough[mine]),
        usual_mix=usual_mix,
        usual_at=usual.count(usual_mix),
    )


def _commonest(cases: Entries, which: Flags) -> str:
    mixes, counts = np.unique(cases.mix[which].astype(str), return_counts=True)
    return str(mixes[counts.argmax()])
