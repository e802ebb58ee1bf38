"""`score`: scores a file of cases; and how a command loads what decides."""

from __future__ import annotations

from pathlib import Path

import click

from router.cases.features import FEATURES
from router.commands.options import FILE, FOLDER, MODELS, POLICIES
from router.decision.decide import Decider
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import Policies, load_policies
from router.versions.registry import load_model, promoted_version


@click.command()
@click.option("--cases", type=FILE, required=True, help="Cases to score: Parquet or CSV.")
@click.option("--out", type=FILE, required=True, help="Scored: Parquet or CSV.")
@click.option("--model", type=FOLDER, help="Model version's folder; the promoted one if not given.")
@click.option("--office", default="", help="Whose policy decides; the national one if not given.")
@MODELS
@POLICIES
def score(
    cases: Path, out: Path, model: Path | None, office: str, models: Path, policies: Path
) -> None:
    """Score a file of cases."""
    # Imported here: PyArrow is an extra, and slow to load.
    from router.advice.score import score_file

    decider, _ = load_decider(model or models / promoted_version(models), policies, office)
    count = score_file(cases, out, decider)
    click.echo(f"{count} cases scored to {out}")


def load_decider(folder: Path, policies: Path, office: str = "") -> tuple[Decider, Policies]:
    """Loads a decider with a model version and an office's policy, and all policies.

    Args:
        folder: of the model version.
        policies: folder of policies.
        office: whose policy decides; "" for the national one.

    Raises:
        ModelRefused: if the version cannot be used.
        ValueError: if a policy cannot be used, the office has none, or a safeguard would not be
            monotone.
    """
    catalogue = load_catalogue(policies / "mixes.toml")
    known = load_policies(policies, catalogue)
    model = load_model(folder, FEATURES, catalogue)
    decider = Decider(tables=model.tables, catalogue=catalogue, policy=known.usable(office))
    _ = decider.safeguards  # refuses a catalogue under which a safeguard would not be monotone
    return decider, known
