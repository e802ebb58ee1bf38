"""`check`: what logged cases are read as, what they look like, and whether `fit` would start."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table as Grid

from router.cases.assumed import Assumed
from router.cases.mapping import KNOWN, read_mapping
from router.cases.problems import CasesRefused, Problems, shown_name
from router.cases.sources import find_sources
from router.cases.tables import Table, open_tables
from router.decision.catalogue import Catalogue
from router.files.aside import written_aside
from router.files.formats import OutRefused, check_place
from router.policies.catalogue_file import load_catalogue
from router.policies.check import check_policy
from router.policies.offices import load_policy
from router.policies.toml_file import PolicyError
from training.commands.options import PLACE, POLICIES
from training.commands.reading import Reading, reads_cases
from training.commands.told import tell_few
from training.data.dataset import NEEDED, LoggedCases
from training.data.draft_mapping import draft_mapping
from training.evaluation.examined import Examined, examine
from training.evaluation.foreseen import Unmet, foreseen
from training.evaluation.gate import load_gate
from training.evaluation.ready import ready
from training.evaluation.soundness import soundness
from training.report.words import number, percent, points

_WIDTH = 100


@click.command()
@click.argument("files", type=PLACE, nargs=-1, required=True)
@reads_cases
@click.option("--page", type=PLACE, help="The same as a page: an HTML file.")
@click.option("--draft-mapping", "draft", type=PLACE, help="Write a mapping to fill in, for --map.")
@POLICIES
def check(
    files: tuple[Path, ...],
    reading: Reading,
    page: Path | None,
    draft: Path | None,
    policies: Path,
) -> None:
    """Say what logged cases are read as and look like; exit 1 if `fit` would not start on them."""
    read = [*files, *reading.files]
    if page is not None:
        check_place(page, (".html",), read, "page")
    if draft is not None:
        check_place(draft, (".toml",), files, "draft-mapping")
        if draft.exists():
            raise OutRefused(f"draft-mapping: {draft} exists; a mapping is never overwritten")
    catalogue = load_catalogue(policies / "mixes.toml")
    policy = load_policy(policies / "national.toml", catalogue)
    check_policy(catalogue, policy)
    gate = load_gate(policies / "gate.toml")
    mapping, assumed = read_mapping(reading.map_file), Assumed()

    # Which column is which is told even of files that are refused afterwards.
    tables = open_tables(find_sources(files), mapping, Problems(), Assumed())
    _tell_columns(tables)
    if draft is not None:
        with written_aside(draft, shared=True) as aside:
            aside.write_text(draft_mapping(tables, catalogue.ids, mapping), encoding="utf-8")
        click.echo(
            f"A draft of a mapping is in {draft}. Its guesses and gaps change nothing until their "
            "# is taken away."
        )

    refused, cases, start = "", None, None
    try:
        cases = reading.read(files, catalogue, assumed)
        start = ready(cases, catalogue, policy, seed=reading.seed)
        cases, catalogue = start.cases, start.catalogue
        tell_few(start.few)
    except (CasesRefused, PolicyError) as problem:
        refused = str(problem)
        cases = cases or _read_anyway(reading, files, catalogue)
    unmet = foreseen(start, gate) if start else ()
    for line in assumed.lines():
        click.echo(f"assumed: {line}")

    seen = None
    if cases is not None and len(cases.mix):
        left_out = f"{number(cases.shielded)} shielded, {number(cases.too_recent)} too recent"
        click.echo(f"{number(len(cases.mix))} cases are read. Left out: {left_out}.")
        sound = start.sound if start else soundness(cases, catalogue, seed=reading.seed)
        seen = examine(cases, catalogue.ids, sound, reading.seed)
        _tell(seen)
        if cases.synthetic is None:
            said = "do not say whether they are synthetic: `fit` takes --real or --synthetic"
            click.echo(f"The files {said}.")
    if page is not None:
        # Imported here: what draws is slow to load.
        from training.report.files_page import write_files_page

        with written_aside(page, shared=True) as aside:
            named = [str(file) for file in files]
            write_files_page(aside, named, assumed.lines(), refused, unmet, seen)
        click.echo(f"page: {page}")

    if refused:
        click.echo(f"\nno: fit would not start\n{refused}")
        sys.exit(1)
    _tell_start(unmet)


def _read_anyway(
    reading: Reading, files: tuple[Path, ...], catalogue: Catalogue
) -> LoggedCases | None:
    """Reads cases that a fit cannot start on, to be looked at; None if they cannot be read."""
    try:
        return reading.read(files, catalogue, Assumed(), least_of_a_mix=0)
    except CasesRefused:
        return None


def _show(grid: Grid) -> None:
    # As wide as it needs to be where nobody looks on, so that nothing is cut in a log.
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, file=sys.stdout)
    console.print(grid)


def _tell_start(unmet: tuple[Unmet, ...]) -> None:
    """Says that `fit` would start, and which conditions of the gate no version could then meet."""
    if not unmet:
        click.echo("\nyes: fit would start")
        return
    grid = Grid(title="The gate cannot pass", title_justify="left", box=None, pad_edge=False)
    for name in ("condition", "with these files", "must be", "what to do"):
        grid.add_column(name, overflow="fold")
    for one in unmet:
        grid.add_row(one.condition, one.found, one.bound, one.way_out)
    _show(grid)
    told = ", ".join(dict.fromkeys(one.condition for one in unmet))
    click.echo("\nyes: fit would start")
    click.echo(f"no: the gate cannot pass what is fitted on these files: {told}")


def _grid(title: str, first: str, *numbers: str) -> Grid:
    grid = Grid(title=title, title_justify="left", box=None, pad_edge=False)
    grid.add_column(first, overflow="fold")
    for name in numbers:
        grid.add_column(name, justify="right", overflow="fold")
    return grid


def _tell_columns(tables: list[Table]) -> None:
    """Says which column is read as which field, and which fields there are no columns for."""
    grid = Grid(title="What is read as what", title_justify="left", box=None, pad_edge=False)
    for name in ("field", "column", "files"):
        grid.add_column(name, overflow="fold")
    for name in KNOWN:
        owners = [table for table in tables if name in table.columns]
        if owners:
            own = dict.fromkeys(
                shown_name(table.own_name(name)) if name in table.places else "(same for all)"
                for table in owners
            )
            grid.add_row(name, ", ".join(own), f"{len(owners)} of {len(tables)}")
    _show(grid)
    lacking = [name for name in KNOWN if not any(name in table.columns for table in tables)]
    needed = [name for name in lacking if name in NEEDED]
    unknown = [name for name in lacking if name not in NEEDED]
    if needed:
        click.echo(f"Missing, and needed: {', '.join(needed)}")
    if unknown:
        click.echo(f"Unknown, for no column says them: {', '.join(unknown)}")


def _tell(seen: Examined) -> None:
    _, first = seen.split
    held = f"the cases from {first} on" if first else "three tenths of the cases, drawn at random"
    click.echo(f"Held out for evaluation: {held}.")
    if seen.months:
        grid = _grid("By month", "month", "cases", "reach the goal", "standard error")
        for month in seen.months:
            told = "" if month.outcome is None else percent(month.outcome)
            error = "" if month.error is None else percent(month.error)
            grid.add_row(month.month, number(month.cases), told, error)
        _show(grid)

    grid = _grid(
        "By mix", "mix", "to learn from", "to evaluate on", "reach the goal", "mean of 1/propensity"
    )
    for mix in seen.mixes:
        told = "" if mix.outcome is None else percent(mix.outcome)
        weight = "" if mix.weight is None else number(mix.weight, 2)
        grid.add_row(mix.mix, number(mix.earlier), number(mix.later), told, weight)
    _show(grid)

    grid = _grid(
        "By field",
        "field",
        "unknown, to learn from",
        "unknown, to evaluate on",
        "drift (PSI)",
        "of the outcome",
    )
    for field in seen.fields:
        grid.add_row(
            field.name,
            percent(field.unknown_earlier),
            percent(field.unknown_later),
            number(field.drift, 2),
            percent(field.explained),
        )
    _show(grid)

    title = "Cases until a gain can be shown (in four of five draws)"
    grid = _grid(title, "gain, points", "cases", "months")
    for needed in seen.needed:
        months = "" if needed.months is None else number(needed.months)
        grid.add_row(points(needed.gain), number(needed.cases), months)
    _show(grid)
    for finding in seen.findings:
        click.echo(f"look at: {finding.what}\n         {finding.way_out}")
