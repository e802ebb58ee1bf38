"""The ledger of one office, or of several together, over a period.

Here is every figure that is told. Told of entries in tens, none is about fewer than ten cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from router.decision.catalogue import DAYS_PER_WEEK, Catalogue
from router.decision.policy import Policy
from router.decision.schema import UNKNOWN
from router.ledger.arithmetic import (
    Balance,
    Tier,
    Whole,
    added,
    balances,
    tiers_of,
)
from router.ledger.contacts import ChannelFigures, ChannelSums, channel_figures, channel_sums
from router.ledger.entries import EPOCH, GROUPS, HORIZON_DAYS, REPEATED, WITHHELD, Entries
from router.ledger.intervals import Interval, share, total
from router.ledger.tens import TEN
from router.mendable import Mendable

SAME = "SAME"
DIRECTIONS = (SAME, "MORE", "LESS")
CHOICE_DAYS = 2 * DAYS_PER_WEEK
"""Days after the advice from which on its choice is waited for."""
# Errors of tens, measured as docs/ledger.md says: hours not allocated are off as if by so many
# cases more, at each office.
_EXTRA_CASES = 400


class LedgerRefused(Mendable, ValueError):
    """The ledger cannot be made as asked; the message names what, why and what is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The cases of one kind.

    Attributes:
        name: of the kind.
        estimated: by catalogue minutes of the mixes agreed, all cases.
        measured: by minutes really spent, only cases whose time was reported.
        planned: by catalogue minutes, the same cases as `measured`.
    """

    name: str
    estimated: Balance
    measured: Balance
    planned: Balance


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What is due by a day, and what is not yet.

    Attributes:
        reports: cases whose plan has ended: their time and outcome should be there.
        reported: of them, whose time was reported.
        without_outcome: of them, with a choice and without an outcome.
        running: cases whose plan has not ended.
        without_choice: cases without a choice whose advice is two weeks old.
        lately: cases without a choice whose advice is younger.
    """

    reports: int
    reported: int
    without_outcome: int
    running: int
    without_choice: int
    lately: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The figures of some offices and a period, dates inclusive.

    Attributes:
        offices: their references, sorted.
        first: first day.
        last: last day.
        as_of: the day it was told on: what is due is due by it.
        cases: that count.
        shown: of them, whose plain advice was shown at once.
        total: all of them.
        squares: sum of squared minutes, by case, that are released or, below nothing, used again.
        tiers: by `Tier`, the weakest first.
        groups: by field, then by value.
        weeks: by the Monday they begin on.
        weeks_by_tier: as `weeks`, and within each by tier.
        capacity: adviser minutes that the offices have in the period.
        choices: by direction against the advice shown.
        outcomes: how many there are.
        goals: sum of the outcomes: how many reached their goal.
        due: what is due, and what is not.
        left_out: recommendations in no sum, by why.
        reports: what is told of channels.
        synthetic: whether advice came from a model learned from synthetic data.
    """

    offices: tuple[str, ...]
    first: date
    last: date
    as_of: date
    cases: int
    shown: int
    total: Part
    squares: int
    tiers: tuple[Part, ...]
    groups: Mapping[str, tuple[Part, ...]]
    weeks: tuple[Part, ...]
    weeks_by_tier: tuple[tuple[Part, ...], ...]
    capacity: int
    choices: Mapping[str, int]
    outcomes: int
    goals: float
    due: Due
    left_out: Mapping[str, int]
    reports: ChannelSums
    synthetic: bool

    @property
    def left(self) -> Interval:
        """Minutes released and not used again, and how far they may be off."""
        return total(
            self.total.estimated.unaccounted,
            self.squares,
            self.cases,
            extra=_EXTRA_CASES * len(self.offices),
            off_by=TEN / 2 * len(self.offices) ** 0.5,
        )

    @property
    def overrides(self) -> Interval | None:
        """Share of choices that differ from the advice shown; None without any choice."""
        count = sum(self.choices.values())
        return share(count - self.choices[SAME], count, off_by=TEN) if count else None

    @property
    def reached(self) -> Interval | None:
        """Share of outcomes that reached their goal; None without any."""
        return share(self.goals, self.outcomes, off_by=TEN) if self.outcomes else None

    @property
    def contacts(self) -> tuple[ChannelFigures, ...]:
        """What is reported and planned by channel."""
        return channel_figures(self.reports)


def account(
    entries: Entries,
    policies: Mapping[str, Policy],
    catalogue: Catalogue,
    first: date,
    last: date,
    as_of: date,
) -> Ledger:
    """Makes the ledger of the offices whose policies are given, together.

    Args:
        entries: of the whole journal; in tens, if anything of it is shown to anybody.
        policies: by office, of those to tell of.
        catalogue: the mixes.
        first: first day, by the day of the choice; of the recommendation while there is no choice.
        last: last day, inclusive.
        as_of: the day that it is told on.

    Raises:
        LedgerRefused: if the period ends before it begins, no office is given, or an office has no
            baseline.
    """
    _check(policies, first, last)
    days = (entries.day >= (first - EPOCH).days) & (entries.day <= (last - EPOCH).days)
    asked_for = np.isin(entries.office.astype(str), sorted(policies))
    every = entries.where(days & asked_for)
    found = every.where(every.left_out == "")

    baseline = baseline_of(found, policies)
    gap = baseline - found.planned
    parts = _Parts(found, baseline)
    week, mondays = _weeks(found, first, last)
    tier = tiers_of(found.weight, found.group["need_group"] != UNKNOWN)
    tiers = [each.name for each in Tier]
    cells = parts.split(week * len(tiers) + tier, tiers * len(mondays))
    starts = range(0, len(cells), len(tiers))

    length = _length(first, last)
    answered = found.outcome[~np.isnan(found.outcome)]
    return Ledger(
        offices=tuple(sorted(policies)),
        first=first,
        last=last,
        as_of=as_of,
        cases=len(found),
        shown=int(found.shown.sum()),
        total=parts.total(),
        squares=int((gap * gap).sum()),
        tiers=parts.split(tier, tiers),
        groups={name: parts.split(*_by_value(found, name)) for name in GROUPS},
        weeks=parts.split(week, [str(monday) for monday in mondays]),
        weeks_by_tier=tuple(cells[start : start + len(tiers)] for start in starts),
        # Each office's by itself, so that what all have is the sum of what is told of each.
        capacity=sum(round((one.minutes_per_week or 0) * length) for one in policies.values()),
        choices={one: int((found.direction == one).sum()) for one in DIRECTIONS},
        outcomes=len(answered),
        goals=float(answered.sum()),
        due=_due(found, as_of),
        left_out={why: int((every.left_out == why).sum()) for why in (REPEATED, WITHHELD)},
        reports=channel_sums(found, catalogue),
        synthetic=entries.synthetic,
    )


def together(ledgers: Sequence[Ledger]) -> Ledger:
    """Gives the ledger of several offices as one: as `account` gives it of all their cases.

    Args:
        ledgers: at least one, of the same days, none of the same office as another.
    """
    first = ledgers[0]
    by_week = zip(*(one.weeks_by_tier for one in ledgers), strict=True)
    return replace(
        first,
        offices=tuple(sorted(office for one in ledgers for office in one.offices)),
        cases=sum(one.cases for one in ledgers),
        shown=sum(one.shown for one in ledgers),
        total=_joined([[one.total] for one in ledgers])[0],
        squares=sum(one.squares for one in ledgers),
        tiers=_joined([one.tiers for one in ledgers]),
        groups={
            name: _joined([one.groups[name] for one in ledgers], in_order=True) for name in GROUPS
        },
        weeks=_joined([one.weeks for one in ledgers]),
        weeks_by_tier=tuple(_joined(parts) for parts in by_week),
        capacity=sum(one.capacity for one in ledgers),
        choices=_counts([one.choices for one in ledgers]),
        outcomes=sum(one.outcomes for one in ledgers),
        goals=sum(one.goals for one in ledgers),
        due=added([one.due for one in ledgers]),
        left_out=_counts([one.left_out for one in ledgers]),
        reports=added([one.reports for one in ledgers]),
        synthetic=any(one.synthetic for one in ledgers),
    )


def _joined(each: Sequence[Sequence[Part]], *, in_order: bool = False) -> tuple[Part, ...]:
    """Adds parts of one name, in the order in which names are met, or of the names."""
    named: dict[str, list[Part]] = {}
    for parts in each:
        for part in parts:
            named.setdefault(part.name, []).append(part)
    return tuple(
        Part(
            name=name,
            estimated=added([one.estimated for one in named[name]]),
            measured=added([one.measured for one in named[name]]),
            planned=added([one.planned for one in named[name]]),
        )
        for name in (sorted(named) if in_order else named)
    )


def _counts(each: Sequence[Mapping[str, int]]) -> dict[str, int]:
    return {name: sum(one[name] for one in each) for name in each[0]}


def baseline_of(entries: Entries, policies: Mapping[str, Policy]) -> Whole:
    """Gives whole minutes by each case's office's practice before, shape (n,)."""
    pairs = zip(entries.office.tolist(), entries.group["need_group"].tolist(), strict=True)
    return np.array([policies[office].baseline_minutes[group] for office, group in pairs], np.int64)


def _check(policies: Mapping[str, Policy], first: date, last: date) -> None:
    if last < first:
        raise LedgerRefused(f"to: {last} is before from, {first}")
    if not policies:
        raise LedgerRefused("office: none is given")
    for office, policy in policies.items():
        if UNKNOWN not in policy.baseline_minutes:
            raise LedgerRefused(
                f"office {office}: its policy has no baseline_minutes, "
                "so nothing can be released against them; "
                f"add them to offices/{office}.toml"
            )


def _length(first: date, last: date) -> float:
    """Counts weeks from the first day to the last, both inclusive."""
    return ((last - first).days + 1) / DAYS_PER_WEEK


class _Parts:
    """Splits cases."""

    def __init__(self, entries: Entries, baseline: Whole) -> None:
        self._baseline = baseline
        self._planned = entries.planned
        self._spent = entries.spent
        self._measured = entries.measured

    def total(self) -> Part:
        """Gives all cases."""
        return self.split(np.zeros(len(self._baseline), np.int64), [""])[0]

    def split(self, groups: Whole, names: Sequence[str]) -> tuple[Part, ...]:
        """Gives a part for each name."""
        known, count = self._measured, len(names)
        estimated, measured, planned = (
            balances(self._baseline, self._planned, groups, count),
            balances(self._baseline[known], self._spent[known], groups[known], count),
            balances(self._baseline[known], self._planned[known], groups[known], count),
        )
        return tuple(
            Part(name=name, estimated=estimated[at], measured=measured[at], planned=planned[at])
            for at, name in enumerate(names)
        )


def _due(entries: Entries, as_of: date) -> Due:
    """Tells what is due: a report that cannot be there yet is not missing."""
    today = (as_of - EPOCH).days
    ended = entries.day + HORIZON_DAYS <= today
    answered = ~np.isnan(entries.outcome)
    late = ~entries.chosen & (entries.day + CHOICE_DAYS <= today)
    flags = {
        "reports": ended,
        "reported": ended & entries.measured,
        "without_outcome": ended & entries.chosen & ~answered,
        "running": ~ended,
        "without_choice": late,
        "lately": ~entries.chosen & ~late,
    }
    return Due(**{name: int(flag.sum()) for name, flag in flags.items()})


def _by_value(entries: Entries, name: str) -> tuple[Whole, list[str]]:
    values = sorted(set(entries.group[name].tolist()))
    places = {value: place for place, value in enumerate(values)}
    return np.array([places[value] for value in entries.group[name].tolist()], np.int64), values


def _weeks(entries: Entries, first: date, last: date) -> tuple[Whole, list[date]]:
    """Gives the number of each entry's week, and the Mondays of all weeks of the period."""
    # Whole weeks from Monday on, also where the period
    # begins within one: weeks of two reports match.
    monday = first - timedelta(days=first.weekday())
    count = (last - monday).days // DAYS_PER_WEEK + 1
    weeks: Whole = (entries.day - (monday - EPOCH).days) // DAYS_PER_WEEK
    return weeks, [monday + timedelta(weeks=week) for week in range(count)]
