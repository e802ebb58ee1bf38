"""Minutes per contact by channel, re-estimated from what was reported.

Savings that are claimed must survive what calls really take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.decision.catalogue import Catalogue, Mix
from router.ledger.entries import CHANNELS, Entries
from router.ledger.intervals import Interval, ratio, ratio_sums
from router.ledger.tens import MEAN_OF, TEN


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFigures:
    """One channel that reports tell of or plans hold.

    Attributes:
        channel: its name.
        reports: that tell of contacts by it.
        minutes: reported minutes per contact; None with fewer than thirty reports.
        catalogue: minutes per contact in the catalogue, over the contacts that the same cases'
            mixes plan; None if they plan none, or with fewer than thirty.
        contacts: reported contacts a case, over cases whose mix plans the channel; None with fewer
            than thirty.
        planned_contacts: planned contacts a case, over the same cases.
    """

    channel: str
    reports: int
    minutes: Interval | None
    catalogue: float | None
    contacts: float | None
    planned_contacts: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MixMinutes:
    """A mix's adviser minutes in the catalogue and as the reports would have them."""

    mix: str
    catalogue: int
    reestimated: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSums:
    """What is told of channels, of one office's cases whose report tells of any, or of several's.

    Each by channel, in the order of `CHANNELS`.

    Attributes:
        reported: over cases whose report tells of contacts by it, shape (channels, 6) of
            `ratio_sums`.
        plans: cases whose mix plans it, shape (channels,); so all below.
        planned: contacts that their mixes plan.
        minutes: that their mixes plan.
        contacts: that their reports tell of.
    """

    reported: NDArray[np.float64]
    plans: NDArray[np.int64]
    planned: NDArray[np.float64]
    minutes: NDArray[np.float64]
    contacts: NDArray[np.float64]


def channel_sums(entries: Entries, catalogue: Catalogue) -> ChannelSums:
    """Sums up what is reported of each channel and what is planned.

    A contact that takes no adviser minutes in the catalogue, say an automatic reminder, is not one
    that is reported.
    """
    # A report may give the sum of minutes alone: it tells of no channel.
    told = entries.where(
        entries.measured & (entries.minutes.sum(axis=1) + entries.contacts.sum(axis=1) > 0)
    )
    contacts, minutes = _planned(told.mix.tolist(), catalogue)
    reported = []
    for at in range(len(CHANNELS)):
        here = told.contacts[:, at] > 0
        reported.append(ratio_sums(told.minutes[here, at], told.contacts[here, at]))
    return ChannelSums(
        reported=np.stack(reported),
        plans=(contacts > 0).sum(axis=0),
        planned=contacts.sum(axis=0),
        minutes=minutes.sum(axis=0),
        contacts=np.where(contacts > 0, told.contacts, 0.0).sum(axis=0),
    )


def channel_figures(sums: ChannelSums) -> tuple[ChannelFigures, ...]:
    """Compares what is reported of each channel with what is planned.

    Channels that nobody plans or reports are left out.
    """
    found = []
    for at, channel in enumerate(CHANNELS):
        reports, plans = int(sums.reported[at, 0]), int(sums.plans[at])
        if not reports and not plans:
            continue
        many, planned = plans >= MEAN_OF, float(sums.planned[at])
        found.append(
            ChannelFigures(
                channel=channel,
                reports=reports,
                minutes=ratio(sums.reported[at], TEN) if reports >= MEAN_OF else None,
                catalogue=float(sums.minutes[at]) / planned if many else None,
                contacts=float(sums.contacts[at]) / plans if many else None,
                planned_contacts=planned / plans if many else None,
            )
        )
    return tuple(found)


def mix_minutes(figures: Sequence[ChannelFigures], catalogue: Catalogue) -> tuple[MixMinutes, ...]:
    """Tells what the reported minutes per contact make of each mix.

    The number of contacts is the catalogue's. A channel without enough reports keeps the
    catalogue's minutes.
    """
    factor = {
        one.channel: one.minutes.value / one.catalogue
        for one in figures
        if one.minutes and one.catalogue
    }
    return tuple(
        MixMinutes(
            mix=mix.id,
            catalogue=mix.adviser_minutes,
            reestimated=sum(
                element.minutes
                * element.contacts(mix.weeks)
                * factor.get(element.channel.value, 1.0)
                for element in mix.elements
            ),
        )
        for mix in catalogue.mixes
    )


def _planned(mixes: Sequence[str], catalogue: Catalogue) -> tuple[np.ndarray, np.ndarray]:
    """Gives contacts that take an adviser's time, and their minutes.

    Returns:
        Two arrays by case and channel, shape (n, channels).
    """
    places = {mix.id: place for place, mix in enumerate(catalogue.mixes)}
    # A mix that is no longer in the catalogue plans nothing that could be compared.
    nothing = np.zeros((2, len(CHANNELS)))
    table = np.array([*(_elements(mix) for mix in catalogue.mixes), nothing])
    chosen = (
        table[[places.get(mix, -1) for mix in mixes]]
        if len(mixes)
        else np.zeros((0, 2, len(CHANNELS)))
    )
    return chosen[:, 0], chosen[:, 1]


def _elements(mix: Mix) -> np.ndarray:
    found = np.zeros((2, len(CHANNELS)))
    for element in mix.elements:
        # A reminder that costs nobody's time is no contact that an adviser reports.
        if element.minutes:
            contacts = element.contacts(mix.weeks)
            found[:, CHANNELS.index(element.channel.value)] += contacts, contacts * element.minutes
    return found
