"""The catalogue of mixes as frozen values, lightest first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

DAYS_PER_WEEK = 7


class Channel(Enum):
    """How an adviser and a user meet."""

    SELF_SERVICE = "SELF_SERVICE"
    DIALOGUE_MESSAGE = "DIALOGUE_MESSAGE"
    PHONE = "PHONE"
    VIDEO = "VIDEO"
    OFFICE_MEETING = "OFFICE_MEETING"
    GROUP_MEETING = "GROUP_MEETING"


DIGITAL = frozenset({Channel.SELF_SERVICE, Channel.DIALOGUE_MESSAGE})
TALK = frozenset({Channel.PHONE, Channel.VIDEO, Channel.OFFICE_MEETING})
# One's own adviser, who knows one's case: a course for many is not that.
WITH_AN_ADVISER = TALK | {Channel.DIALOGUE_MESSAGE}


@dataclass(frozen=True, slots=True, kw_only=True)
class MixElement:
    """One channel's part of a mix.

    Attributes:
        channel: how both meet.
        first_week: on whose first day it begins.
        every_n_days: between contacts; 0 for a single one.
        minutes: of an adviser, a contact.
        instead: channels that take its place for who cannot use it, the first that can be used.
    """

    channel: Channel
    first_week: int
    every_n_days: int
    minutes: int
    instead: tuple[Channel, ...] = ()

    def channel_without(self, unusable: frozenset[Channel]) -> Channel | None:
        """Gives the channel by which the contacts go; None if none of them can be used."""
        usable = (one for one in (self.channel, *self.instead) if one not in unusable)
        return next(usable, None)

    def contacts(self, weeks: int) -> int:
        """Counts the contacts within the mix's weeks."""
        if self.every_n_days == 0:
            return 1
        days = (weeks - self.first_week + 1) * DAYS_PER_WEEK
        # Rounded up: the first contact is on the first day, not after a whole interval.
        return -(-days // self.every_n_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """A named plan of contacts."""

    id: str
    weeks: int
    digital_demand: bool
    elements: tuple[MixElement, ...]

    @property
    def adviser_minutes(self) -> int:
        """Adviser minutes over the mix's weeks."""
        return sum(element.minutes * element.contacts(self.weeks) for element in self.elements)

    @property
    def digital_share(self) -> float:
        """Share of contacts that are digital, 0 to 1."""
        digital = sum(e.contacts(self.weeks) for e in self.elements if e.channel in DIGITAL)
        return digital / sum(e.contacts(self.weeks) for e in self.elements)

    def has(self, channels: frozenset[Channel]) -> bool:
        """Tells whether any contact goes by one of these channels."""
        return any(element.channel in channels for element in self.elements)

    def channels_without(self, unusable: frozenset[Channel]) -> frozenset[Channel] | None:
        """Gives the channels of its contacts; None if one of them cannot be held at all."""
        held = {element.channel_without(unusable) for element in self.elements}
        return None if None in held else frozenset(one for one in held if one is not None)


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The mixes on offer, lightest first; a mix's number is its place here.

    Raises:
        ValueError: if ids repeat, or mixes are not in order of adviser minutes.
    """

    version: str
    mixes: tuple[Mix, ...]

    def __post_init__(self) -> None:
        minutes = [mix.adviser_minutes for mix in self.mixes]
        # Strictly rising: minutes also tell two mixes apart, in choices and in the ledger.
        if sorted(set(minutes)) != minutes:
            raise ValueError(
                f"mixes must have rising adviser minutes, lightest first; they have {minutes}"
            )
        if len(set(self.ids)) != len(self.mixes):
            raise ValueError("two mixes have the same id")

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Names of the mixes, lightest first."""
        return tuple(mix.id for mix in self.mixes)

    @cached_property
    def minutes(self) -> NDArray[np.float64]:
        """Adviser minutes of each mix, shape (mixes,), rising."""
        return np.array([mix.adviser_minutes for mix in self.mixes], np.float64)
