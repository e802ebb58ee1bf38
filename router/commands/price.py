"""`price`: keeps an office's price in step with the cases that arrive."""

from __future__ import annotations

import time
from pathlib import Path

import click

from router.cases.features import FEATURES
from router.commands.options import FOLDER, JOURNAL, MODELS, POLICIES
from router.commands.score import load_decider
from router.decision.decide import Decider
from router.journal.opening import open_to_read
from router.planning.clearing_price import at_price
from router.planning.price_feedback import MOST_CHANGE, WEEKS, next_price, wanted_price
from router.planning.price_file import KEY, write_price
from router.planning.recent_cases import Arrivals, read_arrivals
from router.versions.registry import promoted_version

_MICROSECONDS_PER_WEEK = 7 * 24 * 3600 * 1_000_000


@click.command()
@click.option("--office", required=True, help="Whose price.")
@click.option(
    "--weeks",
    type=click.IntRange(1, 26),
    default=WEEKS,
    show_default=True,
    help="Whose arrivals are looked at.",
)
@click.option("--model", type=FOLDER, help="Model version's folder; the promoted one if not given.")
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
    office: str,
    weeks: int,
    model: Path | None,
    writes_price: bool,
    journal: str,
    models: Path,
    policies: Path,
) -> None:
    """Say, or write, the price at which the last weeks' arrivals take the office's minutes.

    Run it once a week: the price moves by a quarter at most, within the office's bounds.
    """
    decider, known = load_decider(model or models / promoted_version(models), policies, office)
    minutes_per_week = decider.policy.minutes_per_week
    if minutes_per_week is None:
        raise click.UsageError("--office: the policy in force sets no minutes a week")
    now = time.time_ns() // 1000
    found = read_arrivals(
        open_to_read(journal), FEATURES, office, now - weeks * _MICROSECONDS_PER_WEEK
    )

    # Before the cases are counted: a young journal is told as such, not as an office without cases.
    looked_at = _weeks(found, weeks, now)
    if not len(found.rows):
        raise click.ClickException(
            f"the journal holds no case of {office} in the last {weeks} weeks"
        )

    budget = minutes_per_week * looked_at
    bounds = known.bounds.spans[KEY]
    wanted = wanted_price(decider, found.rows, budget)
    moved = next_price(decider.policy.price, wanted, bounds)
    _tell(decider, found, budget, looked_at, wanted, moved)
    # Told apart from the next price, which stays within the bounds whatever is wanted.
    if not bounds[0] <= wanted <= bounds[1]:
        click.echo(
            f"The office's price may be {bounds[0]:g} to {bounds[1]:g}: "
            "its minutes cannot be met by price alone."
        )
    if writes_price:
        written = write_price(known, policies, office, moved)
        click.echo(f"The price {written:g} is in {office}'s policy.")


def _weeks(found: Arrivals, weeks: int, now: int) -> float:
    """Gives the weeks that the arrivals are of: fewer than asked for where the journal is younger.

    Raises:
        click.ClickException: if the journal holds less than a week.
    """
    held = weeks if found.began_at is None else (now - found.began_at) / _MICROSECONDS_PER_WEEK
    if held < 1:
        raise click.ClickException("the journal holds less than a week; a price needs one at least")
    return min(float(weeks), held)


def _tell(
    decider: Decider, found: Arrivals, budget: float, weeks: float, wanted: float, moved: float
) -> None:
    spent = at_price(decider, decider.policy.price, found.rows).minutes
    price_now = decider.policy.price
    click.echo(
        f"{len(found.rows):,} cases arrived in {weeks:.1f} weeks; "
        f"the office has {budget / 60:,.1f} h for them"
    )
    click.echo(f"  at the price in force, {price_now:.4g}, they take {spent / 60:,.1f} h")
    click.echo(f"  at {wanted:.4g} they would take what there is")
    click.echo(f"Next price: {moved:.4g} (it moves by {MOST_CHANGE:.0%} at most)")
