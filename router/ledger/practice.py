"""Offices beside each other as learning: what is usual for the same kind of cases.

It is never a ranking. No office but the reader's own is named or can be told from the figures, and
nothing is told of advisers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from router.cases.features import FEATURES
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


Agreed = Mapping[str, Mapping[str, tuple[int, int]]]
"""What was agreed at an office: by need group and mix how many cases, and their planned minutes."""


def agreed(entries: Entries, first: date, last: date) -> Agreed:
    """Counts what was agreed in a period.

    Args:
        entries: of one office, in tens.
        first: first day.
        last: last day, inclusive.
    """
    days = (entries.day >= (first - EPOCH).days) & (entries.day <= (last - EPOCH).days)
    cases = entries.where(days & entries.chosen & (entries.left_out == ""))
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for group in FEATURES["need_group"].values:
        here = cases.group["need_group"] == group
        mixes, planned = cases.mix[here], cases.planned[here]
        found[group] = {
            mix: (int((mixes == mix).sum()), int(planned[mixes == mix].sum()))
            for mix in sorted(set(mixes.tolist()))
        }
    return found


def practices(offices: Mapping[str, Agreed], own: Collection[str]) -> tuple[Practice, ...]:
    """Compares practice by need group, over cases with a choice in the period.

    Args:
        offices: to compare: those with a policy.
        own: the reader's office; several are looked at together, without an own one.

    Returns:
        One for each need group with at least three other offices and, with an own one, thirty own
        cases.
    """
    mine = next(iter(own)) if len(own) == 1 else None
    found = []
    for group in FEATURES["need_group"].values:
        mixes = {office: one[group] for office, one in sorted(offices.items())}
        if (one := _practice(group, mixes, mine)) is not None:
            found.append(one)
    return tuple(found)


def _practice(
    group: str, offices: Mapping[str, Mapping[str, tuple[int, int]]], mine: str | None
) -> Practice | None:
    enough = {office: mixes for office, mixes in offices.items() if _cases(mixes) >= MEAN_OF}
    # Without the own office: what is usual elsewhere must not follow from its own figure.
    others = [mixes for office, mixes in enough.items() if office != mine]
    if len(others) < OFFICES_AT_LEAST or (mine is not None and mine not in enough):
        return None

    minutes = [_minutes(mixes) for mixes in others]
    usual = [_commonest(mixes) for mixes in others]
    # Sorted, so that of mixes that are equally usual it is always the same one.
    usual_mix = max(sorted(set(usual)), key=usual.count)
    return Practice(
        group=group,
        own=None if mine is None else _minutes(enough[mine]),
        median=float(np.median(minutes)),
        lowest=min(minutes),
        highest=max(minutes),
        offices=len(others),
        own_mix=None if mine is None else _commonest(enough[mine]),
        usual_mix=usual_mix,
        usual_at=usual.count(usual_mix),
    )


def _cases(mixes: Mapping[str, tuple[int, int]]) -> int:
    return sum(cases for cases, _ in mixes.values())


def _minutes(mixes: Mapping[str, tuple[int, int]]) -> float:
    return sum(minutes for _, minutes in mixes.values()) / _cases(mixes)


def _commonest(mixes: Mapping[str, tuple[int, int]]) -> str:
    # By name, so that of equals it is always the same one.
    return max(sorted(mixes), key=lambda mix: mixes[mix][0])
