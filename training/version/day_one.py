"""A version from published findings alone: for an agency that has no logs yet."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from router.cases.features import FEATURES
from router.decision.catalogue import Catalogue
from router.decision.severity import Proof, prove
from router.versions.registry import FORMAT, MANIFEST, TABLES
from router.versions.table_file import tables_bytes
from training.evaluation.figures_json import to_json
from training.evaluation.gate import Condition, Gate, Verdict
from training.evidence.evidence import Evidence
from training.evidence.evidence_tables import evidence_tables
from training.report.page import template
from training.version.artefact import check_new, digests, folder_aside, write_text
from training.version.files import CARD, GATE
from training.version.signing import sign

_LIBRARIES = ("numpy", "scipy")


def write_day_one(
    folder: Path,
    evidence: Evidence,
    catalogue: Catalogue,
    gate: Gate,
    *,
    trained_at: str,
    command: str,
    key: Path | None = None,
) -> Verdict:
    """Writes tables.npz, gate.json, CARD.md and manifest.json; nothing was measured, so no figures.

    Args:
        folder: models/VERSION; its name is the version's.
        evidence: the findings.
        catalogue: the mixes to value.
        gate: that it cannot pass: it was tested on no case.
        trained_at: time to note, ISO 8601.
        command: that made it, to make it again.
        key: file of an Ed25519 private key.

    Returns:
        The gate's verdict.

    Raises:
        ValueError: if the name or the key cannot be used.
        VersionExists: if there is one already.
    """
    check_new(folder)
    tables = evidence_tables(evidence, FEATURES, catalogue)
    proof, verdict = prove(tables, catalogue.ids), _untested(gate)
    manifest = _manifest(folder.name, evidence, catalogue, tables.folds, trained_at, command)

    with folder_aside(folder) as aside:
        (aside / TABLES).write_bytes(tables_bytes(tables))
        write_text(aside / GATE, to_json(verdict))
        write_text(aside / CARD, _card(folder.name, evidence, catalogue, verdict, proof))
        manifest = manifest | {"sha256": digests(aside)}
        write_text(aside / MANIFEST, json.dumps(manifest, indent=2) + "\n")
        if key is not None:
            sign(aside, key)
    return verdict


def _untested(gate: Gate) -> Verdict:
    """Says that no condition was met: all are of cases, and there were none."""
    conditions = [
        Condition(
            name=rule.name,
            value=None,
            bound=str(rule.bound),
            passed=False,
            explanation=f"{rule.explanation} Not measured: there were no cases.",
            warning="",
        )
        for rule in gate.rules
    ]
    return Verdict(version=gate.version, passed=False, conditions=tuple(conditions))


def _manifest(
    name: str, evidence: Evidence, catalogue: Catalogue, folds: int, trained_at: str, command: str
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": name,
        "synthetic": False,
        "trained_at": trained_at,
        "features": FEATURES.model_inputs,
        "mixes": list(catalogue.ids),
        "folds": folds,
        "pairs": [],
        "monotone": [one.name for one in FEATURES.features if one.severity],
        # Findings say so; no log of the agency's own does.
        "effects_vary": False,
        "evidence": {"version": evidence.version, "sha256": evidence.sha256},
        "training": {"cases": 0, "command": command},
        "libraries": {library: installed(library) for library in _LIBRARIES},
    }


def _card(
    name: str, evidence: Evidence, catalogue: Catalogue, verdict: Verdict, proof: Proof
) -> str:
    people = {
        one.name: _people(one.field, one.slots) if one.field else "everybody"
        for one in evidence.findings
    }
    kinds = {
        one.name: [mix for mix, held in zip(catalogue.ids, row, strict=True) if held]
        for one, row in zip(evidence.findings, evidence.kinds(catalogue), strict=True)
    }
    text: str = template("EVIDENCE.md.j2", escape=False).render(
        version=name,
        evidence=asdict(evidence),
        findings=evidence.findings,
        people=people,
        kinds=kinds,
        verdict=verdict,
        proof=proof,
    )
    return text


def _people(field: str, slots: tuple[int, ...]) -> str:
    feature = FEATURES[field]
    if feature.values:
        return f"{field} {' or '.join(str(feature.value(slot)) for slot in slots)}"
    return f"{field} {feature.in_words(slots)}"
