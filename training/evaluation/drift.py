"""Fields of the training cases: unknowns, and drift from what the promoted model was trained on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from router.cases.features import FEATURES
from router.decision.schema import Feature, Rows
from router.decision.tables import DecisionTables
from training.evaluation.figures import FieldFigures
from training.learning.scores import Floats

_TENTHS = 10
# An empty bin would make the index infinite.
_LEAST_SHARE = 1e-4


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


def stability_index(before: NDArray[np.int64], now: NDArray[np.int64], feature: Feature) -> float:
    """Gives a field's population stability index; 0.1 is worth a look, 0.25 asks for action.

        PSI = sum_b (q_b - p_b) * log(q_b / p_b)

    over the field's values, or unknown and tenths of the earlier cases where it is a number.

    Args:
        before: (slots,) counts of the earlier cases.
        now: (slots,) counts of the later ones.
        feature: the field.
    """
    first, second = _shares(before, before, feature), _shares(now, before, feature)
    return float(((second - first) * np.log(second / first)).sum())


def _shares(counts: NDArray[np.int64], reference: NDArray[np.int64], feature: Feature) -> Floats:
    if not feature.values:
        # Tenths of the earlier cases, for both counts: the later ones may fill them unevenly.
        known = np.cumsum(reference[1:])
        edges = np.searchsorted(known, known[-1] * np.arange(1, _TENTHS) / _TENTHS)
        # Tenths that end at the same value are one bin, for a value cannot be in two.
        bins = np.searchsorted(np.unique(edges), np.arange(len(known)), side="right")
        counts = np.concatenate([counts[:1], np.bincount(bins, weights=counts[1:])])
    shares: Floats = np.maximum(counts / max(1, counts.sum()), _LEAST_SHARE)
    return shares
