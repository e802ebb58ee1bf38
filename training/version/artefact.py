"""Writes a whole version aside, then renames it, so that nobody ever sees half of one."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib

from router.decision.catalogue import Catalogue
from router.decision.tables import DecisionTables
from router.mendable import Mendable
from router.versions.registry import MANIFEST, TABLES, check_name
from router.versions.table_file import tables_bytes
from training.evaluation.figures import Figures
from training.evaluation.figures_json import to_json
from training.evaluation.gate import Verdict
from training.fit import Fitted
from training.report.page import write_report
from training.version.card import card
from training.version.files import CARD, ESTIMATORS, FIGURES, GATE, REGISTER, REPORT
from training.version.register import register_entry
from training.version.signing import sign


class VersionExists(Mendable, ValueError):
    """A version is never overwritten."""


def check_new(folder: Path) -> None:
    """Checks that a version can be written there.

    Raises:
        ValueError: if the folder's name is not lower-case letters, digits, dots and dashes, 1 to 64
            characters.
        VersionExists: if there is one already.
    """
    check_name(folder.name)
    if folder.exists():
        raise VersionExists(
            f"{folder}: exists; a version is never overwritten, choose another name"
        )


def write_version(
    folder: Path,
    fitted: Fitted,
    verdict: Verdict,
    catalogue: Catalogue,
    manifest: dict[str, Any],
    key: Path | None = None,
) -> None:
    """Writes a version, passed by the gate or not.

    tables.npz (what is served), figures.json, gate.json, report.html, CARD.md, register.json,
    estimators.joblib (the fitted scikit-learn estimators, for data scientists only), manifest.json
    with the SHA-256 of each, and manifest.sig if a key is given.

    Args:
        folder: models/VERSION; its name is the version's.
        fitted: the version.
        verdict: of the gate.
        catalogue: the mixes that it values.
        manifest: from `training.version.manifest`, without digests.
        key: file of an Ed25519 private key.

    Raises:
        ValueError: if the name or the key cannot be used.
        VersionExists: if there is one already.
    """
    check_new(folder)
    with folder_aside(folder) as aside:
        joblib.dump(_estimators(fitted), aside / ESTIMATORS, compress=3)
        write_files(aside, fitted.tables, fitted.figures, verdict, catalogue, manifest, key)


def write_files(
    aside: Path,
    tables: DecisionTables,
    figures: Figures,
    verdict: Verdict,
    catalogue: Catalogue,
    manifest: dict[str, Any],
    key: Path | None,
) -> None:
    """Writes all files of a version but its estimators, which are there already."""
    (aside / TABLES).write_bytes(tables_bytes(tables))
    write_text(aside / FIGURES, to_json(figures))
    write_text(aside / GATE, to_json(verdict))

    # Report, card and register tell the digests of what was written so far.
    manifest = manifest | {"sha256": digests(aside)}
    write_report(aside / REPORT, figures, verdict, tables, catalogue, manifest)
    write_text(aside / CARD, card(figures, verdict, manifest))
    entry = register_entry(figures, verdict, manifest)
    write_text(aside / REGISTER, json.dumps(entry, indent=1) + "\n")

    manifest = manifest | {"sha256": digests(aside)}
    write_text(aside / MANIFEST, json.dumps(manifest, indent=2) + "\n")
    if key is not None:
        sign(aside, key)


def digests(folder: Path) -> dict[str, str]:
    """Gives the SHA-256 of every file of a folder, by name."""
    files = sorted(folder.iterdir())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@contextmanager
def folder_aside(folder: Path) -> Iterator[Path]:
    """Gives an empty folder of the same name elsewhere, and renames it to the folder at the end."""
    # Its name is the version's already, for signing tells it; the folder around it is hidden, and
    # no version may be called so.
    aside = folder.with_name(f".{folder.name}.{os.getpid()}") / folder.name
    aside.mkdir(parents=True)
    try:
        yield aside
        aside.rename(folder)
    finally:
        shutil.rmtree(aside.parent, ignore_errors=True)


def _estimators(fitted: Fitted) -> dict[str, object]:
    # Neither teachers nor stacks: they are functions, which cannot be stored.
    return {
        "students": fitted.learned.students,
        "encoding_orders": dict(fitted.encoding.orders),
        "minutes": fitted.learned.minutes_model,
        "weights": fitted.learned.weights,
    }


def write_text(path: Path, text: str) -> None:
    """Writes a text as UTF-8."""
    path.write_text(text, encoding="utf-8")
