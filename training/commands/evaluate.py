"""`evaluate`: a policy of one's own, by the estimators and the gate that a version must pass."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from router.cases.assumed import Assumed
from router.cases.mapping import read_mapping
from router.commands.told import tell_assumed
from router.files.aside import written_aside
from router.files.formats import check_place
from router.policies.catalogue_file import load_catalogue
from router.policies.check import check_policy
from router.policies.offices import load_policy
from training.commands.options import MODELS, PLACE, POLICIES
from training.commands.promoted import promoted_rival
from training.commands.reading import Reading, reads_cases
from training.commands.told import tell_conditions, tell_few, tell_figures
from training.data.hold_out import hold_out
from training.data.policy_file import read_policy
from training.evaluation.evaluate import evaluate_policy, lifted_share
from training.evaluation.gate import judge, load_gate, of_any_policy
from training.evaluation.ready import ready
from training.report.words import percent


@click.command()
@click.option(
    "--cases", type=PLACE, multiple=True, required=True, help="Logged cases; may be given again."
)
@click.option(
    "--policy",
    "chosen",
    type=PLACE,
    help="case_ref and mix, or a column of chances for each mix.",
)
@click.option("--page", type=PLACE, help="The same as a report: an HTML file.")
@reads_cases
@POLICIES
@MODELS
def evaluate(
    cases: tuple[Path, ...],
    chosen: Path | None,
    page: Path | None,
    reading: Reading,
    policies: Path,
    models: Path,
) -> None:
    """Measure a policy made elsewhere, and judge it; exit 1 if it does not pass.

    It is measured on the cases that `fit` would hold out with the same seed: learn it on the
    others. Without --policy their references are printed, one a line.
    """
    if page is not None:
        read = [*cases, *reading.files, *([chosen] if chosen else [])]
        check_place(page, (".html",), read, "page")
    catalogue = load_catalogue(policies / "mixes.toml")
    gate = of_any_policy(load_gate(policies / "gate.toml"))
    agency = load_policy(policies / "national.toml", catalogue)
    check_policy(catalogue, agency)
    # Before the cases are read for minutes.
    assumed, given = Assumed(), None
    if chosen is not None:
        given = read_policy(chosen, catalogue.ids, read_mapping(reading.map_file), assumed)
        tell_assumed(assumed)
    assumed = Assumed()
    logged = reading.read(cases, catalogue, assumed)
    tell_assumed(assumed)
    start = ready(logged, catalogue, agency, seed=reading.seed)
    tell_few(start.few)
    later, by = hold_out(start.cases, start.seed)[1:]
    if given is None:
        click.echo("\n".join(later.case_refs.tolist()))
        return

    chances = given.of(later.case_refs.tolist(), start.catalogue.ids)
    lifted = lifted_share(later, chances, start.catalogue, start.policy)
    if lifted:
        click.echo(
            f"safeguards lift {given.path.stem} to more contact in {percent(lifted)} of the "
            "held-out cases; what is measured is the policy so lifted"
        )
    figures = evaluate_policy(
        later,
        by,
        given.path.stem,
        chances,
        promoted_rival(models, catalogue, start.catalogue),
        start.catalogue,
        start.policy,
        start.sound,
        seed=start.seed,
    )
    # Parity and features are of tables; of those nothing is asked here.
    verdict = judge(figures, gate, parity_difference=0.0, features_ok=True)
    tell_figures(figures)
    tell_conditions(verdict)
    if page is not None:
        # Here, since drawing takes a second to load.
        from training.report.page import policy_page

        with written_aside(page, shared=True) as aside:
            aside.write_text(
                policy_page(figures, verdict, start.catalogue, lifted), encoding="utf-8"
            )
        click.echo(f"report: {page}")
    if not verdict.passed:
        sys.exit(1)
