"""What a decision is: for one row, and for many as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.decision.tables import Floats

Numbers = NDArray[np.intp]
# Arrays of something by mix often end with what stands for none: -1 then finds it.
NO_MIX = -1


class Status(IntEnum):
    """What a decision is; numbers as in the contract."""

    RECOMMENDED = 1
    NEEDS_ASSESSMENT = 2
    MANUAL_ONLY = 3


class Doubt(IntFlag):
    """Why a person must assess a case first; a set of bits."""

    UNKNOWN_FIELDS = 1
    RARE_VALUES = 2
    CLOSE_OPTIONS = 4


class Decision(NamedTuple):
    """The decision for one row; attributes as in `Decisions`."""

    expected: list[float]
    error: list[float]
    first_permitted: int
    mix: int
    status: int
    doubts: int
    safeguards: int
    margin: float
    unknown: int
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """Decisions for n rows over K mixes, as arrays.

    Attributes:
        expected: (n, K) expected outcome of each mix, outcome points; NaN where nothing was scored.
        error: (n, K) its standard error.
        permitted: (n, K) whether safeguards and menu permit it.
        first_permitted: (n,) number of the lightest mix that the safeguards permit.
        mix: (n,) number of the mix, NO_MIX for MANUAL_ONLY.
        status: (n,) `Status`.
        doubts: (n,) `Doubt` bits.
        safeguards: (n,) bits of the safeguards that apply.
        margin: (n,) utility of the mix minus that of the best other permitted one, outcome points;
            NaN if none.
        unknown: (n,) unknown model inputs.
        weight: (n,) how many times the row's outcome counts.
    """

    expected: Floats
    error: Floats
    permitted: NDArray[np.bool_]
    first_permitted: Numbers
    mix: Numbers
    status: Numbers
    doubts: Numbers
    safeguards: NDArray[np.uint64]
    margin: Floats
    unknown: Numbers
    weight: Floats

    def each(self) -> list[Decision]:
        """Gives the decisions one by one."""
        columns = zip(
            self.expected.tolist(),
            self.error.tolist(),
            self.first_permitted.tolist(),
            self.mix.tolist(),
            self.status.tolist(),
            self.doubts.tolist(),
            self.safeguards.tolist(),
            self.margin.tolist(),
            self.unknown.tolist(),
            self.weight.tolist(),
            strict=True,
        )
        return [Decision(*column) for column in columns]
