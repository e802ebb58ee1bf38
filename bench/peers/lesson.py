"""What a peer is given and gives back; both travel as .npz."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """Logged cases and the fresh ones to answer for.

    Attributes:
        rows: (n, features).
        mix: (n,) logged mix, 0 to K-1.
        outcome: (n,) 0 to 1.
        fresh: (m, features).
        seed: of anything random.
        randomised: whether a trial drew the mixes, with equal chances for every case.
    """

    rows: NDArray[np.float64]
    mix: NDArray[np.int64]
    outcome: NDArray[np.float64]
    fresh: NDArray[np.float64]
    seed: int
    randomised: bool

    @property
    def mixes(self) -> int:
        """Number of mixes."""
        return int(self.mix.max()) + 1


# What a peer makes of `Logged`: `values` (m, mixes), `chosen` (m,) or both. `chosen` is what it
# would itself do; without it, argmax of values.
Answer = dict[str, NDArray[Any]]
