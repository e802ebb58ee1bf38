"""Fields of the training cases: unknowns, and drift from what the promoted model was trained on."""

from __future__ import annotations

import numpy as np

from router.cases.features import FEATURES
from router.decision.schema import Rows
from router.decision.stability import stability_index
from router.decision.tables import DecisionTables
from training.evaluation.figures import FieldFigures


def field_figures(rows: Rows, promoted: DecisionTables | None) -> tuple[FieldFigures, ...]:
    """Describes every field of a case, with its drift (PSI) where the promoted model reads it.

    Args:
        rows: (n, features) slots of the training cases.
        promoted: tables with the counts of the promoted model's training cases, or None.
    """
    before = {}
    if promoted is not None:
        for column, start in zip(promoted.columns.tolist(), promoted.offsets.tolist(), strict=True):
            before[column] = promoted.counts[start : start + FEATURES.features[column].slots]

    found = []
    for column, feature in enumerate(FEATURES.features):
        now = np.bincount(rows[:, column], minlength=feature.slots)
        found.append(
            FieldFigures(
                name=feature.name,
                roles=tuple(sorted(role.name for role in feature.roles)),
                bound=feature.bound,
                unknown=float(now[0] / max(1, now.sum())),
                drift=stability_index(before[column], now, feature) if column in before else None,
            )
        )
    return tuple(found)
