"""What benches of draws have in common: shares with their errors, and readings week by week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from router.ledger.sequences import Effect

LOOKS = 52
"""Weekly readings of a year."""


def share(flags: Sequence[bool]) -> str:
    """Writes a share of draws, with its standard error in brackets."""
    found = float(np.mean(flags))
    return f"{found:.3f} ({(found * (1 - found) / len(flags)) ** 0.5:.3f})"


@dataclass(frozen=True, slots=True)
class Read:
    """One draw, read every week.

    Attributes:
        told: at each reading the effect, None where it was withheld.
        truth: planted.
    """

    told: Sequence[Effect | None]
    truth: float

    @property
    def ever_wrong(self) -> bool:
        """Whether any reading's sequence had the truth outside."""
        return any(not one.low <= self.truth <= one.high for one in self.told if one)

    @property
    def ever_claimed(self) -> bool:
        """Whether any reading showed an effect."""
        return any(one.sign for one in self.told if one)
