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
        numbers = np.arange(mixes)[:, None]
        offered = members(self.permitted, mixes)
        least = np.where(offered, worth, -np.inf).argmax(axis=0)
        for masks in self.milder.T:
            best = np.where(members(masks, mixes), worth, -np.inf).argmax(axis=0)
            least = np.maximum(least, best)

        wider = ~(offered & (numbers >= least)).any(axis=0)
        offered = np.where(wider, members(self.bearable, mixes), offered)
        heavy = offered & (numbers >= least)
        heaviest = mixes - 1 - offered[::-1].argmax(axis=0)
        return np.where(heavy.any(axis=0), heavy.argmax(axis=0), heaviest), wider
