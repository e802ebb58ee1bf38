"""What a version's figures say of channels together, read from figures.json alone.

What measured them is offline code, which nothing online knows; the names of keys and answers are
what both have in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from router.decision.catalogue import Channel
from router.versions.registry import ModelRefused, promoted_version, read_figures_of

COMPLEMENT, SUBSTITUTE, CANNOT_TELL = "complement", "substitute", "cannot tell"
"""Answers on two channels: together worth more than apart, less, or neither is shown."""
IDENTIFIED = "identified"
"""Whether mixes and log tell a synergy with no model."""
_CASES_AT_MOST = 10**12


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSynergy:
    """What two channels are worth together beyond the sum of each, outcome points.

    Attributes:
        first: a channel.
        second: another.
        answer: `COMPLEMENT`, `SUBSTITUTE` or `CANNOT_TELL`.
        value: estimate.
        low: lower end of the interval by which the answer is given.
        high: upper end.
        needed: cases that would tell `ChannelSynergies.size`.
    """

    first: str
    second: str
    answer: str
    value: float
    low: float
    high: float
    needed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSynergies:
    """Of a version, every two channels that its log could compare without a model.

    Attributes:
        synthetic: whether the cases were made up.
        size: outcome points that `needed` is for.
        pairs: none if the log could compare no two channels; None if nobody looked.
    """

    synthetic: bool
    size: float
    pairs: tuple[ChannelSynergy, ...] | None


def promoted_synergies(models: Path) -> ChannelSynergies | None:
    """Reads what was measured of the promoted version.

    Args:
        models: folder of versions.

    Returns:
        None if there is no promoted version, or its figures are not what its manifest vouches for.
    """
    try:
        figures = read_figures_of(models / promoted_version(models))
    except ModelRefused:
        return None
    if figures is None:
        return None
    try:
        synthetic = bool(figures["synthetic"])
        found = figures.get("synergy")
        if found is None:
            # Versions of before it was measured.
            return ChannelSynergies(synthetic=synthetic, size=0.0, pairs=None)
        pairs = tuple(_pair(one) for one in found["pairs"] if one["identified"] == IDENTIFIED)
        return ChannelSynergies(synthetic=synthetic, size=_number(found["size"]), pairs=pairs)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None


def _pair(one: dict[str, object]) -> ChannelSynergy:
    looked = one["looked"]
    answer, needed = str(one["answer"]), one["needed"]
    if not isinstance(looked, dict) or answer not in (COMPLEMENT, SUBSTITUTE, CANNOT_TELL):
        raise ValueError(answer)
    if not isinstance(needed, int) or not 0 <= needed <= _CASES_AT_MOST:
        raise ValueError(needed)
    return ChannelSynergy(
        first=Channel(one["first"]).value,
        second=Channel(one["second"]).value,
        answer=answer,
        value=_number(looked["value"]),
        low=_number(looked["low"]),
        high=_number(looked["high"]),
        needed=needed,
    )


def rounded_up(cases: int) -> int:
    """Rounds a number of needed cases up to two digits: more would claim to be known."""
    unit: int = 10 ** max(0, len(str(cases)) - 2)
    return -(-cases // unit) * unit


def _number(value: object) -> float:
    if not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(value)
    return float(value)
