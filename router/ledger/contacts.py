"""Minutes per contact by channel, re-estimated from what was reported.

Savings that are claimed must survive what calls really take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from router.decision.catalogue import Catalogue, Mix
from router.ledger.entries import CHANNELS, Entries
from router.ledger.intervals import Interval, ratio
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


def channel_figures(entries: Entries, catalogue: Catalogue) -> tuple[ChannelFigures, ...]:
    """Compares what is reported of each channel with what is planned.

    Channels that nobody plans or reports are left out. A contact that takes no adviser minutes in
    the catalogue, say an automatic reminder, is not one that is reported.
    """
    # A report may give the sum of minutes alone: it tells of no channel.
    told = entries.where(
        entries.measured & (entries.minutes.sum(axis=1) + entries.contacts.sum(axis=1) > 0)
    )
    contacts, minutes = _planned(told.mix.tolist(), catalogue)
    found = []
    for at, channel in enumerate(CHANNELS):
        reporting = told.contacts[:, at] > 0
        if not reporting.any() and not contacts[:, at].any():
            continue
        reports, plans = int(reporting.sum()), contacts[:, at] > 0
        enough, many = reports >= MEAN_OF, int(plans.sum()) >= MEAN_OF
        found.append(
            ChannelFigures(
                channel=channel,
                reports=reports,
                minutes=ratio(told.minutes[reporting, at], told.contacts[reporting, at], TEN)
                if enough
                else None,
                catalogue=float(minutes[:, at].sum() / contacts[:, at].sum()) if many else None,
                contacts=float(told.contacts[plans, at].mean()) if many else None,
                planned_contacts=float(contacts[plans, at].mean()) if many else None,
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
