"""Boosting for which a column that is unknown, throughout or nearly, is inert and no error.

scikit-learn's own looks for the bins of a column among its known values, and fails where a fold,
or the part of the cases that it draws for the bins, has none.

It learns and predicts what scikit-learn's does, to the byte, and sooner: models of the same rows
share their bins, and trees are added up as `training.learning.trees` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from training.learning.scores import Floats
from training.learning.trees import Bins, Tree, add_up

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
    _bin_mapper: Any
    _predictors: list[list[Any]]
    _baseline_prediction: Floats
    # Mapper and bins of the rows that several models are fitted on, once they are known.
    _shared: list[Any] | None = None

    def fit(
        self,
        X: NDArray[Any],  # noqa: N803 - scikit-learn's
        y: NDArray[Any],
        sample_weight: Floats | None = None,
    ) -> Self:
        """Fits as scikit-learn does, and forgets how many cases each node had.

        No prediction asks for it. A version goes out with its estimators: they told how many cases
        got a mix, and two thresholds of a field how many lie between them.
        """
        rows = _without_rare(X, self.min_samples_leaf)
        super().fit(rows, y, sample_weight)  # type: ignore[misc] # of scikit-learn, beside it
        for each in self._predictors:
            for tree in each:
                tree.nodes["count"] = 0
        return self

    def _bin_data(
        self,
        X: NDArray[Any],  # noqa: N803 - scikit-learn's
        sample_weight: Floats | None,
        is_training_data: bool,
    ) -> Bins:
        if self._shared:
            self._bin_mapper, found = self._shared
            return cast("Bins", found)
        binned: Bins = super()._bin_data(X, sample_weight, is_training_data)  # type: ignore[misc] # likewise
        if self._shared is not None:
            self._shared += [self._bin_mapper, binned]
        return binned

    def _predict_iterations(
        self,
        X: NDArray[Any],  # noqa: N803 - scikit-learn's
        predictors: list[list[Any]],
        raw_predictions: Floats,
        is_binned: bool,
        n_threads: int,
    ) -> None:
        # Its own training asks with bins, and only to stop early, which nobody does here.
        if is_binned:
            super()._predict_iterations(X, predictors, raw_predictions, is_binned, n_threads)  # type: ignore[misc] # likewise
            return
        missing = self._bin_mapper.missing_values_bin_idx_
        trees = [
            (Tree(tree, X.shape[1], None, missing), slice(number, number + 1))
            for each in predictors
            for number, tree in enumerate(each)
        ]
        add_up(trees, self._bin_mapper.transform(X), raw_predictions)

    def _of_each(self, rows: Floats, numbers: int) -> Floats:
        """Gives raw predictions for each number, from 0, as a last column; shape (n, numbers)."""
        asked = np.zeros((numbers, rows.shape[1] + 1))
        asked[:, -1] = np.arange(numbers)
        bins = np.ascontiguousarray(self._bin_mapper.transform(asked)[:, -1])
        missing = self._bin_mapper.missing_values_bin_idx_
        trees = [
            (Tree(tree, rows.shape[1], bins, missing), slice(None)) for (tree,) in self._predictors
        ]
        sums = np.tile(self._baseline_prediction, (len(rows), numbers))
        wide = np.column_stack([rows, np.zeros(len(rows))])
        add_up(trees, self._bin_mapper.transform(wide), sums)
        return sums


class BoostingRegressor(_Inert, HistGradientBoostingRegressor):  # type: ignore[misc] # has no types
    """scikit-learn's, with columns that hardly any case knows held constant."""

    def predict_each(self, rows: Floats, numbers: int) -> Floats:
        """Predicts for each number of the last column, 0 to numbers - 1, shape (n, numbers).

        Args:
            rows: (n, columns - 1) all columns but the last.
            numbers: how many; each as `predict` for rows with that number as their last column.
        """
        return self._of_each(rows, numbers)


class BoostingClassifier(_Inert, HistGradientBoostingClassifier):  # type: ignore[misc] # likewise
    """scikit-learn's, with columns that hardly any case knows held constant."""

    def predict_each(self, rows: Floats, numbers: int) -> Floats:
        """Predicts the chance of the second of two classes for each number of the last column.

        Shape (n, numbers).

        Args:
            rows: (n, columns - 1) all columns but the last.
            numbers: how many, from 0.
        """
        raw = self._of_each(rows, numbers)
        chances: Floats = self._loss.predict_proba(raw.reshape(-1, 1))[:, 1].reshape(raw.shape)
        return chances


def fit_each(
    model: Callable[[], BoostingRegressor], rows: Floats, targets: Iterable[Floats]
) -> list[BoostingRegressor]:
    """Fits one model a target on the same rows, whose bins are found once.

    Args:
        model: makes models of equal settings, or their bins would not be the same.
        rows: (n, columns), unknown as NaN.
        targets: each (n,).
    """
    shared: list[Any] = []
    found = []
    for target in targets:
        one = model()
        one._shared = shared
        one.fit(rows, target)
        # A model would keep the bins of all its cases for as long as it lives.
        del one._shared
        found.append(one)
    return found
