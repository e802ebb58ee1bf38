"""Two versions side by side, as a table to read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from router.cases.features import FEATURES
from router.decision.catalogue import Catalogue
from router.decision.tables import DecisionTables, Floats
from router.versions.registry import FIGURES, load_model
from training.evaluation.figures import Figures
from training.version.files import read_figures

MOVED = 0.01
"""Outcome points by which a slot's effect must differ to count as moved."""
_FIELDS = 10


def compare(models: Path, one: str, other: str, catalogue: Catalogue) -> str:
    """Tells what was measured of two versions, and where their tables differ, to read.

    Tables are compared by effect: what a value of a field adds to one mix over the mean of all
    mixes, over what the field adds on average, for an otherwise unknown case. Only this part of a
    table decides between mixes.

    Raises:
        ModelRefused: if one of them cannot be served with this catalogue and these features.
        ValueError: if figures cannot be read.
    """
    first, second = (load_model(models / name, FEATURES, catalogue).tables for name in (one, other))
    measured = _figures(models, one, other)
    moved = _tables(first, second, one, other, catalogue.ids)
    return "\n".join([*measured, "", *moved])


def _figures(models: Path, one: str, other: str) -> list[str]:
    found = []
    for name in (one, other):
        folder = models / name
        if not (folder / FIGURES).exists():
            return [f"{name} has no {FIGURES}: what was measured cannot be compared"]
        found.append(_measured(read_figures(folder)))

    first, second = found
    names = [*first, *(name for name in second if name not in first)]
    rows = [(name, first.get(name, "-"), second.get(name, "-")) for name in names]
    return _aligned([("", one, other), *rows])


def _measured(figures: Figures) -> dict[str, str]:
    held_out = figures.held_out
    found = {
        "trained at": figures.trained_at,
        "trained on, cases": f"{figures.trained_on}",
        "held out, cases": f"{held_out.cases} ({held_out.first} to {held_out.last})",
    }

    for policy in figures.policies:
        if policy.name in ("candidate", "logged", "todays_rule") and "dr" in policy.estimates:
            value = policy.estimates["dr"]
            found[f"value, {policy.name}"] = (
                f"{value.value:.4f} ({value.low:.4f} to {value.high:.4f})"
            )
            found[f"minutes a case, {policy.name}"] = f"{policy.minutes:.1f}"

    for than in ("logged", "todays_rule"):
        gain = figures.difference(than)
        if gain is not None:
            outcome = gain.outcome
            found[f"gain over {than}"] = (
                f"{outcome.value:+.4f} ({outcome.low:+.4f} to {outcome.high:+.4f})"
            )

    found["calibration error"] = f"{figures.calibration.error:.4f}"
    lost = figures.fidelity.lost
    found["distillation loses"] = (
        f"{lost.value:+.4f} ({lost.low:+.4f} to {lost.high:+.4f})" if lost else "not measured"
    )
    found["pairs of fields"] = (
        ", ".join("+".join(pair) for pair in figures.fidelity.pairs) or "none"
    )
    return found | {
        f"status {status}": f"{share:.1%}" for status, share in figures.abstention.items()
    }


def _tables(
    one: DecisionTables, other: DecisionTables, name: str, other_name: str, mixes: tuple[str, ...]
) -> list[str]:
    rows, moved, slots = [], 0, 0
    for column in one.columns:
        feature = FEATURES.features[column]
        # What few cases of either version have is weighed by the cases of both, so that both means
        # are the same mean.
        weights = (_counts(one, int(column)) + _counts(other, int(column))).astype(np.float64)
        change = _effects(other, int(column), weights) - _effects(one, int(column), weights)
        change[weights == 0] = 0
        moved += int((np.abs(change).max(axis=1) > MOVED).sum())
        slots += int((weights > 0).sum())
        slot, mix = np.unravel_index(np.abs(change).argmax(), change.shape)
        value = feature.value(int(slot))
        place = f"{'unknown' if value is None else value} for {mixes[int(mix)]}"
        rows.append((float(change[slot, mix]), feature.name, place))

    rows = sorted((row for row in rows if abs(row[0]) > MOVED), key=lambda row: -abs(row[0]))
    shown = [(field, f"{change:+.4f}", place) for change, field, place in rows[:_FIELDS]]
    share = moved / slots if slots else 0.0
    return [
        f"{share:.1%} of {slots} values that cases have moved by more than {MOVED} outcome points "
        f"from {name} to {other_name}",
        *(_aligned([("field", "largest move", "at"), *shown]) if shown else ()),
    ]


def _counts(tables: DecisionTables, column: int) -> NDArray[np.int64]:
    start = tables.offsets[tables.columns.tolist().index(column)]
    return tables.counts[start : start + FEATURES.features[column].slots]


def _effects(tables: DecisionTables, column: int, weights: Floats) -> Floats:
    """Gives the effect of each slot of a field on each mix, (slots, mixes), outcome points."""
    # By prediction, not by reading the table: a pair's part for an unknown other field counts.
    probe = np.zeros((FEATURES.features[column].slots, len(FEATURES.features)), np.uint16)
    probe[:, column] = np.arange(len(probe))
    values = tables.fold_values(probe).mean(axis=2)

    # What a field adds to all mixes alike changes no decision.
    effects = values - values.mean(axis=1, keepdims=True)
    total = weights.sum()
    centred: Floats = effects - (weights @ effects / total if total else 0.0)
    return centred


def _aligned(rows: list[tuple[str, str, str]]) -> list[str]:
    first, second = (max(len(row[place]) for row in rows) for place in (0, 1))
    return [f"{a:<{first}}  {b:<{second}}  {c}".rstrip() for a, b, c in rows]
