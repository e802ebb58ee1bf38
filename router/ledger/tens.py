"""Cases in tens: what may be told of cases, so that no figure is about fewer than ten.

The cases of an office are taken in the order of their days, ten by ten. Each ten is told as ten
cases like one of them, on the day on which it is full. Whatever is told, of any period, office,
group or mix of them, is then a sum of whole tens, and sums agree with each other in every table.

Nothing about fewer than ten can follow from it, by whatever reckoning: told cases put in tens again
stay as they are, so that what is told may always be the plain truth, and in that truth every set of
cases that can be named holds none or ten at least (ADR 30).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from router.decision.policy import Policy
from router.decision.schema import UNKNOWN
from router.ledger.arithmetic import Tier, Whole, tiers_of
from router.ledger.entries import GROUPS, NOT_SPENT, Entries, Names

TEN = 10
"""Cases that are told together, and minutes to which reported time is rounded."""
MEAN_OF = 3 * TEN
"""Cases that a mean needs: of a single ten it would be the minutes of one case."""
# In minutes, what one case too many or too few in a group is worth when it is asked which of the
# ten is the most like what came: the errors in cases and in hours are then alike.
_CASE = 60
_CONTACT = 20


class Carriers:
    """Days on which the ledger tells of a ten, of each office.

    What else is told of the same cases is told in tens of its own, each with one of these: on its
    day, and no other ten with it. Else the days of two tellings could be set against each other:
    where one tells of ten by a day on which the other has none, fewer than ten came about then.
    Told so, all of it may always be the plain truth together, as the ledger alone may (ADR 30).
    """

    def __init__(self, days: Mapping[str, Whole]) -> None:
        """Takes them.

        Args:
            days: by office, since 1970-01-01 (UTC).
        """
        self._free = {office: np.sort(of) for office, of in days.items()}

    def take(self, office: str, full: Sequence[Whole]) -> list[Whole]:
        """Takes the first free carrier for each ten, in the order in which they are full.

        Args:
            office: reference.
            full: days on which tens were full, rising, one array for each kind of ten.

        Returns:
            For each kind the days of its tens' carriers, rising; the last tens may have none yet.
        """
        free = self._free.get(office, np.zeros(0, np.int64)).tolist()
        waiting = sorted((int(day), kind) for kind, days in enumerate(full) for day in days)
        found: list[list[int]] = [[] for _ in full]
        left: list[int] = []
        at = 0
        for day, kind in waiting:
            while at < len(free) and free[at] < day:
                left.append(free[at])
                at += 1
            if at == len(free):
                break
            found[kind].append(free[at])
            at += 1
        self._free[office] = np.array(left + free[at:], np.int64)
        return [np.array(days, np.int64) for days in found]


def in_tens(entries: Entries, policies: Mapping[str, Policy]) -> Entries:
    """Tells cases in tens.

    Each stands for itself and nine others. Which one does is chosen so that the sums of all told so
    far stay as near the true ones as they can: what one ten says too much, the next ones make up
    for. Errors do not grow with the length of a period (docs/ledger.md has figures).

    Args:
        entries: of the whole journal: a ten begins where the last one ended, whatever the period.
        policies: by office, of those to tell of; cases of others are told of nowhere.

    Returns:
        Entries of these offices, each ten times. The last cases of an office, fewer than ten, are
        not among them yet.
    """
    picked, days = [np.zeros(0, np.intp)], [np.zeros(0, np.int64)]
    rounded = _rounded(entries)
    for stream in _streams(entries, policies):
        came = entries.where(stream)
        baseline = _baseline(came, policies)
        true, told = _columns(came, baseline), _columns(rounded.where(stream), baseline)
        chosen = like_all(true, told)
        picked.append(stream[chosen])
        days.append(days_full(came.day))

    # Copies of a case: so that all that is counted and summed after this needs to know no weights.
    found = rounded.where(np.repeat(np.concatenate(picked), TEN))
    return replace(found, day=np.repeat(np.concatenate(days), TEN))


def days_told(entries: Entries) -> Whole:
    """Gives the days on which the cases of one office are told in tens."""
    parts = [entries.day[entries.left_out == why] for why in set(entries.left_out.tolist())]
    return np.concatenate([np.zeros(0, np.int64), *map(days_full, parts)])


def days_full(day: Whole) -> Whole:
    """Gives the days on which cases that are put in tens together fill one, from those of each.

    They are told on it and on no earlier one: read each day, a ten that appears with an earlier day
    tells that fewer than ten came from then on.
    """
    return np.sort(day)[TEN - 1 :: TEN]


def _streams(entries: Entries, policies: Mapping[str, Policy]) -> Iterator[NDArray[np.intp]]:
    """Gives the places of cases that are put in tens together, by day and then as they came."""
    for office in sorted(policies):
        here = entries.office == office
        # What is in no sum is counted apart, so that a ten holds none of both.
        for why in sorted(set(entries.left_out[here].tolist())):
            places = np.flatnonzero(here & (entries.left_out == why))
            yield places[np.argsort(entries.day[places], kind="stable")]


def _rounded(entries: Entries) -> Entries:
    """Rounds what was reported to ten minutes: no exact report of a single case is told."""
    spent = np.where(entries.measured, np.rint(entries.spent / TEN) * TEN, NOT_SPENT)
    return replace(
        entries, spent=spent.astype(np.int64), minutes=np.rint(entries.minutes / TEN) * TEN
    )


def _baseline(entries: Entries, policies: Mapping[str, Policy]) -> Whole:
    """Gives the practice before, 0 at an office without any, shape (n,)."""
    pairs = zip(entries.office.tolist(), entries.group["need_group"].tolist(), strict=True)
    found = (policies[office].baseline_minutes.get(group, 0) for office, group in pairs)
    return np.fromiter(found, np.int64, len(entries))


def _columns(entries: Entries, baseline: Whole) -> Whole:
    """Gives what should add up to the truth, in minutes, shape (n, columns)."""
    measured = entries.measured
    released, reused = _gap(baseline, entries.planned)
    spent = np.where(measured, entries.spent, baseline)
    tiers = tiers_of(entries.weight, entries.group["need_group"] != UNKNOWN)
    groups = [_each(entries.group[name]) for name in GROUPS]
    groups.append(tiers[:, None] == np.arange(len(Tier)))
    cells = np.concatenate(groups, axis=1).astype(np.int64)

    counts = [
        cells,
        _each(entries.mix),
        _each(entries.direction),
        entries.chosen[:, None],
        entries.shown[:, None],
        measured[:, None],
        ~np.isnan(entries.outcome)[:, None],
        np.nan_to_num(entries.outcome)[:, None],
        entries.contacts > 0,
    ]
    minutes = [
        released,
        reused,
        *_gap(baseline, spent),
        np.where(measured, released, 0),
        np.where(measured, reused, 0),
        np.where(measured, baseline, 0),
    ]
    table = [
        *(_CASE * one.astype(np.float64) for one in counts),
        *(one[:, None] for one in minutes),
        cells * released[:, None],
        cells * reused[:, None],
        _CONTACT * entries.contacts,
        entries.minutes,
    ]
    # Whole numbers: a ten of equal cases then leaves exactly nothing to make up for.
    found: Whole = np.rint(np.concatenate(table, axis=1)).astype(np.int64)
    return found


def _gap(baseline: Whole, used: Whole) -> tuple[Whole, Whole]:
    return np.maximum(0, baseline - used), np.maximum(0, used - baseline)


def _each(names: Names) -> NDArray[np.bool_]:
    """Gives a column for each name, shape (n, names)."""
    values = sorted(set(names.tolist()))
    table: NDArray[np.bool_] = names[:, None] == np.array(values, object)
    return table


def like_all(true: Whole, told: Whole) -> NDArray[np.intp]:
    """Picks one of each ten, such that the sums of all picked so far stay nearest to the true ones.

    Args:
        true: what came, shape (n, columns).
        told: the same as it will be told, shape (n, columns).

    Returns:
        Places of those picked, shape (n // 10,).
    """
    found = np.zeros(len(true) // TEN, np.intp)
    owed = np.zeros(true.shape[1], np.int64)
    for ten in range(len(found)):
        start = ten * TEN
        owed += true[start : start + TEN].sum(axis=0)
        left = owed - TEN * told[start : start + TEN]
        best = int((left * left).sum(axis=1).argmin())
        found[ten], owed = start + best, left[best]
    return found
