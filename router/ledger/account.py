"""The ledger of one office, or of several together, over a period.

Here is every figure that is told; small cells are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from router.decision.catalogue import DAYS_PER_WEEK, Catalogue
from router.decision.policy import Policy
from router.decision.schema import UNKNOWN
from router.ledger.arithmetic import (
    Balance,
    Flags,
    Floats,
    Tier,
    Whole,
    balances,
    tiers_of,
    together,
)
from router.ledger.contacts import ChannelFigures, channel_figures
from router.ledger.entries import EPOCH, GROUPS, REPEATED, WITHHELD, Entries
from router.ledger.intervals import Interval, share
from router.ledger.small_cells import AT_LEAST, hidden, small
from router.mendable import Mendable

DIRECTIONS = ("SAME", "MORE", "LESS")


class LedgerRefused(Mendable, ValueError):
    """The ledger cannot be made as asked; the message names what, why and what is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The cases of one kind.

    A figure is None where there are 1 to 9 of them, or it would tell of so few.

    Attributes:
        name: of the kind.
        estimated: by catalogue minutes of the mixes agreed, all cases.
        measured: by minutes really spent, only cases whose time was reported.
        planned: by catalogue minutes, the same cases as `measured`.
    """

    name: str
    estimated: Balance | None
    measured: Balance | None
    planned: Balance | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The figures of some offices and a period, dates inclusive.

    Attributes:
        offices: their references, sorted.
        first: first day.
        last: last day.
        cases: that count.
        total: all of them.
        tiers: by `Tier`, the weakest first.
        groups: by field, then by value.
        weeks: by the Monday they begin on.
        weeks_by_tier: as `weeks`, and within each by tier.
        capacity: adviser minutes that the offices have in the period.
        choices: by direction against the advice shown.
        overrides: share of choices that differ from it; None if it rests on fewer than ten.
        reached: share of outcomes that reached their goal.
        outcomes: how many there are.
        waiting_for_choice: cases without a choice.
        waiting_for_outcome: chosen, without an outcome.
        left_out: recommendations in no sum, by why.
        contacts: by channel.
        synthetic: whether advice came from a model learned from synthetic data.
    """

    offices: tuple[str, ...]
    first: date
    last: date
    cases: int
    total: Part
    tiers: tuple[Part, ...]
    groups: Mapping[str, tuple[Part, ...]]
    weeks: tuple[Part, ...]
    weeks_by_tier: tuple[tuple[Part, ...], ...]
    capacity: int
    choices: Mapping[str, int | None]
    overrides: Interval | None
    reached: Interval | None
    outcomes: int
    waiting_for_choice: int
    waiting_for_outcome: int
    left_out: Mapping[str, int]
    contacts: tuple[ChannelFigures, ...]
    synthetic: bool


