"""`ledger`: where adviser hours went, on the terminal, as a page, a CSV or for Prometheus."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import click
import numpy as np

from router.commands.options import (
    ALL,
    AS_OF,
    DATE,
    FILE,
    JOURNAL,
    MODELS,
    OFFICES,
    POLICIES,
    end_of,
)
from router.decision.catalogue import Catalogue
from router.decision.policy import Policy
from router.decision.whole_tens import full_tens
from router.files.formats import check_place
from router.journal.opening import file_of, open_to_read
from router.ledger.account import Ledger, LedgerRefused, account
from router.ledger.arithmetic import Flags, Whole
from router.ledger.benefit import Benefit, benefit
from router.ledger.elsewhere import HoursElsewhere, read_hours
from router.ledger.entries import EPOCH, Entries, joined
from router.ledger.export import table, write_csv, write_prometheus
from router.ledger.overrides import (
    Overrides,
    OwnViews,
    Viewed,
    own_against_best,
    viewed_in_tens,
)
from router.ledger.page import check_extra, ledger_page
from router.ledger.practice import practices
from router.ledger.reading import Books, read_into
from router.ledger.shown import Drawn, Draws, Shown, drawn_in_tens, shown_against_control
from router.ledger.tens import Carriers, days_told, in_tens
from router.ledger.words import load_words
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import Policies, check_office, load_policies
from router.texts import LANGUAGES
from router.versions.synergies import ChannelSynergies, promoted_synergies


@click.command()
@OFFICES
@click.option("--from", "first", type=DATE, required=True, help="First day, YYYY-MM-DD.")
@click.option("--to", "last", type=DATE, required=True, help="Last day, inclusive.")
@click.option("--html", type=FILE, help="Page for a leader; needs the extra `ledger`.")
@click.option("--csv", "csv_file", type=FILE, help="Office, week and tier, in minutes.")
@click.option("--prometheus", type=FILE, help="FILE.prom for node_exporter's textfile collector.")
@click.option(
    "--language", type=click.Choice(LANGUAGES), help="Of the page; the office's own if not given."
)
@click.option(
    "--hours",
    "hours_file",
    type=FILE,
    help="What `router hours --json` wrote; for the page.",
)
@AS_OF
@JOURNAL
@POLICIES
@MODELS
def ledger(
    offices: tuple[str, ...],
    first: datetime,
    last: datetime,
    html: Path | None,
    csv_file: Path | None,
    prometheus: Path | None,
    language: str | None,
    hours_file: Path | None,
    as_of: datetime | None,
    journal: str,
    policies: Path,
    models: Path,
) -> None:
    """Tell minutes planned, released, re-used and unaccounted, of offices over a period."""
    if html is not None:
        # Before the whole journal is read for nothing.
        check_extra()
    if prometheus is not None and prometheus.suffix != ".prom":
        raise LedgerRefused(
            f"prometheus: {prometheus} must end with .prom, or the collector does not read it"
        )
    if hours_file is not None and html is None:
        raise click.UsageError("--hours: what it says is told on the page; give --html as well")
    elsewhere = read_hours(hours_file) if hours_file is not None else None
    kept = file_of(journal)
    for place, end, option in ((html, ".html", "html"), (csv_file, ".csv", "csv"),
                               (prometheus, ".prom", "prometheus")):  # fmt: skip
        if place is not None:
            check_place(place, (end,), [kept] if kept else [], option)
    if last < first:
        raise LedgerRefused(f"to: {last.date()} is before from, {first.date()}")

    catalogue = load_catalogue(policies / "mixes.toml")
    known = load_policies(policies, catalogue)
    chosen = _chosen(known, offices)
    if elsewhere is not None:
        _check_hours(elsewhere, chosen, first.date(), last.date())
    today = as_of or datetime.now(UTC)
    period = Period(first=first.date(), last=last.date(), as_of=today.date())
    with closing(open_to_read(journal)) as store, ExitStack() as files:
        # Draws of all offices: one without a control group is told what all of them show.
        books, draws, views = Books(files), Draws(files, known.offices), OwnViews(files, chosen)
        read_into(store, end_of(today), [books, draws, views])
        read = _told(books, known, chosen, period, pages=html is not None)
        # From here on nothing is known of single cases: whatever is told below is told of tens.
        groups = drawn_in_tens(draws.found(), read.carriers)
        viewed = viewed_in_tens(views.found(), read.carriers)

    synergies = promoted_synergies(models) if html is not None else None
    asked = _Asked(read, groups, viewed, chosen, known.offices, catalogue, period, synergies)
    click.echo(table(asked.each))
    _tell_missing(read.strangers)

    if csv_file is not None:
        write_csv(csv_file, asked.each | asked.together, asked.benefits)
    if prometheus is not None:
        write_prometheus(prometheus, asked.each, asked.shown, asked.overrides, asked.benefits)
    if html is not None:
        for path in asked.write_pages(html, language, elsewhere):
            click.echo(f"page: {path}")


def _check_hours(hours: HoursElsewhere, offices: Collection[str], first: date, last: date) -> None:
    """Refuses figures about hours that are of other offices, or of another time.

    Raises:
        LedgerRefused: if they are.
    """
    if not set(hours.offices) & set(offices):
        raise LedgerRefused(
            f"hours: tells of {', '.join(sorted(hours.offices)) or 'no office'}, and of none that "
            "is asked for"
        )
    if not first <= hours.until <= last:
        raise LedgerRefused(
            f"hours: tells of weeks up to {hours.until}, which is not from {first} to {last}; make "
            "it with `router hours --as-of` of a day in the period"
        )


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


class _Told(NamedTuple):
    """What is told of the journal, all of it in tens.

    Attributes:
        entries: of the offices asked for, of the period and the one before.
        agreed: of all offices with a policy, of the period, what was agreed with users; empty where
            no page is asked for.
        carriers: tens of all offices with a policy, for what else is told of their cases.
        began: by office asked for, days since 1970-01-01 of the first told; none of one without.
        strangers: cases of offices without a policy.
        erased: recommendations that were erased.
    """

    entries: Entries
    agreed: Entries
    carriers: Carriers
    began: Mapping[str, int]
    strangers: int
    erased: int


def _told(
    books: Books, known: Policies, chosen: Mapping[str, Policy], period: Period, *, pages: bool
) -> _Told:
    """Tells each office's cases in tens, one office at a time: no more than that is in memory."""
    nobody = books.of("").where(np.zeros(0, np.intp))
    entries, agreed = [nobody], [nobody]
    began: dict[str, int] = {}
    days: dict[str, Whole] = {}
    for office in sorted(known.offices):
        cases = books.of(office)
        days[office] = days_told(cases)
        if office not in chosen and not pages:
            continue
        told = in_tens(cases, {office: known.offices[office]})
        if office in chosen:
            if len(told):
                began[office] = int(told.day.min())
            entries.append(told.where(_between(told, period.before.first, period.last)))
        if pages:
            agreed.append(
                told.where(
                    _between(told, period.first, period.last) & told.chosen & (told.left_out == "")
                )
            )
    strangers = sum(
        int((books.of(office).left_out == "").sum())
        for office in books.offices
        if office not in known.offices
    )
    return _Told(
        joined(entries),
        joined(agreed),
        Carriers(days),
        began,
        full_tens(strangers),
        books.erased,
    )


