"""What each channel is to each need: the matrix, as data. A new need, or another cell: here.

The reason of each cell is a text, `suitability.NEED.CHANNEL` of `router/texts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from router.decision.catalogue import Channel


class Suitability(Enum):
    """What a channel is to somebody with a need."""

    SERVES = "SERVES"
    # A mix is permitted only if another channel takes its place.
    DOES_NOT_SERVE = "DOES_NOT_SERVE"
    # Too much to ask for unless it is wished, or nothing else is left.
    IF_WISHED = "IF_WISHED"
    # A permitted mix has one of these.
    WISHED = "WISHED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A need, the values of a field that tell of it, and what each channel is to it.

    Attributes:
        name: of the need.
        feature: the field.
        values: of the field.
        legal_basis: key of the legal basis of what does not serve or is wished.
        channels: what does not simply serve.
    """

    name: str
    feature: str
    values: tuple[str, ...]
    legal_basis: str
    channels: Mapping[Channel, Suitability]

    def of(self, channel: Channel) -> Suitability:
        """Tells what a channel is to the need."""
        return self.channels.get(channel, Suitability.SERVES)

    def all_that_are(self, suitability: Suitability) -> frozenset[Channel]:
        """Gives the channels that are this to the need."""
        return frozenset(one for one in Channel if self.of(one) is suitability)


_NOT, _IF_WISHED, _WISHED = (
    Suitability.DOES_NOT_SERVE,
    Suitability.IF_WISHED,
    Suitability.WISHED,
)
# What is behind a log-in, or takes a screen of one's own.
_DIGITAL = {Channel.SELF_SERVICE: _NOT, Channel.DIALOGUE_MESSAGE: _NOT, Channel.VIDEO: _NOT}


def _need(
    name: str, feature: str, value: str, basis: str, channels: Mapping[Channel, Suitability]
) -> Need:
    return Need(
        name=name,
        feature=feature,
        values=(value,),
        legal_basis=basis,
        channels=MappingProxyType(dict(channels)),
    )


NEEDS = (
    # Signs are seen: by video or in one room, with an interpreter.
    _need(
        "SIGN_LANGUAGE",
        "language_support",
        "SIGN_INTERPRETER",
        "SIGN_LANGUAGE",
        {Channel.PHONE: _NOT},
    ),
    # An interpreter joins any conversation, also one by phone.
    _need("SPOKEN_INTERPRETER", "language_support", "INTERPRETER", "LANGUAGE", {}),
    _need("CANNOT_USE_PHONE", "can_use_phone", "NO", "PHONE", {Channel.PHONE: _NOT}),
    _need("PHONE_ONLY", "digital_access", "PHONE_ONLY", "USABILITY", _DIGITAL),
    _need("NO_DIGITAL_ACCESS", "digital_access", "NONE", "USABILITY", _DIGITAL),
    _need("NO_EID", "has_eid", "NO", "USABILITY", _DIGITAL),
    _need("DIGITALLY_RESERVED", "digitally_reserved", "YES", "RESERVATION", _DIGITAL),
    _need("MANUAL_FOLLOW_UP", "manual_follow_up", "YES", "GUIDANCE", _DIGITAL),
    _need("DIGITAL_NON_USER", "digital_skill", "NON_USER", "USABILITY", _DIGITAL),
    _need(
        "FAR_FROM_OFFICE",
        "travel_minutes_band",
        "OVER_60",
        "TRAVEL",
        {Channel.OFFICE_MEETING: _IF_WISHED, Channel.GROUP_MEETING: _IF_WISHED},
    ),
    _need(
        "WISH_FOR_MEETING",
        "channel_preference",
        "PREFERS_MEETING",
        "WISH",
        {Channel.OFFICE_MEETING: _WISHED},
    ),
    _need(
        "WISH_FOR_REMOTE_TALK",
        "channel_preference",
        "PREFERS_REMOTE_TALK",
        "WISH",
        {Channel.PHONE: _WISHED, Channel.VIDEO: _WISHED},
    ),
)
