"""`plan`: an office's open cases within its adviser hours."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from router.advice.disclosure import are_unshown
from router.cases.assumed import Assumed
from router.commands.options import CASES, DRAW_KEY, FILE, FOLDER, MAP, MODELS, POLICIES
from router.commands.score import load_decider
from router.commands.told import tell_assumed
from router.decision.decide import Decider
from router.decision.draws import Draws
from router.files.aside import written_aside
from router.files.draw_key import read_draw_key
from router.files.formats import OutRefused, check_out, check_place
from router.planning.allocate import BudgetTooSmall
from router.planning.plan import MINUTES_PER_HOUR, plan_caseload
from router.planning.plan_figures import plan_figures
from router.planning.price_file import write_price
from router.versions.pointers import version_for


@click.command()
@click.option(
    "--cases",
    type=CASES,
    required=True,
    help="The office's open cases: Parquet or CSV, a folder or a pattern.",
)
@click.option("--office", required=True, help="Whose cases they are.")
@click.option(
    "--hours",
    type=click.FloatRange(min=0),
    help="Adviser hours to spend on them over the mixes' weeks.",
)
@click.option("--minutes", type=click.FloatRange(min=0), help="The same in minutes.")
@click.option("--out", type=FILE, required=True, help="What each case gets: Parquet or CSV.")
@click.option("--json", "figures_file", type=FILE, help="The figures of the plan, as JSON.")
@click.option("--model", type=FOLDER, help="Model version's folder; the promoted one if not given.")
@click.option(
    "--write-price", "writes_price", is_flag=True, help="Write the price into the office's policy."
)
@DRAW_KEY
@MAP
@MODELS
@POLICIES
def plan(
    cases: Path,
    office: str,
    hours: float | None,
    minutes: float | None,
    out: Path,
    figures_file: Path | None,
    model: Path | None,
    writes_price: bool,
    draw_key: Path | None,
    map_file: Path | None,
    models: Path,
    policies: Path,
) -> None:
    """Give each open case a mix so that all stay within the hours and are worth most.

    Hours are for the mixes' weeks, twelve: without --hours the office's minutes a week times those
    weeks.
    """
    # Imported here: PyArrow is an extra, and slow to load.
    from router.cases.mapping import read_mapping
    from router.planning.plan_file import read_open_cases, write_plan

    read = [cases, *(one for one in (map_file, draw_key) if one)]
    check_out(out, read)
    if figures_file:
        check_place(figures_file, (), read, "json")
        if figures_file.resolve() == out.resolve():
            raise OutRefused(f"json: {figures_file} is the file of the plan; give another place")
    mapping, assumed = read_mapping(map_file), Assumed()
    decider, known = load_decider(model or models / version_for(models, office), policies, office)
    budget = _budget(decider, hours, minutes)
    found = read_open_cases(cases, office, mapping, assumed)
    tell_assumed(assumed)
    draws = Draws(read_draw_key(draw_key) if draw_key else None)
    unshown = are_unshown(draws, decider.policy.disclosure, found.refs.to_pylist())
    try:
        planned = plan_caseload(decider, found.rows, budget, unshown)
    except BudgetTooSmall as short:
        raise click.ClickException(str(short)) from None
    figures = plan_figures(planned) | {"office_ref": office, "left_out": found.left_out}

    write_plan(planned, found.refs, out)
    if figures_file:
        with written_aside(figures_file) as aside:
            aside.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    for line in words(figures):
        click.echo(line)
    click.echo(f"\nWhat each case gets is in {out}.")
    # Last, once everything else is written: from here on the service decides by it.
    if writes_price:
        written = write_price(known, policies, office, planned.price)
        click.echo(
            f"The price {written:.10g} is in {office}'s policy: the service follows the plan."
        )


def _budget(decider: Decider, hours: float | None, minutes: float | None) -> float:
    weeks = decider.catalogue.mixes[0].weeks
    if not all(math.isfinite(one) for one in (hours, minutes) if one is not None):
        raise click.UsageError("--hours and --minutes must be finite")
    if hours is not None and minutes is not None:
        raise click.UsageError("give --hours or --minutes, not both")
    if hours is not None:
        return hours * MINUTES_PER_HOUR
    if minutes is not None:
        return minutes
    if decider.policy.minutes_per_week is None:
        raise click.UsageError(
            "give --hours or --minutes: the policy in force sets no minutes a week"
        )
    return decider.policy.minutes_per_week * weeks


def words(figures: Mapping[str, Any]) -> Iterator[str]:
    """Tells the figures of a plan in plain words, line by line."""
    weeks = figures["weeks"]
    yield from _counted(figures)

    spent = _hours(figures["adviser_minutes"])
    yield f"Hours planned: {spent} of {_hours(figures['budget_minutes'])}"
    for mix, count in figures["mixes"].items():
        yield f"  {mix:<20} {count:>9,} cases"
    yield f"Expected to reach the goal: {figures['expected_outcomes']:,.1f} people"
    bought = figures["shadow_price"] * MINUTES_PER_HOUR
    yield f"One more hour would buy {bought:.4f} weighted outcomes in this plan"
    price = f"{figures['price']:.4g} outcome points a minute"
    yield f"Price at which the service follows the plan: {price}"

    yield from _more(figures["more_hours"], weeks)
    yield from _moved(figures["weakest_first"])


def _counted(figures: Mapping[str, Any]) -> Iterator[str]:
    """Tells how many cases there are, and which are outside or at the edge of the plan."""
    office = figures["office_ref"] or "no office"
    yield f"{figures['cases']:,} open cases at {office}, {figures['weeks']} weeks ahead"
    if figures["left_out"]:
        yield f"  {figures['left_out']:,} cases of other offices are left out"
    yield f"  {figures['manual_only']:,} are handled by people alone, outside these hours"

    if figures["withheld"]:
        held = "have their advice withheld: they stand at their floor, and their mix is not told"
        yield f"  {figures['withheld']:,} {held}"
    assessed = "need a person's assessment first; they get what any other would"
    yield f"  {figures['needs_assessment']:,} {assessed}"
    floors = f"all floors take {_hours(figures['floor_minutes'])}"
    yield f"  {figures['at_floor']:,} get their floor and no more; {floors}"


def _more(curve: list[Mapping[str, Any]], weeks: int) -> Iterator[str]:
    yield f"More hours over the {weeks} weeks would buy:"
    for more in curve:
        gained = [f"{value} {count}" for value, count in more["need_group"].items() if count]
        who = ", ".join(gained) or "nobody"
        outcomes = f"{more['expected_outcomes']:.2f} outcomes"
        yield f"  {more['hours']:>3} h: {outcomes}, {more['cases']} cases ({who})"


def _moved(moved: Mapping[str, Any]) -> Iterator[str]:
    if not moved["cases"]:
        yield "The weakest-first weight moved nothing."
        return
    hours, cost = _hours(moved["minutes"]), moved["expected_outcomes_given_up"]
    yield (
        f"The weakest-first weight moved {hours} between {moved['cases']:,} cases; "
        f"expected outcomes given up: {cost:.2f}"
    )
    for value, minutes in moved["need_group"].items():
        if minutes:
            yield f"  {value:<34} {minutes / MINUTES_PER_HOUR:>+10,.1f} h"


def _hours(minutes: float) -> str:
    return f"{minutes / MINUTES_PER_HOUR:,.1f} h"
