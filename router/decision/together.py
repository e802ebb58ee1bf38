"""Cases of several policies in one pass, where these differ in prices and weights alone.

A national batch has a few cases of each of hundreds of offices. Array calls cost the same for three
rows as for hundreds, so an office at a time would cost several times the work.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np

from router.decision.decide import FEW_ROWS, Decider, Terms
from router.decision.decision import Decision, Numbers
from router.decision.schema import Rows


class Whose:
    """Whose cases some rows are: of deciders that are alike, each one's rows in a row.

    Args:
        deciders: alike (`alike`), at least one.
        counts: rows of each.
    """

    def __init__(self, deciders: Sequence[Decider], counts: Sequence[int]) -> None:
        self._deciders = deciders
        self._ends = np.cumsum(counts)

    def terms(self, rows: Rows, each: Numbers | None = None) -> Terms:
        """Gives what minutes cost.

        Args:
            rows: of m cases.
            each: (n,) how many of them, in a row, are about each of the n cases; 1 if not given.
        """
        if len(self._deciders) == 1:
            return self._deciders[0].terms(rows)
        ends = self._ends
        if each is not None:
            # Where each decider's last case has its last row.
            ends = np.concatenate([[0], np.cumsum(each)])[ends]
        parts = [
            decider.terms(rows[start:end])
            for decider, start, end in zip(self._deciders, [0, *ends[:-1]], ends, strict=True)
        ]
        return Terms(*(np.concatenate(side) for side in zip(*parts, strict=True)))


def alike(deciders: Iterable[Decider]) -> list[list[int]]:
    """Tells which deciders differ in prices and weights alone, by their numbers."""
    found: dict[Hashable, list[int]] = {}
    for number, one in enumerate(deciders):
        # What is compiled once for all of the same model, menu and limits is one object.
        key = id(one.tables), id(one.safeguards), one.policy.abstention
        found.setdefault(key, []).append(number)
    return list(found.values())


def decide_together(asked: Sequence[tuple[Decider, list[list[int]]]]) -> list[list[Decision]]:
    """Decides for rows of several policies; the bits are those of `Decider.decide_each`.

    Args:
        asked: deciders, and the rows of slots that are theirs.

    Returns:
        Of each decider, the decisions of its rows.
    """
    found: list[list[Decision]] = [[] for _ in asked]
    for numbers in alike(decider for decider, _ in asked):
        deciders = [asked[number][0] for number in numbers]
        parts = [asked[number][1] for number in numbers]
        rows = [row for part in parts for row in part]
        if len(numbers) == 1 or len(rows) <= FEW_ROWS:
            decided = [
                decider.decide_each(part) for decider, part in zip(deciders, parts, strict=True)
            ]
        else:
            array = np.array(rows, np.uint16)
            terms = Whose(deciders, [*map(len, parts)]).terms(array)
            every = iter(deciders[0].decide(array, terms).each())
            decided = [[next(every) for _ in part] for part in parts]
        for number, decisions in zip(numbers, decided, strict=True):
            found[number] = decisions
    return found