def _between(entries: Entries, first: date, last: date) -> Flags:
    found: Flags = (entries.day >= (first - EPOCH).days) & (entries.day <= (last - EPOCH).days)
    return found


class _Asked:
    """The ledgers that were asked for."""

    def __init__(
        self,
        told: _Told,
        groups: Drawn,
        views: Viewed,
        chosen: dict[str, Policy],
        known: Mapping[str, Policy],
        catalogue: Catalogue,
        period: Period,
        synergies: ChannelSynergies | None,
    ) -> None:
        self._told = told
        self._groups = groups
        self._views = views
        self._chosen = chosen
        self._known = known
        self._catalogue = catalogue
        self._period = period
        self._synergies = synergies
        self.each = {office: self._account([office], period) for office in chosen}
        self._everywhere = self._shown(known)

    @cached_property
    def together(self) -> dict[str, Ledger]:
        """The ledger of several offices as one, under ALL; none of a single office."""
        if len(self._chosen) == 1:
            return {}
        return {ALL: self._account(self._chosen, self._period)}

    @property
    def shown(self) -> dict[str, Shown]:
        """What showing the advice does, by office; of several offices also of ALL."""
        found = {office: self._shown([office]) for office in self._chosen}
        return found | ({ALL: self._shown(self._chosen)} if len(self._chosen) > 1 else {})

    @property
    def benefits(self) -> dict[str, Benefit]:
        """What showing the advice is worth, by office; of several offices also of ALL."""
        found = {office: self._benefit([office], one) for office, one in self.each.items()}
        together = {name: self._benefit(self._chosen, one) for name, one in self.together.items()}
        return found | together

    @property
    def overrides(self) -> dict[str, Overrides]:
        """Whether own views do better, by office; of several offices also of ALL."""
        found = {office: self._overrides([office]) for office in self._chosen}
        return found | ({ALL: self._overrides(self._chosen)} if len(self._chosen) > 1 else {})

    def _overrides(self, offices: Collection[str]) -> Overrides:
        return own_against_best(self._views, offices, (self._period.as_of - EPOCH).days)

    def _shown(self, offices: Collection[str]) -> Shown:
        return shown_against_control(self._groups, offices, (self._period.as_of - EPOCH).days)

    def _benefit(self, offices: Collection[str], ledger: Ledger) -> Benefit:
        return benefit(ledger.shown, self._shown(offices), self._everywhere)

    def _account(self, offices: Collection[str], period: Period) -> Ledger:
        policies = {office: self._chosen[office] for office in offices}
        return account(self._told.entries, policies, self._catalogue, *period)

    def write_pages(
        self, html: Path, language: str | None, elsewhere: HoursElsewhere | None
    ) -> list[Path]:
        """Writes a page; of several offices one of all, and beside it one of each."""
        if len(self._chosen) == 1:
            (office,) = self._chosen
            self._write(html, [office], language, {}, elsewhere)
            return [html]
        paths = {
            office: html.with_name(f"{html.stem}-{office}{html.suffix}") for office in self._chosen
        }
        names = {office: path.name for office, path in paths.items()}
        self._write(html, list(self._chosen), language, names, elsewhere)
        for office, path in paths.items():
            self._write(path, [office], language, {ALL: html.name}, elsewhere)
        return [html, *paths.values()]

    def _write(
        self,
        path: Path,
        offices: list[str],
        language: str | None,
        links: dict[str, str],
        elsewhere: HoursElsewhere | None,
    ) -> None:
        # Of several offices the first one's: a page has one language.
        own_language = self._chosen[offices[0]].languages[0]
        told = self._account(offices, self._period)
        page = ledger_page(
            told,
            practices(self._told.agreed, offices, list(self._known), *self._period[:2]),
            {office: self.each[office] for office in offices},
            self._catalogue,
            load_words()[language or own_language],
            erased=self._told.erased,
            shown=self._shown(offices),
            benefit=self._benefit(offices, told),
            overrides=self._overrides(offices),
            elsewhere=elsewhere,
            before=self._before(offices),
            links={name: quote(file) for name, file in links.items()},
            synergies=self._synergies,
        )
        path.write_text(page, encoding="utf-8")

    def _before(self, offices: list[str]) -> Ledger | None:
        """Gives the ledger of the period before, if the journal is old enough for all of it."""
        before = self._period.before
        began = [self._told.began[office] for office in offices if office in self._told.began]
        if not began or min(began) > (before.first - EPOCH).days:
            return None
        return self._account(offices, before)


def _chosen(policies: Policies, offices: tuple[str, ...]) -> dict[str, Policy]:
    """Gives the policies of the offices asked for, by reference, sorted.

    Raises:
        LedgerRefused: if one is unknown, its policy is refused, or there is none at all.
        PolicyError: if one is no good reference.
    """
    known = ", ".join(policies.offices) or "none"
    if ALL in offices:
        if not policies.offices:
            raise LedgerRefused(
                "office: there is no office policy; the ledger needs its baseline_minutes"
            )
        # Without the refused ones it would not be all.
        offices = (*policies.offices, *policies.refused)
    for office in offices:
        if office in policies.refused:
            raise LedgerRefused(f"office {office}: {policies.refused[office]}")
        check_office(office)
        if office not in policies.offices:
            raise LedgerRefused(
                f"office: {office!r} has no policy under offices/; known are {known}"
            )
    return {office: policies.offices[office] for office in sorted(set(offices))}


def _tell_missing(strangers: int) -> None:
    # Told, since an office without a policy has no baseline: its hours would be missed in silence.
    if strangers:
        click.echo(
            f"at least {strangers} cases in the journal belong to no office with a policy: "
            "they are in no ledger",
            err=True,
        )
