"""Distils a stack into additive models that can be read off as tables, with the few pairs that pay."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from training.scores import Floats

_BINS = 8
_ROUNDS = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Distilled:
    """One fold's student: an additive model a mix."""

    models: tuple[HistGradientBoostingRegressor, ...]

    def values(self, rows: Floats) -> Floats:
        """Value of each mix, shape (n, mixes)."""
        return np.column_stack([model.predict(rows) for model in self.models])


def distil(rows: Floats, target: Floats, pairs: tuple[tuple[int, int], ...], seed: int) -> Distilled:
    """Fits a sum of one-column and, for `pairs`, two-column functions to a stack's values.

    Args:
        rows: (n, features), unknown as NaN.
        target: (n, mixes) values by the stack.
        pairs: columns that may be combined.
        seed: of the boosting.
    """
    allowed = [{column} for column in range(rows.shape[1])] + [set(pair) for pair in pairs]
    models = []
    for number in range(target.shape[1]):
        model = HistGradientBoostingRegressor(
            max_iter=_ROUNDS,
            max_leaf_nodes=6,
            learning_rate=0.1,
            min_samples_leaf=50,
            interaction_cst=allowed,
            early_stopping=False,
            random_state=seed,
        )
        models.append(model.fit(rows, target[:, number]))
    return Distilled(models=tuple(models))


def strongest_pairs(rows: Floats, target: Floats, most: int, seed: int) -> tuple[tuple[int, int], ...]:
    """Pairs of columns that explain most of what an additive student leaves over, strongest first.

    Both columns are cut into eighths; a pair's strength is the variance of the residual's cell means (the FAST idea
    of Lou and others 2013), with what chance alone would give taken off.

    Args:
        rows: (n, features).
        target: (n, mixes).
        most: how many at most.
        seed: of the additive student.
    """
    if most == 0:
        return ()
    residual = target - distil(rows, target, (), seed).values(rows)
    cells = np.column_stack([_eighths(column) for column in rows.T])
    width = _BINS + 1
    noise = float((residual**2).sum())
    strengths: list[tuple[float, tuple[int, int]]] = []
    for pair in combinations(range(rows.shape[1]), 2):
        cell = cells[:, pair[0]] * width + cells[:, pair[1]]
        count = np.bincount(cell, minlength=width * width)
        explained = 0.0
        for column in residual.T:
            total = np.bincount(cell, weights=column, minlength=width * width)
            explained += float((total**2 / np.maximum(count, 1)).sum())
        strengths.append((explained - noise * int((count > 0).sum()) / len(rows), pair))
    strengths.sort(key=lambda found: (-found[0], found[1]))
    return tuple(pair for strength, pair in strengths[:most] if strength > 0)


def _eighths(column: Floats) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    known = column[~np.isnan(column)]
    edges = np.unique(np.quantile(known, np.arange(1, _BINS) / _BINS)) if len(known) else np.zeros(0)
    return np.where(np.isnan(column), _BINS, np.searchsorted(edges, column, side="right"))
