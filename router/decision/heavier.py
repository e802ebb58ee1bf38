"""Which changed cases may get a heavier mix: found cheaply, so that few have to be decided anew.

A change of one field moves what each mix is worth by a difference of two numbers of the tables. As
long as no safeguard changes with it, a case gets a heavier mix only if a heavier one becomes the
best of what it, or a milder situation that it must not fall behind (`router.decision.lifting`), may
get. That is asked with some room, far above the rounding of sums: who is left out is never wrong.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.decision.decide import Decider, Terms
from router.decision.decision import Numbers
from router.decision.safeguards import members
from router.decision.schema import Rows
from router.decision.tables import ROUNDING, Floats


class Changed(NamedTuple):
    """Cases with one field changed, t in all, of some cases as they are.

    Attributes:
        rows: (t, features) slots.
        case: (t,) number of the case as it is.
        column: (t,) of the changed field.
        terms: of the changed cases.
    """

    rows: Rows
    case: Numbers
    column: Numbers
    terms: Terms


class Heavier:
    """Tells which changed cases may get a heavier mix than they have.

    Args:
        decider: that decides for them, at whatever price.
    """

    def __init__(self, decider: Decider) -> None:
        self._decider = decider

    @cached_property
    def _starts(self) -> tuple[Numbers, Numbers]:
        """By column, where its slots start in the model's tables, and 1 if they are there."""
        tables = self._decider.tables
        starts = np.zeros(len(tables.features.features), np.intp)
        scored = np.zeros(len(starts), np.intp)
        starts[tables.columns], scored[tables.columns] = tables.offsets, 1
        return starts, scored

    def among(self, rows: Rows, expected: Floats, mix: Numbers, changed: Changed) -> Numbers:
        """Gives the numbers of those that may, rising; the others surely do not.

        Args:
            rows: cases as they are, slots of shape (n, features).
            expected: (n, K) outcomes of theirs.
            mix: (n,) numbers of their mixes, plainly recommended.
            changed: of them.
        """
        decider, case, column = self._decider, changed.case, changed.column
        each = np.arange(len(case))
        now, then = rows[case, column], changed.rows[each, column]
        starts = decider.tables.features.offsets[column]
        codes = decider.safeguards.codes
        may: NDArray[np.bool_] = codes.take(starts + now) != codes.take(starts + then)

        worth = expected.take(case, axis=0)
        worth += self._moved(rows, changed, now, then)
        worth -= changed.terms.costs(decider.catalogue.minutes)
        heavier = np.arange(worth.shape[1]) > mix.take(case)[:, None]
        own_codes, _ = decider.safeguards.apply(rows)
        for masks in decider.safeguards.situations_of(own_codes).T:
            inside = members(masks.take(case), worth.shape[1]).T
            open_to = np.where(inside, worth, -np.inf)
            best = np.maximum.reduce(open_to, axis=1, keepdims=True)
            may |= np.logical_or.reduce((open_to >= best - ROUNDING) & heavier, axis=1)
        return np.flatnonzero(may)

    def _moved(
        self,
        rows: Rows,
        changed: Changed,
        now: NDArray[np.uint16],
        then: NDArray[np.uint16],
    ) -> Floats:
        """Gives by how much the change moves the expected outcomes, shape (t, K)."""
        tables, (starts, scored) = self._decider.tables, self._starts
        start, there = starts.take(changed.column), scored.take(changed.column)
        # A field that the model does not read stays where it is.
        moved = tables.mean.take(start + then * there, axis=0)
        moved -= tables.mean.take(start + now * there, axis=0)
        if tables.pairs:
            fields = len(tables.columns)
            before = tables.places(rows)[:, fields:].take(changed.case, axis=0)
            after = tables.places(changed.rows)[:, fields:]
            moved += (tables.mean.take(after, axis=0) - tables.mean.take(before, axis=0)).sum(
                axis=1
            )
        return moved
