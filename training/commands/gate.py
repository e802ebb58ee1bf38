"""`gate`: a version's figures judged by the gate as it is now."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from router.cases.features import FEATURES
from training.commands.options import MODELS, POLICIES, VERSION
from training.commands.told import tell_conditions
from training.evaluation.gate import judge, load_gate
from training.version.files import read_figures, read_manifest, version_folder


@click.command()
@VERSION
@MODELS
@POLICIES
def gate(version: str, models: Path, policies: Path) -> None:
    """Judge a version's figures by the gate as it is now; exit 1 if it does not pass."""
    # Parity and features cannot be measured again from figures; the manifest holds them.
    folder = version_folder(models, version)
    found = read_manifest(folder)
    verdict = judge(
        read_figures(folder),
        load_gate(policies / "gate.toml"),
        parity_difference=found["parity"]["max_abs_difference"],
        features_ok=found["features"] == FEATURES.model_inputs,
    )
    tell_conditions(verdict)
    if not verdict.passed:
        sys.exit(1)
