"""Boosting for which a column that is unknown, throughout or nearly, is inert and no error.

scikit-learn's own looks for the bins of a column among its known values, and fails where a fold,
or the part of the cases that it draws for the bins, has none.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from training.learning.scores import Floats

# Bins are found in so many cases, drawn from those there are.
_BINNED = 200_000
# So many of a column's known values are then drawn on average; none at all once in 5e8 times.
_DRAWN = 20


def _without_rare(rows: NDArray[Any], leaf: int) -> NDArray[Any]:
    """Gives the same rows with a constant for what too few cases know to be learned from.

    A leaf of known values would be too small to be split off, so nothing is lost.
    """
    least = max(leaf, _DRAWN * len(rows) / _BINNED)
    rare = (~np.isnan(rows)).sum(axis=0) < least
    return np.where(rare, 0.0, rows) if rare.any() else rows


class _Inert:
    """Holds columns that hardly any case knows constant, and fits as scikit-learn does."""

    min_samples_leaf: int

    def fit(
        self,
        X: NDArray[Any],  # noqa: N803 - scikit-learn's
        y: NDArray[Any],
        sample_weight: Floats | None = None,
    ) -> Self:
        """Fits as scikit-learn does."""
        rows = _without_rare(X, self.min_samples_leaf)
        super().fit(rows, y, sample_weight)  # type: ignore[misc] # of scikit-learn, beside it
        return self


class BoostingRegressor(_Inert, HistGradientBoostingRegressor):  # type: ignore[misc] # has no types
    """scikit-learn's, with columns that hardly any case knows held constant."""


class BoostingClassifier(_Inert, HistGradientBoostingClassifier):  # type: ignore[misc] # likewise
    """scikit-learn's, with columns that hardly any case knows held constant."""
