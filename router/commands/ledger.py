"""`ledger`: where adviser hours went, on the terminal, as a page, a CSV or for Prometheus."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click

from router.commands.options import FILE, JOURNAL, POLICIES
from router.decision.catalogue import Catalogue
from router.decision.policy import Policy
from router.journal.opening import open_to_read
from router.ledger.account import Ledger, LedgerRefused, account
from router.ledger.entries import Entries
from router.ledger.export import table, write_csv, write_prometheus
from router.ledger.page import check_extra, ledger_page
from router.ledger.practice import practices
from router.ledger.reading import read_entries
from router.ledger.words import load_words
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import Policies, check_office, load_policies
from router.texts import LANGUAGES

ALL = "ALL"
_DATE = click.DateTime(formats=["%Y-%m-%d"])


@click.command()
@click.option(
    "--office",
    "offices",
    multiple=True,
    required=True,
    help="Reference; may be given again; ALL for all.",
)
@click.option("--from", "first", type=_DATE, required=True, help="First day, YYYY-MM-DD.")
@click.option("--to", "last", type=_DATE, required=True, help="Last day, inclusive.")
@click.option("--html", type=FILE, help="Page for a leader; needs the extra `ledger`.")
@click.option("--csv", "csv_file", type=FILE, help="Office, week and tier, in minutes.")
@click.option("--prometheus", type=FILE, help="FILE.prom for node_exporter's textfile collector.")
@click.option(
    "--language", type=click.Choice(LANGUAGES), help="Of the page; the office's own if not given."
)
@JOURNAL
@POLICIES
def ledger(
    offices: tuple[str, ...],
    first: datetime,
    last: datetime,
    html: Path | None,
    csv_file: Path | None,
    prometheus: Path | None,
    language: str | None,
    journal: str,
    policies: Path,
) -> None:
    """Tell minutes planned, released, re-used and unaccounted, of offices over a period."""
    if html is not None:
        # Before the whole journal is read for nothing.
        check_extra()
    if prometheus is not None and prometheus.suffix != ".prom":
        raise LedgerRefused(
            f"prometheus: {prometheus} must end with .prom, or the collector does not read it"
        )
    if last < first:
        raise LedgerRefused(f"to: {last.date()} is before from, {first.date()}")

    catalogue = load_catalogue(policies / "mixes.toml")
    known = load_policies(policies, catalogue)
    chosen = _chosen(known, offices)
    store = open_to_read(journal)
    try:
        entries, erased = read_entries(store)
    finally:
        store.close()
    days = first.date(), last.date()

    each = {
        office: account(entries, {office: policy}, catalogue, *days)
        for office, policy in chosen.items()
    }
    click.echo(table(each))
    _tell_missing(entries, known)

    if csv_file is not None:
        write_csv(csv_file, each)
    if prometheus is not None:
        write_prometheus(prometheus, each)
    if html is not None:
        page = _page(entries, erased, chosen, each, list(known.offices), catalogue, days, language)
        html.write_text(page, encoding="utf-8")
        click.echo(f"page: {html}")


def _page(
    entries: Entries,
    erased: int,
    chosen: dict[str, Policy],
    each: dict[str, Ledger],
    known: list[str],
    catalogue: Catalogue,
    days: tuple[date, date],
    language: str | None,
) -> str:
    # One office's own ledger is the total already.
    if len(chosen) > 1:
        total = account(entries, chosen, catalogue, *days)
    else:
        (total,) = each.values()
    # Of several offices the first one's: a page has one language.
    own_language = next(iter(chosen.values())).languages[0]
    words = load_words()[language or own_language]
    beside = practices(entries, list(chosen), known, *days)
    return ledger_page(total, beside, each, catalogue, words, erased=erased)


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


def _tell_missing(entries: Entries, policies: Policies) -> None:
    # Told, since an office without a policy has no baseline: its hours would be missed in silence.
    told = entries.where(entries.left_out == "").office.tolist()
    strangers = sum(office not in policies.offices for office in told)
    if strangers:
        click.echo(
            f"{strangers} cases in the journal belong to no office with a policy: "
            "they are in no ledger",
            err=True,
        )
