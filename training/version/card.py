"""The model card, CARD.md: what a version is for, learned from and worth, and its limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.evaluation.figures import OK, Figures
from training.evaluation.gate import Verdict
from training.report.first_screen import first_screen
from training.report.groups import in_order, some_untold
from training.report.page import template
from training.report.value_drawings import ordered
from training.report.words import DRIFT_WATCH, day, names

NOT_RECORDED = "not recorded"


def card(figures: Figures, verdict: Verdict, manifest: Mapping[str, Any]) -> str:
    """Writes the model card in Markdown, its parts as Mitchell et al. 2019 name them.

    Raises:
        ValueError: if the figures have no candidate.
    """
    training = manifest.get("training", {})
    dates = training.get("dates")
    text: str = template("CARD.md.j2", escape=False).render(
        figures=figures,
        verdict=verdict,
        first=first_screen(figures, verdict),
        candidate=figures.policy("candidate"),
        policies=ordered(figures),
        groups=in_order(figures),
        some_untold=some_untold(figures),
        dates=" to ".join(map(day, dates)) if dates else "",
        fingerprint=fingerprint(manifest),
        drifted=[
            names().field(f.name)
            for f in figures.fields
            if f.drift is not None and f.drift >= DRIFT_WATCH
        ],
        OK=OK,
    )
    return text


def fingerprint(manifest: Mapping[str, Any]) -> str:
    """Gives the SHA-256 of the training cases, or that it is not recorded."""
    found = manifest.get("training", {}).get("sha256") or NOT_RECORDED
    if isinstance(found, Mapping):
        return ", ".join(f"{name}: {digest}" for name, digest in found.items())
    return ", ".join(map(str, found)) if isinstance(found, list | tuple) else str(found)
