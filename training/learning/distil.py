"""Distils a stack into sums of one- and two-column functions, which read off as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from training.learning.boosting import BoostingRegressor, fit_each
from training.learning.scores import Floats
from training.learning.stack import centred

# With the bin of unknown at most 13 a column, so that a pair's cells still have cases each.
BINS = 12
# Of steps and levels; of pairs, which learn only the little that those leave over.
_ROUNDS, _PAIR_ROUNDS = 150, 60
# Share of the contrasts' variance that a pair must explain: it costs a look-up in each decision,
# and cells that few cases have (ADR 8).
_PAYS = 0.005
# Pairs are looked for in so many cases: two hundred and more a cell, whatever the log's size.
_SEEN = 40_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Coarse:
    """A column cut into few bins of about equally many cases, the last for unknown."""

    column: int
    edges: Floats

    @property
    def bins(self) -> int:
        """Number of bins, that of unknown included."""
        return len(self.edges) + 2

    def of(self, values: Floats) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        """Gives the bin of each value, shape (n,)."""
        # An edge belongs to the bin above it.
        return np.where(
            np.isnan(values), self.bins - 1, np.searchsorted(self.edges, values, side="right")
        )


def coarse(rows: Floats, column: int) -> Coarse:
    """Cuts a column at its quantiles."""
    known = rows[:, column][~np.isnan(rows[:, column])]
    edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if len(known) else np.zeros(0)
    # An edge at the least value would leave the first bin without cases.
    return Coarse(column=column, edges=edges[edges > known.min()] if len(known) else edges)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairModel:
    """What two columns add together: one model a step, over both columns' bins."""

    first: Coarse
    second: Coarse
    steps: tuple[BoostingRegressor, ...]

    def values(self, rows: Floats) -> Floats:
        """Gives what the pair adds to each step, shape (n, mixes - 1)."""
        # Each cell of both columns' bins is asked for once, however many rows fall into it.
        shape = self.first.bins, self.second.bins
        cells = self.added(np.indices(shape).reshape(2, -1).T)
        bins = (one.of(rows[:, one.column]) for one in (self.first, self.second))
        added: Floats = cells[np.ravel_multi_index((*bins,), shape)]
        return added

    def added(self, bins: np.ndarray[tuple[int, int], np.dtype[np.intp]]) -> Floats:
        """Gives the same for numbers of bins, shape (n, 2)."""
        return np.column_stack([step.predict(bins) for step in self.steps])


@dataclass(frozen=True, slots=True, kw_only=True)
class Distilled:
    """One fold's student.

        v_a(x) = level(x) + s_a(x) - mean over b of s_b(x);
        s_0 = 0,  s_a = s_{a-1} + step_a(x) + its pairs

    Attributes:
        level: mean value over mixes, a sum of one-column functions.
        steps: one a mix from the second on: what it adds to the mix before.
        pairs: what pairs of columns add to the steps.
    """

    level: BoostingRegressor
    steps: tuple[BoostingRegressor, ...]
    pairs: tuple[PairModel, ...]

    @property
    def features(self) -> int:
        """Columns of the rows that it learned from."""
        return int(self.level.n_features_in_)

    def values(self, rows: Floats) -> Floats:
        """Gives the value of each mix, shape (n, mixes)."""
        steps = np.column_stack([step.predict(rows) for step in self.steps])
        for pair in self.pairs:
            steps += pair.values(rows)
        nothing = np.zeros(len(rows))
        heights = np.cumsum(np.column_stack([nothing, steps]), axis=1)
        values: Floats = self.level.predict(rows)[:, None] + centred(heights)
        return values


