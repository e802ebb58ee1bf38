"""Mixes as doses of channels: which four of them form the 2x2 square of two channels.

    S = theta_both - theta_first - theta_second + theta_neither

is the synergy of two channels, beside whatever else the four mixes have in common. A catalogue
either has such a square, or lacks some of its mixes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

import numpy as np

from router.cases.features import FEATURES
from router.decision.catalogue import DIGITAL, Catalogue, Channel, Mix, MixElement
from router.decision.policy import Policy
from router.decision.rulebook import rulebook
from router.decision.safeguards import CompiledSafeguards
from training.learning.scores import Floats

SIGNS = (1.0, -1.0, -1.0, 1.0)
"""Of a square's mixes in the contrast: both, the first alone, the second alone, neither."""

Schedule = tuple[MixElement, ...]
Pair = tuple[Channel, Channel]


@dataclass(frozen=True, slots=True, kw_only=True)
class Square:
    """Four mixes that differ in two channels alone, each given by one schedule or not at all.

    Attributes:
        pair: the two channels.
        cells: both, the first alone, the second alone, neither; mixes that the catalogue lacks have
            ids made of their contacts.
        missing: those that cannot be measured: not in the catalogue, or not logged.
    """

    pair: Pair
    cells: tuple[Mix, Mix, Mix, Mix]
    missing: tuple[Mix, ...]

    @property
    def ids(self) -> tuple[str, str, str, str]:
        """Ids of the cells."""
        both, first, second, neither = self.cells
        return both.id, first.id, second.id, neither.id


def channel_pairs(catalogue: Catalogue) -> tuple[Pair, ...]:
    """Gives every two channels that mixes of the catalogue have, in the contract's order."""
    return tuple(combinations(_channels(catalogue), 2))


def doses(catalogue: Catalogue) -> tuple[tuple[Channel, ...], Floats]:
    """Gives the channels of a catalogue, and contacts by each, shape (mixes, channels)."""
    channels = _channels(catalogue)
    found = [[_contacts(mix, channel) for channel in channels] for mix in catalogue.mixes]
    return channels, np.array(found, np.float64).reshape(len(catalogue.mixes), len(channels))


def squares(catalogue: Catalogue, pair: Pair, logged: Sequence[str]) -> tuple[Square, ...]:
    """Gives the squares of two channels that lack fewest mixes.

    All complete ones, if there are any; else one: with fewest missing mixes, then fewest that the
    catalogue lacks too, then least adviser time of those that are missing. None where no square has
    a contact in each of its mixes: with neither of two channels some other must be left.

    Args:
        catalogue: of mixes, which give the schedules that a square may have.
        pair: of channels.
        logged: ids of the mixes that can be measured.
    """
    found = nearest_squares(catalogue, pair, logged)
    complete = tuple(one for one in found if not one.missing)
    return complete or found[:1]


def nearest_squares(catalogue: Catalogue, pair: Pair, logged: Sequence[str]) -> tuple[Square, ...]:
    """Gives every square of two channels, those that lack least first; as for `squares`."""

    def lack(one: Square) -> tuple[int, int, int]:
        new = sum(mix.id not in catalogue.ids for mix in one.missing)
        return len(one.missing), new, sum(mix.adviser_minutes for mix in one.missing)

    return tuple(sorted(_every_square(catalogue, pair, logged), key=lack))


def with_mixes(catalogue: Catalogue, mixes: tuple[Mix, ...]) -> Catalogue:
    """Puts mixes in their places of a catalogue, by adviser minutes.

    Raises:
        ValueError: if one takes as many minutes as another.
    """
    together = sorted((*catalogue.mixes, *mixes), key=lambda mix: mix.adviser_minutes)
    return replace(catalogue, mixes=tuple(together))


def why_not(catalogue: Catalogue, mix: Mix, policy: Policy) -> str:
    """Says why a catalogue cannot have a mix; "" if it can."""
    try:
        wider = with_mixes(catalogue, (mix,))
    except ValueError:
        twin = next(one.id for one in catalogue.mixes if one.adviser_minutes == mix.adviser_minutes)
        return f"it takes the {mix.adviser_minutes} minutes that {twin} takes; change one contact"
    try:
        CompiledSafeguards(
            features=FEATURES, catalogue=wider, rules=rulebook(FEATURES, policy.limits)
        )
    except ValueError as problem:
        return str(problem)
    return ""


def _channels(catalogue: Catalogue) -> tuple[Channel, ...]:
    held = {element.channel for mix in catalogue.mixes for element in mix.elements}
    return tuple(channel for channel in Channel if channel in held)


def _contacts(mix: Mix, channel: Channel) -> int:
    return sum(one.contacts(mix.weeks) for one in mix.elements if one.channel == channel)


def _every_square(catalogue: Catalogue, pair: Pair, logged: Sequence[str]) -> Iterator[Square]:
    known = {_profile(mix.elements): mix for mix in catalogue.mixes}
    schedules = [
        {_of(mix, frozenset({channel})) for mix in catalogue.mixes} - {()} for channel in pair
    ]
    besides = {_without(mix, frozenset(pair)) for mix in catalogue.mixes}
    weeks = catalogue.mixes[0].weeks
    # Sorted, so that the square that is named does not hang on the order of a set.
    for rest, first, second in sorted(product(besides, *schedules), key=repr):
        elements = ((*rest, *first, *second), (*rest, *first), (*rest, *second), rest)
        if not rest:
            continue
        cells = [known.get(_profile(one)) or _made(one, weeks) for one in elements]
        lacking = tuple(mix for mix in cells if mix.id not in logged)
        yield Square(pair=pair, cells=(cells[0], cells[1], cells[2], cells[3]), missing=lacking)


def _of(mix: Mix, channels: frozenset[Channel]) -> Schedule:
    return tuple(one for one in mix.elements if one.channel in channels)


def _without(mix: Mix, channels: frozenset[Channel]) -> Schedule:
    return tuple(one for one in mix.elements if one.channel not in channels)


def _profile(elements: Schedule) -> frozenset[tuple[str, int, int, int]]:
    # What takes a channel's place for somebody is no part of the dose.
    return frozenset((e.channel.value, e.first_week, e.every_n_days, e.minutes) for e in elements)


def _made(elements: Schedule, weeks: int) -> Mix:
    mix = Mix(
        id="",
        weeks=weeks,
        digital_demand=any(one.channel in DIGITAL for one in elements),
        elements=elements,
    )
    counted = {one.channel: _contacts(mix, one.channel) for one in elements}
    return replace(mix, id="_".join(f"{channel.value}_{n}" for channel, n in counted.items()))
