"""`ledger`: where adviser hours went, on the terminal, as a page, a CSV or for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import click

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
from router.ledger.account import Ledger, LedgerRefused, together
from router.ledger.benefit import Benefit, benefit
from router.ledger.elsewhere import HoursElsewhere, read_hours
from router.ledger.entries import EPOCH
from router.ledger.export import table, write_csv, write_prometheus
from router.ledger.overrides import Overrides, OwnViews, own_against_best
from router.ledger.page import check_extra, ledger_page
from router.ledger.practice import Practice, practices
from router.ledger.reading import Books, read_into
from router.ledger.shown import Draws, Shown, shown_against_control
from router.ledger.telling import Kept, Period, Told, tell
from router.ledger.words import load_words
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import Policies, check_office, load_policies
from router.texts import LANGUAGES
from router.versions.synergies import ChannelSynergies, promoted_synergies

_Of = TypeVar("_Of")


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
        every = Kept(Books(files), Draws(files), OwnViews(files))
        read_into(store, end_of(today), every)
        # From here on nothing is known of single cases: whatever is told below is told of tens.
        told = tell(every, known.offices, chosen, catalogue, period, pages=html is not None)
        strangers = _strangers(every.books, known)
        erased = every.books.erased

    asked = _Asked(told, period)
    click.echo(table(asked.each))
    _tell_missing(strangers)

    if csv_file is not None:
        write_csv(csv_file, asked.each | asked.together, asked.benefits)
    if prometheus is not None:
        write_prometheus(prometheus, asked.each, asked.shown, asked.overrides, asked.benefits)
    if html is not None:
        pages = _Pages(
            asked=asked,
            languages={office: policy.languages[0] for office, policy in chosen.items()},
            catalogue=catalogue,
            erased=erased,
            elsewhere=elsewhere,
            synergies=promoted_synergies(models),
        )
        for path in pages.write(html, language):
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


def _strangers(books: Books, known: Policies) -> int:
    """Counts cases of offices without a policy, in tens."""
    return full_tens(
        sum(
            int((books.of(office).left_out == "").sum())
            for office in books.offices
            if office not in known.offices
        )
    )


class _Asked:
    """What was asked for: of each office, and of several as one."""

    def __init__(self, told: Mapping[str, Told], period: Period) -> None:
        """Takes what is told of all offices with a policy."""
        self._told = told
        self._of = {office: one.asked for office, one in told.items() if one.asked is not None}
        self._began = (period.before.first - EPOCH).days
        self._everywhere = shown_against_control([one.drawn for one in told.values()])
        self.each = {office: one.ledger for office, one in self._of.items()}

    @property
    def together(self) -> dict[str, Ledger]:
        """The ledger of several offices as one, under ALL; none of a single office."""
        return {ALL: self.ledger(self._of)} if len(self._of) > 1 else {}

    @property
    def shown(self) -> dict[str, Shown]:
        """What showing the advice does, by office; of several offices also of ALL."""
        return self._by_name(self.shown_at)

    @property
    def benefits(self) -> dict[str, Benefit]:
        """What showing the advice is worth, by office; of several offices also of ALL."""
        return self._by_name(self.benefit)

    @property
    def overrides(self) -> dict[str, Overrides]:
        """Whether own views do better, by office; of several offices also of ALL."""
        return self._by_name(self.overrides_at)

    def ledger(self, offices: Collection[str]) -> Ledger:
        """Gives the ledger of some of them as one."""
        return together([self._of[office].ledger for office in offices])

    def before(self, offices: Collection[str]) -> Ledger | None:
        """Gives that of the period before, if the journal is old enough for all of it."""
        began = [one for office in offices if (one := self._of[office].began) is not None]
        if not began or min(began) > self._began:
            return None
        return together([self._of[office].before for office in offices])

    def shown_at(self, offices: Collection[str]) -> Shown:
        """Tells what showing the advice does at some of them together."""
        return shown_against_control([self._told[office].drawn for office in offices])

    def benefit(self, offices: Collection[str]) -> Benefit:
        """Tells what showing the advice is worth at some of them together."""
        cases = sum(self.each[office].shown for office in offices)
        return benefit(cases, self.shown_at(offices), self._everywhere)

    def overrides_at(self, offices: Collection[str]) -> Overrides:
        """Tells whether own views do better at some of them together."""
        return own_against_best([self._of[office].viewed for office in offices])

    def practices(self, offices: Collection[str]) -> tuple[Practice, ...]:
        """Sets some of them beside all others."""
        every = {office: one.agreed for office, one in self._told.items() if one.agreed is not None}
        return practices(every, offices)

    def _by_name(self, told: Callable[[Collection[str]], _Of]) -> dict[str, _Of]:
        found = {office: told([office]) for office in self._of}
        return found | ({ALL: told(self._of)} if len(self._of) > 1 else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pages:
    """Writes pages of what was asked for.

    Attributes:
        languages: each office's own.
    """

    asked: _Asked
    languages: Mapping[str, str]
    catalogue: Catalogue
    erased: int
    elsewhere: HoursElsewhere | None
    synergies: ChannelSynergies | None

    def write(self, html: Path, language: str | None) -> list[Path]:
        """Writes a page; of several offices one of all, and beside it one of each."""
        offices = list(self.asked.each)
        if len(offices) == 1:
            self._write(html, offices, language, {})
            return [html]
        paths = {office: html.with_name(f"{html.stem}-{office}{html.suffix}") for office in offices}
        names = {office: path.name for office, path in paths.items()}
        self._write(html, offices, language, names)
        for office, path in paths.items():
            self._write(path, [office], language, {ALL: html.name})
        return [html, *paths.values()]

    def _write(
        self, path: Path, offices: list[str], language: str | None, links: dict[str, str]
    ) -> None:
        asked = self.asked
        page = ledger_page(
            asked.ledger(offices),
            asked.practices(offices),
            {office: asked.each[office] for office in offices},
            self.catalogue,
            # Of several offices the first one's: a page has one language.
            load_words()[language or self.languages[offices[0]]],
            erased=self.erased,
            shown=asked.shown_at(offices),
            benefit=asked.benefit(offices),
            overrides=asked.overrides_at(offices),
            elsewhere=self.elsewhere,
            before=asked.before(offices),
            links={name: quote(file) for name, file in links.items()},
            synergies=self.synergies,
        )
        path.write_text(page, encoding="utf-8")


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
