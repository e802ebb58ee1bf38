"""`evaluate`: a policy of one's own, by the estimators and the gate that a version must pass."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click

from router.cases.assumed import Assumed
from router.cases.mapping import read_mapping
from router.commands.told import tell_assumed
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policy
from training.commands.options import (
    AS_OF,
    AUDIT,
    CLUSTERS,
    HORIZON,
    MAP,
    MODELS,
    PLACE,
    POLICIES,
    SEED,
)
from training.commands.promoted import promoted_rival
from training.commands.told import tell_conditions, tell_few, tell_figures
from training.data.hold_out import hold_out
from training.data.policy_file import read_policy
from training.data.start import ready_cases
from training.evaluation.evaluate import evaluate_policy
from training.evaluation.gate import judge, load_gate, of_any_policy
from training.evaluation.soundness import soundness


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
@MAP
@AUDIT
@HORIZON
@AS_OF
@CLUSTERS
@SEED
@POLICIES
@MODELS
def evaluate(
    cases: tuple[Path, ...],
    chosen: Path | None,
    map_file: Path | None,
    audit: Path | None,
    horizon: int | None,
    as_of: datetime | None,
    clusters: tuple[str, ...],
    seed: int,
    policies: Path,
    models: Path,
) -> None:
    """Measure a policy made elsewhere, and judge it; exit 1 if it does not pass.

    It is measured on the cases that `fit` would hold out with the same seed: learn it on the
    others. Without --policy their references are printed, one a line.
    """
    catalogue = load_catalogue(policies / "mixes.toml")
    gate = of_any_policy(load_gate(policies / "gate.toml"))
    agency = load_policy(policies / "national.toml", catalogue)
    assumed = Assumed()
    ready = ready_cases(
        cases,
        catalogue,
        agency,
        audit=audit,
        horizon_days=horizon,
        end=None if as_of is None else as_of.date(),
        clusters=clusters,
        seed=seed,
        mapping=read_mapping(map_file),
        assumed=assumed,
    )
    tell_assumed(assumed)
    tell_few(ready.few)
    offered, logged, catalogue = catalogue, ready.cases, ready.catalogue
    agency = replace(agency, menu=tuple(mix for mix in agency.menu if mix not in ready.few))
    _, later, by = hold_out(logged, seed)
    if chosen is None:
        click.echo("\n".join(later.case_refs.tolist()))
        return

    given = read_policy(chosen, later.case_refs.tolist(), catalogue.ids)
    rival = promoted_rival(models, offered, catalogue)
    found = evaluate_policy(later, by, chosen.stem, given, rival, catalogue, agency, seed=seed)
    figures = replace(found, soundness=soundness(logged, catalogue, seed=seed))
    # Parity and features are of tables; of those nothing is asked here.
    verdict = judge(figures, gate, parity_difference=0.0, features_ok=True)
    tell_figures(figures)
    tell_conditions(verdict)
    if not verdict.passed:
        sys.exit(1)
