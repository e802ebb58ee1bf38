"""Writes a version anew whose counts tell of single cases, as those before ADR 30 do."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from router.decision.catalogue import Catalogue
from router.decision.schema import FeatureSet
from router.decision.tables import DecisionTables
from router.decision.whole_tens import whole_tens
from router.files.aside import made_alike
from router.mendable import Mendable
from router.versions.registry import MANIFEST, check_files, load_model
from router.versions.trust import SIGNATURE
from training.evaluation.figures import Figures
from training.evaluation.gate import WORST_GROUP, Verdict
from training.evaluation.in_tens import figures_in_tens
from training.version.artefact import folder_aside, write_files
from training.version.files import read_figures, read_manifest, read_verdict
from training.version.manifest import training_in_tens


class NotRewritten(Mendable, ValueError):
    """A version stays as it is; the message says what is missing."""


def tables_in_tens(tables: DecisionTables) -> DecisionTables:
    """Rounds the counts of tables; what they value a case at stays as it is."""
    ends = np.cumsum([tables.features.features[column].slots for column in tables.columns])
    parts = np.split(tables.counts, ends[:-1])
    return replace(
        tables,
        counts=np.concatenate([whole_tens(part) for part in parts]),
        pairs=tuple(replace(pair, counts=whole_tens(pair.counts)) for pair in tables.pairs),
    )


def verdict_in_tens(verdict: Verdict, figures: Figures) -> Verdict:
    """Tells the worst group's gain as its figures are told; what the gate said of it stays.

    With the exact end of an interval beside the one that is told, a group's number of cases would
    follow.
    """
    ends = [one.gain.high for one in figures.groups if one.gain is not None and one.gain.error > 0]
    conditions = tuple(
        replace(one, value=min(ends)) if one.name == WORST_GROUP and ends else one
        for one in verdict.conditions
    )
    return replace(verdict, conditions=conditions)


def rewrite(
    folder: Path, features: FeatureSet, catalogue: Catalogue, key: Path | None = None
) -> None:
    """Writes a version's tables, figures, report, card, register entry and manifest anew, in tens.

    The values, what the gate said and the name stay as they are. The folder is replaced at once, so
    that nobody sees half of it. Done again, nothing changes. Golden cases are left out: they tell
    what was decided with the counts before (`training.version.golden`). So are the estimators:
    their nodes counted cases exactly, and to change a pickle is to run it.

    Args:
        folder: models/VERSION.
        features: that it is trained on.
        catalogue: whose mixes it values; those that it does not value are left out.
        key: file of an Ed25519 private key; needed if the version is signed.

    Raises:
        NotRewritten: if it is signed and no key is given.
        ModelRefused: if a file of it was changed, or it cannot be served.
        VersionUnreadable: if figures, verdict or manifest are not as they were written.
    """
    if (folder / SIGNATURE).exists() and key is None:
        raise NotRewritten(f"{folder}: is signed; give the key that signs it anew, --sign FILE")
    manifest = read_manifest(folder)
    valued = tuple(mix for mix in catalogue.mixes if mix.id in manifest["mixes"])
    scored = replace(catalogue, mixes=valued)
    check_files(folder)
    tables = load_model(folder, features, scored).tables

    figures = figures_in_tens(read_figures(folder))
    verdict = verdict_in_tens(read_verdict(folder), figures)
    described = {name: value for name, value in manifest.items() if name != "sha256"}
    # A version of day one was learned from no cases.
    if "mixes" in described.get("training", {}):
        described["training"] = training_in_tens(described["training"])
    before = folder.with_name(f".{folder.name}.before")
    with folder_aside(folder) as aside:
        failed = write_files(
            aside, tables_in_tens(tables), figures, verdict, scored, described, key
        )
        if failed is not None:
            raise failed
        for file in aside.iterdir():
            made_alike(file, folder / MANIFEST)
        made_alike(aside, folder)
        folder.rename(before)
    shutil.rmtree(before)
