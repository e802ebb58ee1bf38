"""`promote` and `rollback`: which version is served."""

from __future__ import annotations

from pathlib import Path

import click

from router.commands.options import AUDIT_LOG
from router.files.acts import Acts
from router.policies.catalogue_file import load_catalogue
from training.commands.options import MODELS, POLICIES, VERSION
from training.version import versions


@click.command()
@VERSION
@click.option("--override", help="Why, although the gate did not pass; kept.")
@MODELS
@POLICIES
@AUDIT_LOG
def promote(
    version: str, override: str | None, models: Path, policies: Path, audit_log: Path | None
) -> None:
    """Make a version the one that is served."""
    _tell_torn(models)
    catalogue = load_catalogue(policies / "mixes.toml")
    versions.promote(models, version, catalogue, override, Acts(audit_log))
    click.echo(f"{version} is promoted", err=True)


@click.command()
@MODELS
@POLICIES
@AUDIT_LOG
def rollback(models: Path, policies: Path, audit_log: Path | None) -> None:
    """Return to the version that was promoted before."""
    _tell_torn(models)
    catalogue = load_catalogue(policies / "mixes.toml")
    promotion = versions.rollback(models, catalogue, Acts(audit_log))
    click.echo(f"{promotion.after} is promoted again", err=True)


def _tell_torn(models: Path) -> None:
    """Tells of a promotion that was being recorded when the machine stopped."""
    torn = versions.torn_record(models)
    if torn:
        click.secho(
            f"{models / versions.PROMOTIONS}: its last line is torn ({len(torn)} characters of a "
            "promotion that never came to be) and is not counted",
            fg="yellow",
            err=True,
        )
