"""Attacks what the ledger publishes, as one would who has all of it: no cell under ten may follow.

    python -m bench.disclosure [--year build/year] [--draws 20]

Made-up cases of some offices are told of over many periods: the whole, its halves and quarters,
each week, all of them again a day later, every office alone and all together, by priority and by
what was measured. Linear programming then asks how few and how many cases a smallest cell may hold
if all those figures are right: office, stretch of days between two ends of periods, priority,
measured or not. A cell is found out where it cannot be empty and cannot hold ten.

With --year (`make demo-year`) it also says how far what is told lies from the truth.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_matrix, lil_matrix

from router.decision.catalogue import Catalogue
from router.decision.policy import Policy
from router.journal.opening import open_journal
from router.ledger.account import Ledger, Part, account
from router.ledger.arithmetic import Floats, Tier, Whole, tiers_of
from router.ledger.entries import CHANNELS, EPOCH, GROUPS, NOT_SPENT, Entries
from router.ledger.reading import read_entries
from router.ledger.tens import TEN, in_tens
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policies

FIRST = date(2026, 1, 5)
NEEDS = ("GOOD_OPPORTUNITIES", "NEEDS_GUIDANCE", "SMALL_OPPORTUNITY", "UNKNOWN")
WEIGHTS = {"GOOD_OPPORTUNITIES": 1.0, "NEEDS_GUIDANCE": 1.2}
WEEKS, CELLS = 12, 30
_UNBOUNDED = 3  # scipy's status
Period = tuple[date, date]


def made_up_offices(names: str, like: Policy) -> dict[str, Policy]:
    """Gives policies of offices with a practice before."""
    baseline = {
        "GOOD_OPPORTUNITIES": 60,
        "NEEDS_GUIDANCE": 100,
        "SMALL_OPPORTUNITY": 150,
        "UNKNOWN": 90,
    }
    return {
        f"office-{name}": replace(like, office=f"office-{name}", baseline_minutes=baseline)
        for name in names
    }


def drawn(
    seed: int, offices: Sequence[str], weeks: int, a_week: float, catalogue: Catalogue
) -> Entries:
    """Draws cases with many small cells."""
    rng = np.random.default_rng(seed)
    n = rng.poisson(a_week * weeks * len(offices))
    need = rng.choice(NEEDS, n, p=(0.4, 0.35, 0.15, 0.1)).astype(object)
    mix = rng.integers(0, len(catalogue.mixes), n)
    planned = np.array([one.adviser_minutes for one in catalogue.mixes], np.int64)[mix]
    known = rng.random(n) < 0.7
    start = (FIRST - EPOCH).days
    return Entries(
        left_out=np.full(n, "", object),
        office=rng.choice(offices, n, p=_shares(len(offices))).astype(object),
        day=np.sort(rng.integers(start, start + 7 * weeks, n)),
        weight=np.array([WEIGHTS.get(one, 2.0) for one in need]),
        group={name: need if name == "need_group" else rng.choice(list("abc"), n).astype(object)
               for name in GROUPS},
        mix=np.array(catalogue.ids, object)[mix],
        planned=planned,
        spent=np.where(known, rng.poisson(planned), NOT_SPENT),
        shown=rng.random(n) < 0.8,
        direction=rng.choice(["SAME", "MORE", "LESS"], n).astype(object),
        chosen=np.ones(n, bool),
        outcome=np.where(known, rng.integers(0, 2, n), np.nan),
        contacts=np.zeros((n, len(CHANNELS))),
        minutes=np.zeros((n, len(CHANNELS))),
        synthetic=True,
    )  # fmt: skip


def _shares(offices: int) -> Floats:
    # One large office and small ones: what all hold less the others is then a small cell.
    shares: Floats = 0.6 ** np.arange(offices, dtype=np.float64)
    shares /= shares.sum()
    return shares


def periods(weeks: int) -> list[Period]:
    """Gives the year, halves, quarters, and all of them a day later; weeks are in each of them."""
    found = []
    for parts in (1, 2, 4):
        length = 7 * weeks // parts
        for part in range(parts):
            first = FIRST + timedelta(days=part * length)
            for shift in (0, 1):
                begin = first + timedelta(days=shift)
                found.append((begin, begin + timedelta(days=length - 1)))
    return found


@dataclass(frozen=True)
class Figure:
    """A figure that was published: of which offices, days, tiers, and whether of measured cases."""

    offices: frozenset[str]
    first: date
    last: date
    tiers: frozenset[int]
    measured: bool
    cases: int | None


def published(
    entries: Entries, policies: Mapping[str, Policy], catalogue: Catalogue, asked: Sequence[Period]
) -> Iterator[Figure]:
    """Yields every count by office, week and tier that a reader of all periods has."""
    groups = [{office: one} for office, one in policies.items()] + [dict(policies)]
    for chosen in groups:
        for first, last in asked:
            yield from _of(account(entries, chosen, catalogue, first, last, last))


def _of(ledger: Ledger) -> Iterator[Figure]:
    every = frozenset(range(len(Tier)))
    rows: list[tuple[date, date, frozenset[int], Part]] = [
        (ledger.first, ledger.last, every, ledger.total)
    ]
    rows += [
        (ledger.first, ledger.last, frozenset([t]), part) for t, part in enumerate(ledger.tiers)
    ]
    for week, cells in zip(ledger.weeks, ledger.weeks_by_tier, strict=True):
        monday = date.fromisoformat(week.name)
        ends = max(ledger.first, monday), min(ledger.last, monday + timedelta(days=6))
        rows.append((*ends, every, week))
        rows += [(*ends, frozenset([t]), cell) for t, cell in enumerate(cells)]
    for first, last, tiers, part in rows:
        for measured, balance in ((False, part.estimated), (True, part.measured)):
            yield Figure(frozenset(ledger.offices), first, last, tiers, measured, balance.cases)


def without_small(figures: Sequence[Figure]) -> list[Figure]:
    """Leaves out what is about fewer than ten, and tells the rest as it is: what must not do."""
    return [
        replace(one, cases=None if one.cases and one.cases < TEN else one.cases) for one in figures
    ]


def found_out(
    figures: Sequence[Figure], entries: Entries, tried: int, seed: int
) -> list[tuple[int, float, float]]:
    """Asks of smallest cells with 1 to 9 cases how many they may hold.

    Args:
        figures: that were published.
        entries: that they are of.
        tried: how many cells, drawn by the seed.

    Returns:
        Of those that cannot be empty and cannot hold ten: cases, fewest and most.
    """
    offices = sorted(set().union(*(one.offices for one in figures)))
    cuts = sorted(
        {one.first for one in figures} | {one.last + timedelta(days=1) for one in figures}
    )
    shape = (len(offices), len(cuts) - 1, len(Tier), 2)
    numbers = np.arange(np.prod(shape)).reshape(shape)

    # Each figure once, however often it was published.
    told = list(dict.fromkeys(one for one in figures if one.cases is not None))
    table = lil_matrix((len(told), numbers.size))
    for row, one in enumerate(told):
        days = slice(cuts.index(one.first), cuts.index(one.last + timedelta(days=1)))
        where = [offices.index(office) for office in one.offices]
        # Estimated figures are of measured cases and of the others.
        cells = numbers[where][:, days][:, :, sorted(one.tiers)][
            ..., 1 if one.measured else slice(0, 2)
        ]
        table[row, cells.ravel()] = 1
    equal, right = csr_matrix(table), np.array([one.cases for one in told], float)

    truth = _counts(entries, offices, cuts, shape)
    caught = []
    small = np.flatnonzero((truth.ravel() > 0) & (truth.ravel() < TEN))
    for cell in np.random.default_rng(seed).permutation(small)[:tried]:
        aim = np.zeros(numbers.size)
        aim[cell] = 1
        fewest, most = (_least(sign * aim, equal, right) for sign in (1, -1))
        if fewest > 0.5 and -most < TEN - 0.5:
            caught.append((int(truth.ravel()[cell]), fewest, -most))
    return caught


def _least(aim: Floats, equal: Any, right: Floats) -> float:
    """Gives the least that the figures allow, minus infinity without a bound."""
    found: Any = linprog(aim, A_eq=equal, b_eq=right)
    # What is published must always be possible.
    if found.status not in (0, _UNBOUNDED):
        raise AssertionError(found.message)
    return -np.inf if found.status == _UNBOUNDED else float(found.fun)


def _counts(
    entries: Entries, offices: Sequence[str], cuts: Sequence[date], shape: tuple[int, ...]
) -> Whole:
    ends = np.array([(cut - EPOCH).days for cut in cuts])
    stretch = np.searchsorted(ends, entries.day, side="right") - 1
    tiers = tiers_of(entries.weight, entries.group["need_group"] != "UNKNOWN")
    truth: Whole = np.zeros(shape, np.int64)
    inside = (stretch >= 0) & (stretch < shape[1])
    for at in np.flatnonzero(inside):
        place = offices.index(entries.office[at]), stretch[at], tiers[at]
        truth[(*place, int(entries.measured[at]))] += 1
    return truth


def accuracy(folder: Path, draws: int) -> None:
    """Prints how far figures of offices and random periods lie from the truth: 90 of 100 within."""
    catalogue = load_catalogue(folder / "policies" / "mixes.toml")
    policies = load_policies(folder / "policies", catalogue).offices
    store = open_journal(f"sqlite:///{folder}/journal.db", create=False)
    entries, _ = read_entries(store)
    store.close()
    told = in_tens(entries, policies)
    rng = np.random.default_rng(1)
    for days in (28, 91, 182):
        off: dict[str, list[float]] = {}
        for _ in range(draws):
            office = str(rng.choice(sorted(policies)))
            first = date(2026, 2, 2) + timedelta(days=int(rng.integers(0, 320 - days)))
            ends = (first, first + timedelta(days=days - 1), date(2027, 1, 3))
            one, true = (
                account(cases, {office: policies[office]}, catalogue, *ends)
                for cases in (told, entries)
            )
            for name, a, b in _pairs(one, true):
                off.setdefault(name, []).append(abs(a - b))
        print(
            f"{days} days, {true.cases} cases at the last office drawn; nine of ten errors up to:"
        )
        for name, errors in off.items():
            print(f"  {name:<28}{np.quantile(errors, 0.9):8.0f}")


def _pairs(one: Ledger, true: Ledger) -> Iterator[tuple[str, float, float]]:
    a, b = one.total.estimated, true.total.estimated
    yield "cases", a.cases, b.cases
    for name in ("released", "reused", "unaccounted"):
        yield f"hours {name}", getattr(a, name) / 60, getattr(b, name) / 60
    for x, y in zip(one.tiers, true.tiers, strict=True):
        yield "cases of a priority", x.estimated.cases, y.estimated.cases
    for x, y in zip(one.weeks[1:-1], true.weeks[1:-1], strict=True):
        yield "cases of a week", x.estimated.cases, y.estimated.cases
        yield "hours released of a week", x.estimated.released / 60, y.estimated.released / 60
    groups = {y.name: y for y in true.groups["need_group"]}
    for x in one.groups["need_group"]:
        if x.name in groups:
            yield "cases of a need group", x.estimated.cases, groups[x.name].estimated.cases


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m bench.disclosure", description=__doc__)
    asked.add_argument("--year", type=Path)
    asked.add_argument("--draws", type=int, default=20)
    given = asked.parse_args()
    catalogue = load_catalogue(Path("policies/mixes.toml"))
    policies = made_up_offices("abc", load_policies(Path("policies"), catalogue).national)
    for seed in range(given.draws):
        cases = drawn(seed, list(policies), WEEKS, 12.0, catalogue)
        raw, told = (
            list(published(one, policies, catalogue, periods(WEEKS)))
            for one in (cases, in_tens(cases, policies))
        )
        small, tens = (
            len(found_out(one, cases, CELLS, seed)) for one in (without_small(raw), told)
        )
        print(
            f"draw {seed}: {len(told)} figures, {CELLS} cells under ten tried; found out "
            f"{small} where small figures are left out, {tens} of cases in tens",
            flush=True,
        )
    if given.year:
        accuracy(given.year, 200)


if __name__ == "__main__":
    main()