def account(
    entries: Entries, policies: Mapping[str, Policy], catalogue: Catalogue, first: date, last: date
) -> Ledger:
    """Makes the ledger of the offices whose policies are given, together.

    Args:
        entries: of the whole journal.
        policies: by office, of those to tell of.
        catalogue: the mixes.
        first: first day, by the day of the choice; of the recommendation while there is no choice.
        last: last day, inclusive.

    Raises:
        LedgerRefused: if the period ends before it begins, no office is given, or an office has no
            baseline.
    """
    _check(policies, first, last)
    days = (entries.day >= (first - EPOCH).days) & (entries.day <= (last - EPOCH).days)
    asked_for = np.isin(entries.office.astype(str), sorted(policies))
    every = entries.where(days & asked_for)
    found = every.where(every.left_out == "")

    parts = _Parts(found, baseline_of(found, policies))
    week, mondays = _weeks(found, first, last)
    tier, tiers = tiers_of(found.weight), [each.name for each in Tier]
    # One table of weeks and tiers, so that a small cell is hidden along both sides.
    cells = parts.split(week * len(tiers) + tier, tiers * len(mondays), len(mondays))
    starts = range(0, len(cells), len(tiers))

    minutes_a_week = sum((one.minutes_per_week or 0) for one in policies.values())
    directions = np.array([(found.direction == one).sum() for one in DIRECTIONS], np.int64)
    answered = found.outcome[~np.isnan(found.outcome)]
    return Ledger(
        offices=tuple(sorted(policies)),
        first=first,
        last=last,
        cases=len(found),
        total=parts.total(),
        tiers=parts.split(tier, tiers),
        groups={name: parts.split(*_by_value(found, name)) for name in GROUPS},
        weeks=parts.split(week, [str(monday) for monday in mondays]),
        weeks_by_tier=tuple(cells[start : start + len(tiers)] for start in starts),
        capacity=round(minutes_a_week * _length(first, last)),
        choices=dict(zip(DIRECTIONS, _unless_small(directions), strict=True)),
        overrides=_overrides(directions),
        reached=_reached(answered),
        outcomes=len(answered),
        waiting_for_choice=int((~found.chosen).sum()),
        waiting_for_outcome=int((found.chosen & np.isnan(found.outcome)).sum()),
        left_out={why: int((every.left_out == why).sum()) for why in (REPEATED, WITHHELD)},
        contacts=channel_figures(found, catalogue),
        synthetic=entries.synthetic,
    )


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
    """Splits cases and leaves small cells out."""

    def __init__(self, entries: Entries, baseline: Whole) -> None:
        self._baseline = baseline
        self._planned = entries.planned
        self._spent = entries.spent
        self._measured = entries.measured

    def _sums(
        self, groups: Whole, count: int
    ) -> tuple[list[Balance], list[Balance], list[Balance]]:
        known = self._measured
        return (
            balances(self._baseline, self._planned, groups, count),
            balances(self._baseline[known], self._spent[known], groups[known], count),
            balances(self._baseline[known], self._planned[known], groups[known], count),
        )

    def total(self) -> Part:
        """Gives all cases.

        A remainder that was not measured may be small: it tells of no kind of case.
        """
        ((estimated,), (measured,), (planned,)) = self._sums(
            np.zeros(len(self._baseline), np.int64), 1
        )
        known = 0 < estimated.cases < AT_LEAST, 0 < measured.cases < AT_LEAST
        return Part(
            name="",
            estimated=None if known[0] else estimated,
            measured=None if any(known) else measured,
            planned=None if any(known) else planned,
        )

    def split(self, groups: Whole, names: Sequence[str], rows: int = 0) -> tuple[Part, ...]:
        """Gives a part for each name; with `rows`, cells of a table of so many rows, row by row."""
        estimated, measured, planned = self._sums(groups, len(names))
        shape = (rows, -1) if rows else (-1,)
        cases, known = (
            np.array([one.cases for one in sums], np.int64) for sums in (estimated, measured)
        )

        hide = hidden(cases.reshape(shape)).ravel()
        # Also hidden where few cases are not measured: they are what both figures together leave.
        hide_known = hidden(
            known.reshape(shape), (hide | small(cases - known)).reshape(shape)
        ).ravel()
        return tuple(
            Part(
                name=name,
                estimated=None if hide[at] else estimated[at],
                measured=None if hide_known[at] else measured[at],
                planned=None if hide_known[at] else planned[at],
            )
            for at, name in enumerate(names)
        )


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


def _unless_small(counts: Whole) -> list[int | None]:
    return [
        None if hide else int(count) for hide, count in zip(hidden(counts), counts, strict=True)
    ]


def _overrides(directions: Whole) -> Interval | None:
    total, same = int(directions.sum()), int(directions[0])
    # A share of many cases tells of few as well, if nearly all of them are alike.
    if total < AT_LEAST or small(np.array([same, total - same])).any():
        return None
    # How many differ is known, not which; a share needs no more.
    differs: Flags = np.arange(total) >= same
    return share(differs.astype(np.float64))


def _reached(outcomes: Floats) -> Interval | None:
    reached = round(float(outcomes.sum()))
    if len(outcomes) < AT_LEAST or small(np.array([reached, len(outcomes) - reached])).any():
        return None
    return share(outcomes)


def sum_of(parts: Sequence[Part]) -> Balance:
    """Sums the estimated balance of the parts that are shown."""
    return together(part.estimated for part in parts if part.estimated is not None)
