"""`hours`: what ten hours would give, and take, at every office; and the best move between two."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zlib import crc32

import click

from router.cases.features import FEATURES
from router.commands.options import (
    AS_OF,
    FILE,
    JOURNAL,
    MODEL,
    MODELS,
    POLICIES,
    WEEKS_LOOKED_AT,
    end_of,
)
from router.commands.price import MICROSECONDS_PER_WEEK, weeks_of
from router.commands.score import decider_of, versions_of
from router.files.aside import written_aside
from router.files.formats import check_place
from router.journal.opening import file_of, open_to_read
from router.planning.allocate import BudgetTooSmall
from router.planning.hours_elsewhere import ENOUGH, hours_figures, worth_of_hours
from router.planning.recent_cases import read_arrivals
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policies


@click.command()
@WEEKS_LOOKED_AT
@AS_OF
@MODEL
@click.option("--json", "figures_file", type=FILE, help="The figures, as JSON.")
@JOURNAL
@MODELS
@POLICIES
def hours(
    weeks: int,
    as_of: datetime | None,
    model: Path | None,
    figures_file: Path | None,
    journal: str,
    models: Path,
    policies: Path,
) -> None:
    """Say what ten hours more or fewer would do at each office, and the best move between two."""
    kept = file_of(journal)
    if figures_file is not None:
        check_place(figures_file, (".json",), [kept] if kept else [], "json")
    now = time.time_ns() // 1000 if as_of is None else end_of(as_of)
    figures = _figures(model, models, policies, journal, weeks, now)
    if figures_file is not None:
        with written_aside(figures_file) as aside:
            aside.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    for line in words(figures):
        click.echo(line)


def _figures(
    model: Path | None, models: Path, policies: Path, journal: str, weeks: int, now: int
) -> dict[str, Any]:
    """Reckons what ten hours are worth at every office that has minutes a week.

    Raises:
        click.ClickException: if the journal holds less than a week.
    """
    catalogue = load_catalogue(policies / "mixes.toml")
    known = load_policies(policies, catalogue)
    since = now - weeks * MICROSECONDS_PER_WEEK
    with closing(open_to_read(journal)) as store:
        arrived = read_arrivals(store, FEATURES, known.offices, since, now)
    looked_at = weeks_of(arrived, weeks, now)

    left_out, offices = dict(known.refused), {}
    version = versions_of(model, models, catalogue)
    for office, policy in known.offices.items():
        rows = arrived.rows[office]
        if policy.minutes_per_week is None:
            left_out[office] = "its policy sets no minutes a week"
        elif len(rows) < ENOUGH:
            left_out[office] = f"fewer than {ENOUGH} cases"
        else:
            served, folder = version(office)
            decider = decider_of(served, catalogue, policy, policies)
            try:
                # By version: what is wrong with one says nothing of another, such as a canary.
                seed = crc32(folder.name.encode())
                budget = policy.minutes_per_week * looked_at
                offices[office] = worth_of_hours(decider, rows, budget, seed)
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
