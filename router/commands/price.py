"""`price`: keeps an office's price in step with its cases; and what hours buy elsewhere."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zlib import crc32

import click

from router.cases.features import FEATURES
from router.commands.options import AS_OF, FILE, FOLDER, JOURNAL, MODELS, POLICIES, end_of
from router.commands.score import load_decider
from router.decision.decide import Decider
from router.files.aside import written_aside
from router.files.formats import check_place
from router.journal.opening import file_of, open_to_read
from router.planning.allocate import BudgetTooSmall
from router.planning.clearing_price import at_price
from router.planning.hours_elsewhere import ENOUGH, hours_figures, worth_of_hours
from router.planning.price_feedback import MOST_CHANGE, WEEKS, next_price, wanted_price
from router.planning.price_file import KEY, write_price
from router.planning.recent_cases import Arrivals, read_arrivals, read_arrivals_of
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policies
from router.versions.pointers import version_for

_MICROSECONDS_PER_WEEK = 7 * 24 * 3600 * 1_000_000
ALL = "ALL"


@click.command()
@click.option("--office", required=True, help="Whose price; ALL: hours elsewhere.")
@click.option(
    "--weeks",
    type=click.IntRange(1, 26),
    default=WEEKS,
    show_default=True,
    help="Whose arrivals are looked at.",
)
@AS_OF
@click.option("--model", type=FOLDER, help="Model version's folder; the promoted one if not given.")
@click.option(
    "--write-price",
    "writes_price",
    is_flag=True,
    help="Write the next price into the office's policy.",
)
@click.option("--json", "figures_file", type=FILE, help="Of ALL: the figures, as JSON.")
@JOURNAL
@MODELS
@POLICIES
def price(
    office: str,
    weeks: int,
    as_of: datetime | None,
    model: Path | None,
    writes_price: bool,
    figures_file: Path | None,
    journal: str,
    models: Path,
    policies: Path,
) -> None:
    """Say, or write, the price at which the last weeks' arrivals take the office's minutes.

    Run it once a week: the price moves by a quarter at most, within the office's bounds. Of ALL
    it says what ten hours more or fewer would do at each office, and the best move between two.
    """
    now = time.time_ns() // 1000 if as_of is None else end_of(as_of)
    if office == ALL:
        if writes_price:
            raise click.UsageError("--write-price: name one office; of ALL nothing is written")
        kept = file_of(journal)
        if figures_file is not None:
            check_place(figures_file, (".json",), [kept] if kept else [], "json")
        figures = _elsewhere(model, models, policies, journal, weeks, now)
        if figures_file is not None:
            with written_aside(figures_file) as aside:
                aside.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        for line in words(figures):
            click.echo(line)
        return
    if figures_file is not None:
        raise click.UsageError("--json: only of --office ALL")
    decider, known = load_decider(model or models / version_for(models, office), policies, office)
    minutes_per_week = decider.policy.minutes_per_week
    if minutes_per_week is None:
        raise click.UsageError("--office: the policy in force sets no minutes a week")
    since = now - weeks * _MICROSECONDS_PER_WEEK
    found = read_arrivals(open_to_read(journal), FEATURES, office, since, now)

    # Before the cases are counted: a young journal is told as such, not as an office without cases.
    looked_at = _weeks(found, weeks, now)
    if not len(found.rows):
        raise click.ClickException(
            f"the journal holds no case of {office} in the {weeks} weeks looked at; "
            "--as-of gives the day on which they end"
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


def _elsewhere(
    model: Path | None, models: Path, policies: Path, journal: str, weeks: int, now: int
) -> dict[str, Any]:
    """Reckons what ten hours are worth at every office that has minutes a week.

    Raises:
        click.ClickException: if the journal holds less than a week.
    """
    known = load_policies(policies, load_catalogue(policies / "mixes.toml"))
    store = open_to_read(journal)
    try:
        since = now - weeks * _MICROSECONDS_PER_WEEK
        arrived = read_arrivals_of(store, FEATURES, known.offices, since, now)
    finally:
        store.close()
    left_out = dict(known.refused)
    offices, looked_at = {}, float(weeks)
    for office, found in arrived.items():
        folder = model or models / version_for(models, office)
        decider, _ = load_decider(folder, policies, office)
        looked_at = _weeks(found, weeks, now)
        if decider.policy.minutes_per_week is None:
            left_out[office] = "its policy sets no minutes a week"
        elif len(found.rows) < ENOUGH:
            left_out[office] = f"fewer than {ENOUGH} cases"
        else:
            budget = decider.policy.minutes_per_week * looked_at
            try:
                # By version: what is wrong with one says nothing of another, such as a canary.
                seed = crc32(folder.name.encode())
                offices[office] = worth_of_hours(decider, found.rows, budget, seed)
            except BudgetTooSmall as short:
                left_out[office] = str(short)
    until = datetime.fromtimestamp((now - 1) // 1_000_000, UTC).date()
    return hours_figures(offices, left_out, looked_at, str(until))


def words(figures: Mapping[str, Any]) -> Iterator[str]:
    """Tells what hours would buy elsewhere in plain words, line by line."""
    hours = figures["hours"]
    yield (
        f"{hours} hours over {figures['weeks']:.1f} weeks' cases, in people who reach the goal "
        "(90% range), by the model's values"
    )
    for office, one in figures["offices"].items():
        fewer = one["fewer"]
        less = "floors leave none to give" if fewer is None else f"{_range(fewer)} lost"
        yield f"  {office:<24} {hours} h more: {_range(one['more'])} gained; fewer: {less}"
    for office, why in figures["left_out"].items():
        yield f"  {office:<24} cannot say: {why}"
    move = figures["best_move"]
    if move is None:
        yield "No office can give hours to another."
        return
    gain, between = move["gain"], f"from {move['from']} to {move['to']}"
    if gain["low"] <= 0:
        yield (
            f"It cannot be told whether moving hours would help: the best move is {hours} hours "
            f"{between}, {_range(gain)} more people."
        )
    else:
        yield f"{hours} hours moved {between} would help {_range(gain)} more people to the goal."


def _range(one: Mapping[str, float]) -> str:
    return f"{one['value']:.2f} ({one['low']:.2f} to {one['high']:.2f})"


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
