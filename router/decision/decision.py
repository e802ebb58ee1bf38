"""What a decision is: for one row, and for many as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum, IntFlag
from math import isnan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.decision.safeguards import members
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
    """Why a person must assess a case first; a set of bits.

    CLOSE_OPTIONS stands in records of 0.3.0 only.
    """

    UNKNOWN_FIELDS = 1
    RARE_VALUES = 2
    CLOSE_OPTIONS = 4
    CONTRADICTION = 8
    HAS_JOB = 16


class Decision(NamedTuple):
    """The decision for one row; attributes as in `Decisions`, `permitted` a bit for each mix."""

    expected: list[float]
    error: list[float]
    permitted: int
    mix: int
    status: int
    doubts: int
    safeguards: int
    margin: float
    unknown: int
    weight: float

    @property
    def is_scored(self) -> bool:
        """Whether the model was asked at all; of a shielded case it is not."""
        return not isnan(self.expected[0])

    def permits(self, mix: int) -> bool:
        """Tells whether safeguards and menu permit a mix."""
        return bool(self.permitted >> mix & 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """Decisions for n rows over K mixes, as arrays.

    Attributes:
        expected: (n, K) expected outcome of each mix, outcome points; NaN where nothing was scored.
        error: (n, K) its standard error.
        masks: (n,) the mixes that safeguards and menu permit, mix k as bit k.
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
    masks: NDArray[np.int64]
    mix: Numbers
    status: Numbers
    doubts: Numbers
    safeguards: NDArray[np.uint64]
    margin: Floats
    unknown: Numbers
    weight: Floats

    @property
    def permitted(self) -> NDArray[np.bool_]:
        """Whether safeguards and menu permit each mix, shape (n, K)."""
        found: NDArray[np.bool_] = members(self.masks, self.expected.shape[1]).T
        return found

    @property
    def first_permitted(self) -> Numbers:
        """Number of the lightest mix permitted, K where none is, shape (n,)."""
        permitted = self.permitted
        found: Numbers = np.where(
            permitted.any(axis=1), permitted.argmax(axis=1), permitted.shape[1]
        )
        return found

    def at_least(self, mixes: Numbers) -> Numbers:
        """Gives the lightest permitted mix as heavy as the one given, shape (n,).

        The heaviest permitted where none is; K where nothing is permitted.
        """
        return at_least(self.permitted, mixes)

    def each(self) -> list[Decision]:
        """Gives the decisions one by one."""
        columns = zip(
            self.expected.tolist(),
            self.error.tolist(),
            self.masks.tolist(),
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


def joined(parts: Sequence[Decisions]) -> Decisions:
    """Gives decisions for the rows of all parts, one part after the other."""
    # Turned, so that what is by mix keeps the order in memory that it has in the parts.
    sides = {
        one.name: np.concatenate([getattr(part, one.name).T for part in parts], axis=-1).T
        for one in fields(Decisions)
    }
    return Decisions(**sides)


def at_least(permitted: NDArray[np.bool_], mixes: Numbers) -> Numbers:
    """Gives the lightest permitted mix as heavy as the one given, shape (n,).

    The heaviest permitted where none is; K where nothing is permitted.

    Args:
        permitted: (n, K) mixes that each case may get.
        mixes: number of one mix for each case, (n,), or of one for all.
    """
    numbers = np.arange(permitted.shape[1])
    heavy = permitted & (numbers >= np.reshape(mixes, (-1, 1)))
    heaviest = permitted.shape[1] - 1 - permitted[:, ::-1].argmax(axis=1)
    heaviest = np.where(heavy.any(axis=1), heavy.argmax(axis=1), heaviest)
    found: Numbers = np.where(permitted.any(axis=1), heaviest, permitted.shape[1])
    return found
