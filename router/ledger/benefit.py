"""What the advice shown in a period is worth: measured against the control group, and estimated.

An effect of showing the advice (`router.ledger.shown`), times the people who were shown it in the
period. Estimated, it is what the model and the catalogue say of the mixes chosen; measured, what
was reported. Both compare the same two groups, so that they answer one question twice: they stand
beside each other and are never added.

Nothing is told that cannot be reckoned from what is told elsewhere: effects are rounded first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from router.ledger.sequences import Effect
from router.ledger.shown import MINUTE_DIGITS, OUTCOME_DIGITS, Shown, rounded


class Source(StrEnum):
    """Whose control group an effect comes from: that of the offices told of, or of all offices."""

    OWN = "own"
    ALL = "all"


class Lack(StrEnum):
    """Why nothing measured is told.

    NOT_DRAWN: no office has a control group. FEW: too few cases with an outcome. UNEVEN: outcomes
    are reported of one group more than of the other. NOT_SHOWN: no plain advice was shown at once
    in the period.
    """

    NOT_DRAWN = "not_drawn"
    FEW = "few"
    UNEVEN = "uneven"
    NOT_SHOWN = "not_shown"


class Measured(NamedTuple):
    """A sum with the ends of its confidence sequence."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Benefit:
    """What showing the advice in a period is worth, as far as it can be told.

    Attributes:
        cases: in the period, whose plain advice was shown at once, in tens.
        source: whose control group the effects come from; None where none can be told.
        lack: why none can; None where one can.
        own_drawn: whether the offices told of have a control group, large enough or not.
        users_by_model: users more who reach the goal, estimated by the model; None where it cannot
            be told.
        users: likewise, measured.
        minutes_by_catalogue: adviser minutes more, below nothing fewer, estimated by the
            catalogue's minutes of the mixes chosen; None where it cannot be told.
        minutes: likewise, measured.
    """

    cases: int
    source: Source | None = None
    lack: Lack | None = None
    own_drawn: bool = False
    users_by_model: float | None = None
    users: Measured | None = None
    minutes_by_catalogue: float | None = None
    minutes: Measured | None = None


def benefit(cases: int, own: Shown, everywhere: Shown) -> Benefit:
    """Multiplies effects with the people who were shown the advice.

    The offices' own effect where it can be told; where their control group is lacking or too small
    that of all offices, which may be another one than theirs. Where their groups report unevenly
    nothing: whatever is wrong there is no smaller in what all report.

    Args:
        cases: shown plain advice at once in the period, in tens.
        own: of the offices told of.
        everywhere: of all offices with a policy.
    """
    if not cases:
        return Benefit(cases=cases, lack=Lack.NOT_SHOWN)
    if own.uneven:
        return Benefit(cases=cases, lack=Lack.UNEVEN)
    source = Source.OWN if own.outcome is not None else Source.ALL
    found = own if source is Source.OWN else everywhere
    if found.outcome is None:
        lack = Lack.FEW if found.drawn else Lack.NOT_DRAWN
        return Benefit(cases=cases, lack=Lack.UNEVEN if found.uneven else lack)
    return Benefit(
        cases=cases,
        source=source,
        own_drawn=own.drawn,
        users_by_model=_times(cases, found.by_model, OUTCOME_DIGITS),
        users=_measured(cases, found.outcome, OUTCOME_DIGITS),
        minutes_by_catalogue=_times(cases, found.by_catalogue, MINUTE_DIGITS),
        minutes=_measured(cases, found.minutes, MINUTE_DIGITS),
    )


def _times(cases: int, value: float | None, digits: int) -> float | None:
    # Rounded again, since 1230 times 0.017 is 20.910000000000004.
    return None if value is None else rounded(cases * rounded(value, digits), digits)


def _measured(cases: int, one: Effect | None, digits: int) -> Measured | None:
    if one is None:
        return None
    value, low, high = (
        rounded(cases * rounded(end, digits), digits) for end in (one.value, one.low, one.high)
    )
    return Measured(value, low, high)
