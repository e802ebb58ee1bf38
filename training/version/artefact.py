"""Writes a whole version aside, then renames it, so that nobody ever sees half of one."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib

from router.decision.catalogue import Catalogue
from router.decision.decide import Decider
from router.decision.tables import DecisionTables
from router.files.formats import check_folder
from router.mendable import Mendable
from router.versions.golden import GOLDEN, golden_bytes
from router.versions.registry import FIGURES, MANIFEST, TABLES, check_name
from router.versions.table_file import tables_bytes
from training.evaluation.figures import Figures
from training.evaluation.figures_json import to_json
from training.evaluation.gate import Verdict
from training.fit import Fitted
from training.report.page import write_report
from training.version.card import card
from training.version.files import CARD, ESTIMATORS, GATE, REGISTER, REPORT
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
        OutRefused: if nothing can be written there.
    """
    check_name(folder.name)
    if folder.exists():
        raise VersionExists(
            f"{folder}: exists; a version is never overwritten, choose another name"
        )
    # Folders that are lacking are made.
    around = next(one for one in folder.absolute().parents if one.exists())
    check_folder(around, folder)


def write_version(
    folder: Path,
    fitted: Fitted,
    verdict: Verdict,
    catalogue: Catalogue,
    manifest: dict[str, Any],
    key: Path | None = None,
    golden: Decider | None = None,
) -> None:
    """Writes a version, passed by the gate or not.

    tables.npz (what is served), golden.json (what it answers to invented cases), figures.json,
    gate.json, report.html, CARD.md, register.json, estimators.joblib (the fitted scikit-learn
    estimators, for data scientists only), manifest.json with the SHA-256 of each, and manifest.sig
    if a key is given.

    Args:
        folder: models/VERSION; its name is the version's.
        fitted: the version.
        verdict: of the gate.
        catalogue: the mixes that it values.
        manifest: from `training.version.manifest`, without digests.
        key: file of an Ed25519 private key.
        golden: what decides with the tables as they will be served; without, no golden cases.

    Raises:
        ValueError: if the name or the key cannot be used.
        VersionExists: if there is one already.
    """
    check_new(folder)
    with folder_aside(folder) as aside:
        joblib.dump(_estimators(fitted), aside / ESTIMATORS, compress=3)
        if golden is not None:
            (aside / GOLDEN).write_bytes(golden_bytes(golden))
        failed = write_files(
            aside, fitted.tables, fitted.figures, verdict, catalogue, manifest, key
        )

    if failed is not None:
        failed.add_note(f"{folder} is written without it: nothing that was learned is lost")
        raise failed


def write_files(
    aside: Path,
    tables: DecisionTables,
    figures: Figures,
    verdict: Verdict,
    catalogue: Catalogue,
    manifest: Mapping[str, Any],
    key: Path | None,
) -> Exception | None:
    """Writes all files of a version but its estimators and golden cases, which are there already.

    Returns:
        What the first of report, card and register failed with; the others are there.
    """
    (aside / TABLES).write_bytes(tables_bytes(tables))
    write_text(aside / FIGURES, to_json(figures))
    write_text(aside / GATE, to_json(verdict))

    # Report, card and register tell the digests of what was written so far.
    manifest = dict(manifest) | {"sha256": digests(aside)}
    failed = _tell(aside, tables, figures, verdict, catalogue, manifest)

    manifest = manifest | {"sha256": digests(aside)}
    write_text(aside / MANIFEST, json.dumps(manifest, indent=2) + "\n")
    if key is not None:
        sign(aside, key)
    return failed


def _tell(
    folder: Path,
    tables: DecisionTables,
    figures: Figures,
    verdict: Verdict,
    catalogue: Catalogue,
    manifest: Mapping[str, Any],
) -> Exception | None:
    """Writes report, card and register, each that can be; gives what the first failed with."""
    failed = None

    def report() -> None:
        write_report(folder / REPORT, figures, verdict, tables, catalogue, manifest)

    def register() -> None:
        entry = register_entry(figures, verdict, manifest)
        write_text(folder / REGISTER, json.dumps(entry, indent=1) + "\n")

    for write in (
        report,
        lambda: write_text(folder / CARD, card(figures, verdict, manifest)),
        register,
    ):
        try:
            write()
        # Whatever it is: hours of learning hang on it.
        except Exception as problem:
            failed = failed or problem
    return failed


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
    # Neither teachers nor stacks: they are functions, which cannot be stored. Nor the models of
    # minutes: their means of whole minutes are fractions, whose digits told how many had each mix.
    return {
        "students": fitted.learned.students,
        "encoding_orders": dict(fitted.encoding.orders),
        "weights": fitted.learned.weights,
    }


def write_text(path: Path, text: str) -> None:
    """Writes a text as UTF-8."""
    path.write_text(text, encoding="utf-8")