def distil(
    rows: Floats,
    target: Floats,
    level: Floats,
    pairs: Sequence[tuple[Coarse, Coarse]],
    seed: int,
    monotone: Sequence[int] | None = None,
) -> Distilled:
    """Fits a student to a stack's values, and its level to scores.

    Args:
        rows: (n, features), unknown as NaN.
        target: (n, mixes) values by the stack, centred over mixes.
        level: (n,) noisy mean value over mixes, outcome points.
        pairs: columns that may be combined.
        seed: of the boosting.
        monotone: (features,) 1 where a higher value may only raise the later of two mixes, else 0.
    """
    # Steps between neighbours, not contrasts to the first mix: where each step rises with a column,
    # so does the later of any two mixes, which is what `monotone` promises.
    steps = np.diff(target, axis=1)
    leaf = _leaf(len(rows))
    models = tuple(
        fit_each(lambda: _additive(seed, monotone, min_samples_leaf=leaf), rows, steps.T)
    )
    left_over = steps - np.column_stack([model.predict(rows) for model in models])

    # Each pair learns what the pairs before it leave over.
    found = []
    for first, second in pairs:
        bins = np.column_stack(
            [one.of(rows[:, one.column]).astype(np.float64) for one in (first, second)]
        )
        pair = PairModel(
            first=first,
            second=second,
            steps=tuple(fit_each(lambda: _paired(seed), bins, left_over.T)),
        )
        left_over = left_over - pair.values(rows)
        found.append(pair)
    # Scores are noisy where the stack is smooth: the level learns more slowly than the steps.
    level_model = _additive(seed, None, learning_rate=0.05, min_samples_leaf=leaf)
    return Distilled(level=level_model.fit(rows, level), steps=models, pairs=tuple(found))


def _leaf(cases: int) -> int:
    # Large leaves smooth what is left of the teachers' noise: on five_plans, seeds 0 to 4, 1/60 of
    # the cases is worth more at every budget than 40 cases a leaf.
    return max(40, cases // 60)


def _additive(seed: int, monotone: Sequence[int] | None, **others: object) -> BoostingRegressor:
    # One column a tree makes the whole a sum of one-column functions, and so a table.
    settings: dict[str, object] = {"learning_rate": 0.1} | others
    return BoostingRegressor(
        max_iter=_ROUNDS,
        max_leaf_nodes=4,
        interaction_cst="no_interactions",
        monotonic_cst=monotone,
        early_stopping=False,
        random_state=seed,
        **settings,
    )


def _paired(seed: int) -> BoostingRegressor:
    return BoostingRegressor(
        max_iter=_PAIR_ROUNDS,
        max_leaf_nodes=12,
        learning_rate=0.15,
        min_samples_leaf=40,
        early_stopping=False,
        random_state=seed,
    )


def strongest_pairs(
    rows: Floats, target: Floats, most: int, seed: int, monotone: Sequence[int] | None = None
) -> list[tuple[Coarse, Coarse]]:
    """Finds the pairs of columns that explain most of what an additive student leaves over.

    Strongest first. Both columns are cut into bins; a pair's strength is the variance of the
    residual's cell means (the FAST idea of Lou and others 2013) less what chance alone would give.
    A pair pays from half a per cent of the contrasts' variance.

    Args:
        rows: (n, features).
        target: (n, mixes) values by the stack, centred over mixes.
        most: how many at most.
        seed: of the additive student.
        monotone: columns marked here are never combined: together with another they might lose
            their order.
    """
    if most == 0:
        return []

    seen = np.random.default_rng(seed).permutation(len(rows))[:_SEEN]
    rows, target = rows[seen], target[seen]
    # A level of zeros: it is the same for every mix, and pairs are looked for in contrasts.
    alone = distil(rows, target, np.zeros(len(rows)), (), seed, monotone)
    residual = target - centred(alone.values(rows))

    free = [column for column in range(rows.shape[1]) if monotone is None or not monotone[column]]
    cut = {column: coarse(rows, column) for column in free}
    bins = {column: one.of(rows[:, column]) for column, one in cut.items()}

    # Of pure noise, each cell's mean explains one case's share of the squares.
    noise = float((residual**2).sum())
    strengths: list[tuple[float, tuple[int, int]]] = []
    for pair in combinations(free, 2):
        cell = bins[pair[0]] * cut[pair[1]].bins + bins[pair[1]]
        count = np.bincount(cell)
        explained = sum(
            float((np.bincount(cell, weights=one) ** 2 / np.maximum(count, 1)).sum())
            for one in residual.T
        )
        strengths.append((explained - noise * int((count > 0).sum()) / len(rows), pair))

    # Ties go by column, so that equal arguments give equal pairs.
    strengths.sort(key=lambda found: (-found[0], found[1]))
    least = _PAYS * float((centred(target) ** 2).sum())
    return [
        (cut[first], cut[second])
        for strength, (first, second) in strengths[:most]
        if strength > least
    ]
