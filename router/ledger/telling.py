"""What is told of a journal, of one office after the other: memory holds the cases of one.

A new figure of the ledger joins in `Asked`, or, where all offices have a part in it, in `Told`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from router.decision.catalogue import Catalogue
from router.decision.policy import Policy
from router.ledger import overrides, shown
from router.ledger.account import Ledger, account
from router.ledger.entries import EPOCH
from router.ledger.overrides import OwnViews, ViewedSums, viewed_in_tens
from router.ledger.practice import Agreed, agreed
from router.ledger.reading import Books
from router.ledger.shown import DrawnSums, Draws, drawn_in_tens
from router.ledger.tens import Carriers, days_told, in_tens


class Period(NamedTuple):
    """The days that are told of, inclusive, and the day that it is told on."""

    first: date
    last: date
    as_of: date

    @property
    def before(self) -> Period:
        """As many days right before."""
        length = self.last - self.first + timedelta(days=1)
        return self._replace(first=self.first - length, last=self.last - length)


class Kept(NamedTuple):
    """What was read of a journal, case by case."""

    books: Books
    draws: Draws
    views: OwnViews


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is told of an office that is asked for.

    Attributes:
        ledger: of the period.
        before: of the period before, as far as the journal holds it.
        began: days since 1970-01-01 of the first case told; None without any.
        viewed: own views that came before the advice.
    """

    ledger: Ledger
    before: Ledger
    began: int | None
    viewed: ViewedSums


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is told of one office, all of it in tens.

    Attributes:
        drawn: who was drawn to be shown the advice: of every office, since one without a control
            group is told what all of them show.
        agreed: what was agreed with users in the period; None where no page is asked for.
        asked: None of an office that is not asked for.
    """

    drawn: DrawnSums
    agreed: Agreed | None
    asked: Asked | None


def tell(
    kept: Kept,
    policies: Mapping[str, Policy],
    chosen: Collection[str],
    catalogue: Catalogue,
    period: Period,
    *,
    pages: bool,
) -> dict[str, Told]:
    """Tells of each office that has a policy: nothing of single cases, from here on.

    Args:
        kept: of the whole journal.
        policies: by office.
        chosen: offices that are asked for, all of them with a baseline.
        catalogue: the mixes.
        period: that is asked for.
        pages: whether pages are asked for, which set an office beside the others.

    Raises:
        LedgerRefused: if an office asked for has no baseline.
    """
    as_of = (period.as_of - EPOCH).days
    found: dict[str, Told] = {}
    for office, policy in sorted(policies.items()):
        cases = kept.books.of(office)
        carriers = Carriers({office: days_told(cases)})
        # Both take carriers: in this order wherever it is told, as every release must agree.
        drawn = shown.sums_of(drawn_in_tens(kept.draws.of(office), carriers), as_of)
        asked, entries = None, None
        if office in chosen or pages:
            entries = in_tens(cases, {office: policy})
        if entries is not None and office in chosen:
            viewed = viewed_in_tens(kept.views.of(office), carriers)
            asked = Asked(
                ledger=account(entries, {office: policy}, catalogue, *period),
                before=account(entries, {office: policy}, catalogue, *period.before),
                began=int(entries.day.min()) if len(entries) else None,
                viewed=overrides.sums_of(viewed, as_of),
            )
        found[office] = Told(
            drawn=drawn,
            agreed=agreed(entries, *period[:2]) if entries is not None and pages else None,
            asked=asked,
        )
    return found
