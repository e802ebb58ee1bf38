"""`rewrite`: writes a version anew whose counts tell of single cases."""

from __future__ import annotations

from pathlib import Path

import click

from router.cases.features import FEATURES
from router.policies.catalogue_file import load_catalogue
from training.commands.options import MODELS, PLACE, POLICIES, VERSION
from training.version.files import version_folder
from training.version.rewrite import rewrite as rewrite_version


@click.command()
@VERSION
@click.option("--sign", type=PLACE, help="Private key; needed if the version is signed.")
@MODELS
@POLICIES
def rewrite(version: str, sign: Path | None, models: Path, policies: Path) -> None:
    """Write a version's counts in tens, with its report, card, register entry and digests.

    For versions fitted before counts were in tens. What they advise stays as it is. Golden cases
    are left out: `golden` writes them anew.
    """
    folder = version_folder(models, version)
    rewrite_version(folder, FEATURES, load_catalogue(policies / "mixes.toml"), sign)
    click.echo(f"{folder}: counts are in tens, digests are new")
