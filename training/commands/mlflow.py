"""`mlflow`: an existing version, logged to MLflow."""

from __future__ import annotations

from pathlib import Path

import click

from training.commands.options import MODELS, VERSION
from training.version.files import version_folder
from training.version.mlflow_log import log_run


@click.command()
@VERSION
@click.argument("uri")
@MODELS
def mlflow(version: str, uri: str, models: Path) -> None:
    """Log a version's parameters, figures and files to MLflow.

    URI is that of a tracking server, or of a local folder.
    """
    click.echo(f"MLflow run {log_run(uri, version_folder(models, version))}")
