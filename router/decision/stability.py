"""How far the cases of today are from those of before: the population stability index."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from router.decision.schema import Feature

Floats = NDArray[np.float64]

_TENTHS = 10
# An empty bin would make the index infinite.
_LEAST_SHARE = 1e-4


def stability_index(before: NDArray[np.int64], now: NDArray[np.int64], feature: Feature) -> float:
    """Gives a field's population stability index; 0.1 is worth a look, 0.25 asks for action.

        PSI = sum_b (q_b - p_b) * log(q_b / p_b)

    over the field's values, or unknown and tenths of the earlier cases where it is a number.

    Args:
        before: (slots,) counts of the earlier cases.
        now: (slots,) counts of the later ones.
        feature: the field.
    """
    return index_of(_binned(before, before, feature), _binned(now, before, feature))


def index_of(before: ArrayLike, now: ArrayLike) -> float:
    """Gives the index of counts or shares over the same bins."""
    first, second = _shares(before), _shares(now)
    return float(((second - first) * np.log(second / first)).sum())


def _shares(counts: ArrayLike) -> Floats:
    many = np.asarray(counts, np.float64)
    total = many.sum()
    shares: Floats = np.maximum(many / (total if total > 0 else 1.0), _LEAST_SHARE)
    return shares


def _binned(
    counts: NDArray[np.int64], reference: NDArray[np.int64], feature: Feature
) -> NDArray[np.int64]:
    if feature.values:
        return counts
    # Tenths of the earlier cases, for both counts: the later ones may fill them unevenly.
    known = np.cumsum(reference[1:])
    edges = np.searchsorted(known, known[-1] * np.arange(1, _TENTHS) / _TENTHS)
    # Tenths that end at the same value are one bin, for a value cannot be in two.
    bins = np.searchsorted(np.unique(edges), np.arange(len(known)), side="right")
    tenths = np.bincount(bins, weights=counts[1:]).astype(np.int64)
    found: NDArray[np.int64] = np.concatenate([counts[:1], tenths])
    return found
