"""`gate`: a version's figures judged by the gate as it is now."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from training.commands.options import MODELS, POLICIES, SHOWN, VERSION
from training.commands.told import tell_conditions
from training.version.judged import judge_anew


@click.command()
@VERSION
@SHOWN
@MODELS
@POLICIES
def gate(version: str, shown: Path | None, models: Path, policies: Path) -> None:
    """Judge a version's figures by the gate as it is now; exit 1 if it does not pass."""
    verdict = judge_anew(models, version, policies / "gate.toml", shown)
    tell_conditions(verdict)
    if not verdict.passed:
        sys.exit(1)
