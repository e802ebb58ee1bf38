"""Sets two tellings of the same cases against each other: no fewer than ten may follow from both.

    python -m bench.two_tellings [--draws 40]

The ledger tells an office's cases in tens; whether the advice helps is told of some of these cases,
in tens of their own (ADR 30, 35, 37). Whoever reads both, and knows how they are made, knows
between which numbers of cases each ten came: no less where each day is read, for a ten is told on
the day on which it is full. Linear programming then asks of days, and of
stretches of them, how few and how many cases they may hold, all of them or of one kind. They are
found out where they cannot be empty and cannot hold ten.

Each ten is told with a carrier, and beside that on the day on which it was full: what must not do.
The attacker also knows that whoever is told of in both was agreed with on the day of the advice.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_matrix, lil_matrix

from router.ledger.arithmetic import Floats, Whole
from router.ledger.entries import Names
from router.ledger.tens import TEN, Carriers, days_full

OFFICE, DAYS, KINDS, TRIED = "office", 120, 2, 400
A_DAY, BOTH = 0.6, 0.7
_LONGEST = 6
_NO_BOUND = 1e6


@dataclass(frozen=True)
class Made:
    """Cases of one office.

    Attributes:
        day: (n,) on which each came, rising.
        kind: (n,) of the other telling, 0 to KINDS - 1; KINDS for those that it leaves out.
    """

    day: Whole
    kind: Whole

    def of(self, kind: int) -> Whole:
        """Gives the days of one kind."""
        found: Whole = self.day[self.kind == kind]
        return found


@dataclass(frozen=True)
class Told:
    """The days of which each telling says ten more.

    Attributes:
        ledger: rising.
        kinds: likewise, of each kind.
        free: days of the ledger's that carry no other ten; None where tens are not carried.
    """

    ledger: Whole
    kinds: Sequence[Whole]
    free: Whole | None


def carriers_of(office: Names, day: Whole) -> Carriers:
    """Gives the ledger's tens of cases alone; it tells of others too, so that it has more."""
    return Carriers({one: days_full(day[office == one]) for one in set(office.tolist())})


def drawn(seed: int) -> Made:
    """Draws the cases of a small office."""
    rng = np.random.default_rng(seed)
    n = rng.poisson(A_DAY * DAYS)
    share = [BOTH / KINDS] * KINDS + [1 - BOTH]
    return Made(np.sort(rng.integers(0, DAYS, n)), rng.choice(KINDS + 1, n, p=share))


def tell(made: Made, *, carried: bool) -> Told:
    """Tells them twice."""
    ledger = days_full(made.day)
    full = [days_full(made.of(kind)) for kind in range(KINDS)]
    if not carried:
        return Told(ledger, full, None)
    carriers = Carriers({OFFICE: ledger})
    kinds = carriers.take(OFFICE, full)
    used = np.concatenate(kinds).tolist()
    free = ledger.tolist()
    for day in used:
        free.remove(day)
    return Told(ledger, kinds, np.array(free, np.int64))


def found_out(made: Made, told: Told, tried: int, seed: int) -> list[tuple[float, float]]:
    """Asks of days and stretches of them, with 1 to 9 cases, how many they may hold.

    Returns:
        Of those that cannot be empty and cannot hold ten: fewest and most.

    Raises:
        AssertionError: if what is known is not so: the attack would prove nothing.
    """
    cuts = _cuts(told)
    shape = (KINDS + 1, len(cuts) - 1)
    table, right = _known(told, cuts, shape)
    truth = np.zeros(shape)
    np.add.at(truth, (made.kind, np.searchsorted(cuts, made.day, side="right") - 1), 1)
    assert (table @ truth.ravel() <= right).all()

    numbers = np.arange(truth.size).reshape(shape)
    stretches = [
        (start, end)
        for start in range(shape[1])
        for end in range(start + 1, min(start + 1 + _LONGEST, shape[1] + 1))
    ]
    whose = [[kind] for kind in range(KINDS + 1)] + [list(range(KINDS + 1))]
    cells = [numbers[one][:, start:end].ravel() for one in whose for start, end in stretches]
    small = [cell for cell in cells if 0 < truth.ravel()[cell].sum() < TEN]
    caught = []
    for place in np.random.default_rng(seed).permutation(len(small))[:tried]:
        aim = np.zeros(truth.size)
        aim[small[place]] = 1
        fewest, most = _least(aim, table, right), -_least(-aim, table, right)
        if fewest > 0.5 and most < TEN - 0.5:
            caught.append((fewest, most))
    return caught


def _cuts(told: Told) -> Whole:
    days = np.concatenate([told.ledger, *told.kinds])
    return np.unique(np.concatenate([days, days + 1, [0, DAYS]]))


def _known(told: Told, cuts: Whole, shape: tuple[int, int]) -> tuple[csr_matrix, Floats]:
    """Gives what follows from the two, as a table and its bounds: table @ cases <= bounds."""
    rows: list[tuple[Sequence[int], int, float, float]] = []
    every = range(KINDS + 1)
    # A ten is told on the day on which it is full, and can be read on it.
    for ten, day in enumerate(told.ledger):
        rows.append((every, day + 1, (ten + 1) * TEN, _NO_BOUND))
        rows.append((every, day, 0, ten * TEN + TEN - 1))
    rows.append((every, DAYS, len(told.ledger) * TEN, len(told.ledger) * TEN + TEN - 1))
    for kind, days in enumerate(told.kinds):
        for ten, day in enumerate(days):
            rows.append(([kind], day + 1, (ten + 1) * TEN, _NO_BOUND))
            if told.free is None:
                rows.append(([kind], day, 0, ten * TEN + TEN - 1))
        # Where the ledger's ten carries no other, no ten was waiting.
        at = np.array([DAYS - 1]) if told.free is None else told.free
        for day in at:
            tens = int((days <= day).sum())
            rows.append(([kind], day + 1, 0, tens * TEN + TEN - 1))

    table = lil_matrix((2 * len(rows), shape[0] * shape[1]))
    right = np.zeros(2 * len(rows))
    for row, (kinds, before, fewest, most) in enumerate(rows):
        stretches = int(np.searchsorted(cuts, before))
        cells = [kind * shape[1] + one for kind in kinds for one in range(stretches)]
        table[2 * row, cells], right[2 * row] = 1, most
        table[2 * row + 1, cells], right[2 * row + 1] = -1, -fewest
    return csr_matrix(table), right


def _least(aim: Floats, table: csr_matrix, right: Floats) -> float:
    solve: Any = linprog
    found = solve(aim, A_ub=table, b_ub=right)
    assert found.status == 0, found.message
    return float(found.fun)


def main() -> None:
    asked = argparse.ArgumentParser(
        prog="python -m bench.two_tellings", description=__doc__.splitlines()[0]
    )
    asked.add_argument("--draws", type=int, default=40)
    given = asked.parse_args()
    caught, tens = {False: 0, True: 0}, {False: 0, True: 0}
    for seed in range(given.draws):
        made = drawn(seed)
        for carried in (False, True):
            told = tell(made, carried=carried)
            caught[carried] += len(found_out(made, told, TRIED, seed))
            tens[carried] += sum(map(len, told.kinds))
    print(
        f"{given.draws} offices of {DAYS} days, up to {TRIED} stretches each; found out: "
        f"{caught[False]} where a ten is told when it is full ({tens[False]} tens), "
        f"{caught[True]} where it has a carrier ({tens[True]} tens)"
    )


if __name__ == "__main__":
    main()
