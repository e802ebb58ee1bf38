"""Lifts a mix where a milder situation would get a heavier one.

Where safeguards take away all mixes up to some weight, what is left is heavier than what was best
before. Only where they take away one between others can that have been worth more, and heavier than
the best that is left.
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
        taken: (m,) masks of what a milder situation might get besides.
        bearable: (m,) masks of what they may get if need be: too much to ask for is then asked.
    """

    cases: Numbers
    permitted: Masks
    taken: Masks
    bearable: Masks

    def lifted(self, worth: Floats) -> tuple[Numbers, Bits]:
        """Gives their mixes: the lightest that is as heavy as what was worth more and is taken.

        Of equal ones a milder situation gets the lighter, so that only more counts. If no permitted
        mix is as heavy, what is bearable becomes permitted; the heaviest where that is not either.

        Args:
            worth: of each mix, (K, m), permitted or not.

        Returns:
            Their mixes, shape (m,), and for whom what is bearable became permitted, shape (m,).
        """
        numbers = np.arange(len(worth))[:, None]
        offered = members(self.permitted, len(worth))
        allowed = np.where(offered, worth, -np.inf)
        missed = members(self.taken, len(worth)) & (worth > allowed.max(axis=0))
        least = np.maximum(np.where(missed, numbers, 0).max(axis=0), allowed.argmax(axis=0))

        wider = ~(offered & (numbers >= least)).any(axis=0)
        offered = np.where(wider, members(self.bearable, len(worth)), offered)
        heavy = offered & (numbers >= least)
        heaviest = len(worth) - 1 - offered[::-1].argmax(axis=0)
        return np.where(heavy.any(axis=0), heavy.argmax(axis=0), heaviest), wider
