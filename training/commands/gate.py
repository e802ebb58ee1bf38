"""`gate`: a version's figures judged by the gate as it is now."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from router.cases.features import FEATURES
from router.commands.options import FILE
from training.commands.options import MODELS, POLICIES, VERSION
from training.commands.told import tell_conditions
from training.evaluation.gate import judge, load_gate
from training.evaluation.shown_file import read_shown
from training.version.files import read_figures, read_manifest, version_folder


@click.command()
@VERSION
@click.option(
    "--shown",
    type=FILE,
    help="Textfile of `router ledger --office ALL --prometheus`: whether the advice has done harm.",
)
@MODELS
@POLICIES
def gate(version: str, shown: Path | None, models: Path, policies: Path) -> None:
    """Judge a version's figures by the gate as it is now; exit 1 if it does not pass."""
    # Parity and features cannot be measured again from figures; the manifest holds them.
    folder = version_folder(models, version)
    found = read_manifest(folder)
    figures = read_figures(folder)
    if shown is not None:
        figures = replace(figures, shown=read_shown(shown))
    verdict = judge(
        figures,
        load_gate(policies / "gate.toml"),
        parity_difference=found["parity"]["max_abs_difference"],
        features_ok=found["features"] == FEATURES.model_inputs,
    )
    tell_conditions(verdict)
    if not verdict.passed:
        sys.exit(1)
