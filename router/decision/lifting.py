"""Lifts a mix where a milder situation would get a heavier one.

Where safeguards take away all mixes up to some weight, what is left is heavier than what was best
before. Only where they take away one between others can a milder situation, which may get it, have
a heavier mix than the best that is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.decision.decision import Numbers
from router.decision.safeguards import Masks, members
from router.decision.tables import Floats

Bits = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """Cases from which a mix between others is taken away, m of them.

    Attributes:
        cases: (m,) their numbers among all.
        permitted: (m,) masks of what they may get, none of them empty.
        milder: (m, some) masks of what milder situations may get; rows with fewer are filled up
            with their own.
        bearable: (m,) masks of what they may get if need be: too much to ask for is then asked.
    """

    cases: Numbers
    permitted: Masks
    milder: Masks
    bearable: Masks

    def lifted(self, worth: Floats) -> tuple[Numbers, Bits]:
        """Gives their mixes: the lightest as heavy as the best of every milder situation.

        What a mix is worth in a milder situation speaks for heavier ones less. If no permitted mix
        is as heavy, what is bearable becomes permitted; the heaviest where that is not either.

        Args:
            worth: of each mix, (K, m), permitted or not.

        Returns:
            Their mixes, shape (m,), and for whom what is bearable became permitted, shape (m,).
        """
        mixes = len(worth)
        least = _best(self.permitted, worth)
        for masks in self.milder.T:
            least = np.maximum(least, _best(masks, worth))
        return reached(least, self.permitted, self.bearable, mixes)


def reached(least: Numbers, permitted: Masks, bearable: Masks, mixes: int) -> tuple[Numbers, Bits]:
    """Gives the lightest mixes that are heavy enough, and for whom bearable ones became permitted.

    Args:
        least: (m,) number of the mix that is to be reached.
        permitted: (m,) masks.
        bearable: (m,) masks of what is permitted where none of those is heavy enough. If none of
            these is either, the heaviest of them is the mix.
        mixes: their number.

    Returns:
        Numbers of mixes and whether what is bearable became permitted, shape (m,) each.
    """
    from_there = -1 << least
    heavy = permitted & from_there
    wider = heavy == 0
    heavy = np.where(wider, bearable & from_there, heavy)
    # The lowest bit alone is a power of two, which a float holds exactly.
    mix = np.frexp((heavy & -heavy).astype(np.float64))[1].astype(np.intp) - 1
    none = np.flatnonzero(heavy == 0)
    if len(none):
        mix[none] = mixes - 1 - members(bearable[none], mixes)[::-1].argmax(axis=0)
    return mix, wider


def _best(masks: Masks, worth: Floats) -> Numbers:
    best: Numbers = np.where(members(masks, len(worth)), worth, -np.inf).argmax(axis=0)
    return best
