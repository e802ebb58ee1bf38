"""A version's figures judged anew: by the gate as it is now, and by what its advice did so far."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from router.cases.features import FEATURES
from training.evaluation.gate import Verdict, judge, load_gate
from training.evaluation.shown_file import read_shown
from training.version.files import read_figures, read_manifest, version_folder


def judge_anew(models: Path, version: str, gate: Path, shown: Path | None = None) -> Verdict:
    """Judges a version that was fitted before.

    Args:
        models: folder of the versions.
        version: its name.
        gate: the conditions, gate.toml.
        shown: textfile of `router ledger --office ALL --prometheus`; without it nobody knows
            whether the advice has done harm, which passes with a warning.

    Raises:
        PolicyError: if the gate is refused.
        ShownUnreadable: if the textfile cannot be read, or tells of several offices and not of all.
        ValueError: if there is no such version, or its figures cannot be read.
    """
    folder = version_folder(models, version)
    found = read_manifest(folder)
    figures = read_figures(folder)
    if shown is not None:
        figures = replace(figures, shown=read_shown(shown))
    return judge(
        figures,
        load_gate(gate),
        # Parity and features cannot be measured again from figures; the manifest holds them.
        parity_difference=found["parity"]["max_abs_difference"],
        features_ok=found["features"] == FEATURES.model_inputs,
    )
