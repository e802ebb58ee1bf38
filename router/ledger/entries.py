"""What the ledger keeps of each case: arrays of one length, one entry per case and plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router.decision.catalogue import DAYS_PER_WEEK, Channel
from router.ledger.arithmetic import Flags, Floats, Whole

CHANNELS = tuple(channel.value for channel in Channel)
"""Columns of what is told by channel."""
EPOCH = date(1970, 1, 1)
"""The day from which days are counted."""
HORIZON_DAYS = 12 * DAYS_PER_WEEK
"""A plan runs so long: a recommendation for the same case within it is the same plan."""
GROUPS = ("need_group", "digital_skill", "age_band")
"""Fields that entries are told by."""
# Not 0: a case that truly took no minutes was measured.
NOT_SPENT = -1
MANUAL, REPEATED, WITHHELD = "MANUAL", "REPEATED", "WITHHELD"
"""Why a recommendation is in no sum.

Nothing was recommended (shielded, or no mix permitted); another one of the same case counts; the
advice was not shown and nothing is chosen yet, so that nothing is planned.
"""
Names = NDArray[Any]
"""Texts, dtype object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """Recommendations with what came of them, n of them.

    Attributes:
        left_out: (n,) why it is in no sum; "" for those that count, none of them the same case
            twice.
        office: (n,) reference; "" for a case of no office.
        day: (n,) days since 1970-01-01 (UTC) of the first choice, of the recommendation while there
            is none.
        weight: (n,) weakest-first weight that the case had when it was recommended for.
        group: by field of `GROUPS`, (n,) values; UNKNOWN where the case does not say.
        mix: (n,) the mix agreed, the one recommended while there is no choice.
        planned: (n,) catalogue minutes of that mix.
        spent: (n,) minutes that the outcome reports, NOT_SPENT where none are reported.
        shown: (n,) whether it is plain advice that was shown at once.
        direction: (n,) of the choice against the advice shown: SAME, MORE, LESS; "" without a
            choice or an advice.
        chosen: (n,) whether there is a choice.
        outcome: (n,) 0 to 1, NaN while there is none.
        contacts: (n, channels) contacts reported, 0 where none.
        minutes: (n, channels) minutes reported by channel.
        synthetic: whether any advice came from a model learned from synthetic data.
    """

    left_out: Names
    office: Names
    day: Whole
    weight: Floats
    group: dict[str, Names]
    mix: Names
    planned: Whole
    spent: Whole
    shown: Flags
    direction: Names
    chosen: Flags
    outcome: Floats
    contacts: Floats
    minutes: Floats
    synthetic: bool

    def __len__(self) -> int:
        """Counts them."""
        return len(self.day)

    @property
    def measured(self) -> Flags:
        """Whether time was reported, shape (n,)."""
        found: Flags = self.spent != NOT_SPENT
        return found

    def where(self, which: Flags | NDArray[np.intp]) -> Entries:
        """Picks some of the entries, by flags of shape (n,) or by places."""
        chosen: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            chosen[one.name] = value[which] if isinstance(value, np.ndarray) else value
        chosen["group"] = {name: values[which] for name, values in self.group.items()}
        return Entries(**chosen)


def joined(parts: Sequence[Entries]) -> Entries:
    """Puts entries behind each other.

    Args:
        parts: at least one.
    """
    found: dict[str, Any] = {}
    for one in fields(Entries):
        values = [getattr(part, one.name) for part in parts]
        found[one.name] = np.concatenate(values) if isinstance(values[0], np.ndarray) else values[0]
    found["group"] = {
        name: np.concatenate([part.group[name] for part in parts]) for name in parts[0].group
    }
    found["synthetic"] = any(part.synthetic for part in parts)
    return Entries(**found)
