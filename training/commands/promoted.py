"""The promoted version, as commands compare with it."""

from __future__ import annotations

from pathlib import Path

import click

from router.cases.features import FEATURES
from router.decision.catalogue import Catalogue
from router.decision.unscored import for_mixes
from router.versions.registry import ModelRefused, load_model, promoted_version
from training.evaluation.evaluate import Rival


def promoted_rival(
    models: Path, catalogue: Catalogue, scored: Catalogue | None = None
) -> Rival | None:
    """Gives the promoted version; None and a word of why, if there is none to compare with.

    Args:
        models: folder of versions.
        catalogue: of all mixes.
        scored: of the mixes that are compared; all if None.
    """
    try:
        version = promoted_version(models)
        model = load_model(models / version, FEATURES, catalogue)
    except ModelRefused as problem:
        click.secho(f"no promoted version to compare with: {problem}", fg="yellow", err=True)
        return None
    wanted = catalogue if scored is None else scored
    tables = for_mixes(model.tables, catalogue.ids, wanted.ids)
    return Rival(version=version, tables=tables)
