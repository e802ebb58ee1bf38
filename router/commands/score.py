"""`score`: scores a file of cases; and how a command loads what decides."""

from __future__ import annotations

from pathlib import Path

import click

from router.cases.assumed import Assumed
from router.cases.features import FEATURES
from router.commands.options import CASES, FILE, FOLDER, MAP, MODELS, POLICIES
from router.commands.told import tell_assumed
from router.decision.catalogue import Catalogue
from router.decision.decide import Decider
from router.decision.policy import Policy
from router.files.formats import check_out
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import Policies, load_policies
from router.policies.toml_file import PolicyError
from router.versions.pointers import version_for
from router.versions.registry import ModelVersion, load_model


@click.command()
@click.option(
    "--cases",
    type=CASES,
    required=True,
    help="Cases to score: Parquet or CSV, a folder or a pattern.",
)
@click.option("--out", type=FILE, required=True, help="Scored: Parquet or CSV.")
@click.option("--model", type=FOLDER, help="Model version's folder; the promoted one if not given.")
@click.option("--office", default="", help="Whose policy decides; the national one if not given.")
@MAP
@MODELS
@POLICIES
def score(
    cases: Path,
    out: Path,
    model: Path | None,
    office: str,
    map_file: Path | None,
    models: Path,
    policies: Path,
) -> None:
    """Score a file of cases."""
    # Imported here: PyArrow is an extra, and slow to load.
    from router.advice.score import score_file
    from router.cases.mapping import read_mapping

    check_out(out, [cases, *([map_file] if map_file else [])])
    mapping, assumed = read_mapping(map_file), Assumed()
    decider, _ = load_decider(model or models / version_for(models, office), policies, office)
    count = score_file(cases, out, decider, mapping, assumed)
    tell_assumed(assumed)
    click.echo(f"{count} cases scored to {out}")


def load_decider(folder: Path, policies: Path, office: str = "") -> tuple[Decider, Policies]:
    """Loads a decider with a model version and an office's policy, and all policies.

    Args:
        folder: of the model version.
        policies: folder of policies.
        office: whose policy decides; "" for the national one.

    Raises:
        ModelRefused: if the version cannot be used.
        PolicyError: if a policy cannot be used, the office has none, or a safeguard would not be
            monotone.
    """
    catalogue = load_catalogue(policies / "mixes.toml")
    known = load_policies(policies, catalogue)
    model = load_model(folder, FEATURES, catalogue)
    return decider_of(model, catalogue, known.usable(office), policies), known


def decider_of(
    model: ModelVersion, catalogue: Catalogue, policy: Policy, policies: Path
) -> Decider:
    """Gives a decider with what is loaded.

    Args:
        model: version.
        catalogue: of mixes.
        policy: that decides.
        policies: folder of policies, to name it.

    Raises:
        PolicyError: if they do not fit each other, or a safeguard would not be monotone.
    """
    try:
        decider = Decider(tables=model.tables, catalogue=catalogue, policy=policy)
        _ = decider.safeguards  # refuses a catalogue under which a safeguard would not be monotone
    except ValueError as problem:
        raise PolicyError(f"{policies}: {problem}") from problem
    return decider
