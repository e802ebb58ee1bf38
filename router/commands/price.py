"""`price`: keeps offices' prices in step with the cases that arrive."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import datetime
from pathlib import Path

import click

from router.cases.features import FEATURES
from router.commands.options import (
    ALL,
    AS_OF,
    JOURNAL,
    MODEL,
    MODELS,
    OFFICES,
    POLICIES,
    WEEKS_LOOKED_AT,
    end_of,
)
from router.commands.score import decider_of, versions_of
from router.decision.decide import Decider
from router.decision.schema import Rows
from router.journal.opening import open_to_read
from router.planning.clearing_price import at_price
from router.planning.price_feedback import MOST_CHANGE, next_price, wanted_price
from router.planning.price_file import KEY, write_price
from router.planning.recent_cases import Arrivals, read_arrivals
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policies

MICROSECONDS_PER_WEEK = 7 * 24 * 3600 * 1_000_000


@click.command()
@OFFICES
@WEEKS_LOOKED_AT
@AS_OF
@MODEL
@click.option(
    "--write-price",
    "writes_price",
    is_flag=True,
    help="Write the next price into the office's policy.",
)
@JOURNAL
@MODELS
@POLICIES
def price(
    offices: tuple[str, ...],
    weeks: int,
    as_of: datetime | None,
    model: Path | None,
    writes_price: bool,
    journal: str,
    models: Path,
    policies: Path,
) -> None:
    """Say, or write, the price at which the last weeks' arrivals take the office's minutes.

    Run it once a week: the price moves by a quarter at most, within the office's bounds.
    """
    asked = _Asked(policies, models, model, offices)
    without = [f"{office}: {why}" for office, why in asked.without.items()]
    if not asked.deciders:
        raise click.ClickException("\n".join(without))
    now = time.time_ns() // 1000 if as_of is None else end_of(as_of)
    since = now - weeks * MICROSECONDS_PER_WEEK
    with closing(open_to_read(journal)) as store:
        found = read_arrivals(store, FEATURES, asked.deciders.keys(), since, now)

    # Before the cases are counted: a young journal is told as such, not as an office without cases.
    looked_at = weeks_of(found, weeks, now)
    bounds = asked.known.bounds.spans[KEY]
    for office, decider in asked.deciders.items():
        if len(asked.deciders) > 1:
            click.echo(f"{office}:")
        rows = found.rows[office]
        if not len(rows):
            without.append(
                f"the journal holds no case of {office} in the {weeks} weeks looked at; "
                "--as-of gives the day on which they end"
            )
            continue
        moved = _moved(decider, rows, looked_at, bounds)
        if writes_price:
            written = write_price(asked.known, policies, office, moved)
            click.echo(f"The price {written:.10g} is in {office}'s policy.")
    # Behind the others: one office without a price must not keep the rest from theirs.
    if without:
        raise click.ClickException("\n".join(without))


class _Asked:
    """The offices asked for, and what decides for each; those that can have no price, and why."""

    def __init__(
        self, policies: Path, models: Path, model: Path | None, offices: tuple[str, ...]
    ) -> None:
        catalogue = load_catalogue(policies / "mixes.toml")
        self.known = load_policies(policies, catalogue)
        self.deciders: dict[str, Decider] = {}
        self.without: dict[str, str] = {}
        version = versions_of(model, models, catalogue)
        every = {*self.known.offices, *self.known.refused} if ALL in offices else set(offices)
        for office in sorted(every):
            if ALL in offices and office in self.known.refused:
                self.without[office] = self.known.refused[office]
                continue
            policy = self.known.usable(office)
            if policy.minutes_per_week is None:
                self.without[office] = "the policy in force sets no minutes a week"
                continue
            self.deciders[office] = decider_of(version(office)[0], catalogue, policy, policies)


def _moved(decider: Decider, rows: Rows, looked_at: float, bounds: tuple[float, float]) -> float:
    """Tells an office's next price, and gives it."""
    budget = (decider.policy.minutes_per_week or 0) * looked_at
    wanted = wanted_price(decider, rows, budget)
    moved = next_price(decider.policy.price, wanted, bounds)
    _tell(decider, rows, budget, looked_at, wanted, moved)
    # Told apart from the next price, which stays within the bounds whatever is wanted.
    if not bounds[0] <= wanted <= bounds[1]:
        click.echo(
            f"The office's price may be {bounds[0]:.10g} to {bounds[1]:.10g}: "
            "its minutes cannot be met by price alone."
        )
    return moved


def weeks_of(found: Arrivals, weeks: int, now: int) -> float:
    """Gives the weeks that the arrivals are of: fewer than asked for where the journal is younger.

    Raises:
        click.ClickException: if the journal holds less than a week.
    """
    held = weeks if found.began_at is None else (now - found.began_at) / MICROSECONDS_PER_WEEK
    if held < 1:
        raise click.ClickException("the journal holds less than a week; at least one is needed")
    return min(float(weeks), held)


def _tell(
    decider: Decider, rows: Rows, budget: float, weeks: float, wanted: float, moved: float
) -> None:
    spent = at_price(decider, decider.policy.price, rows).minutes
    price_now = decider.policy.price
    click.echo(
        f"{len(rows):,} cases arrived in {weeks:.1f} weeks; "
        f"the office has {budget / 60:,.1f} h for them"
    )
    click.echo(f"  at the price in force, {price_now:.4g}, they take {spent / 60:,.1f} h")
    least = at_price(decider, wanted, rows).minutes
    if wanted <= 0 and least < budget:
        click.echo(f"  even at 0 they would take {least / 60:,.1f} h: there is time to spare")
    else:
        click.echo(f"  at {wanted:.4g} they would take what there is")
    click.echo(f"Next price: {moved:.4g} (it moves by {MOST_CHANGE:.0%} at most)")
