"""`evidence`: a version from published findings alone."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from router.policies.catalogue_file import load_catalogue
from training.commands.options import PLACE, POLICIES
from training.evaluation.gate import load_gate
from training.evidence.evidence_file import load_evidence
from training.version.artefact import check_new
from training.version.day_one import write_day_one
from training.version.files import CARD
from training.version.signing import check_key


@click.command()
@click.option("--out", type=PLACE, required=True, help="Folder of the new version, models/VERSION.")
@click.option("--evidence", "file", type=PLACE, help="Findings.  [default: POLICIES/evidence.toml]")
@click.option("--sign", type=PLACE, help="Ed25519 private key to sign the version with.")
@POLICIES
def evidence(out: Path, file: Path | None, sign: Path | None, policies: Path) -> None:
    """Make a version from published findings alone, for an agency without logs."""
    check_new(out)
    if sign is not None:
        check_key(sign)
    write_day_one(
        out,
        load_evidence(file or policies / "evidence.toml"),
        load_catalogue(policies / "mixes.toml"),
        load_gate(policies / "gate.toml"),
        trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
        command=shlex.join(["python", "-m", "training", *sys.argv[1:]]),
        key=sign,
    )
    click.echo(f"card: {out / CARD}")
    click.echo(
        f'no case was seen, so the gate does not pass: promote {out.name} --override "why"',
        err=True,
    )
