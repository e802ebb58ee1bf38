"""Adds up scikit-learn's boosted trees, to the byte as it does, and sooner.

Rows are cut into bins once a model, and no number is compared with at each node. What a tree that
reads one column adds is looked up by the column's bin. Where a prediction is wanted for each number
of the last column, such as the mix, a tree is asked once for all numbers that it does not tell
apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.learning.scores import Floats

Bins = NDArray[np.uint8]
# Values that a bin's number may have, that of unknown among them.
_BINS = 256
# Rows whose sums stay in a core's cache from tree to tree.
_ROWS_AT_ONCE = 8_192


class Tree:
    """What one tree adds to the sums of rows, of each number that the last column may have."""

    def __init__(self, tree: Any, columns: int, numbers: Bins | None, missing: int) -> None:  # noqa: ANN401 - scikit-learn's
        """Prepares a tree.

        Args:
            tree: of scikit-learn.
            columns: of the rows, without the last one if it has numbers.
            numbers: (K,) rising bins of the last column, or None if it is as the rows say.
            missing: the bin of unknown.
        """
        self._tree, self._missing = _writable(tree), missing
        splits = tree.nodes[tree.nodes["is_leaf"] == 0]
        own = np.unique(splits["feature_idx"][splits["feature_idx"] < columns])
        of_last = splits["bin_threshold"][splits["feature_idx"] == columns]
        self._column = int(own[0]) if len(own) else 0
        self._table: Floats | None = None
        if len(own) > 1:
            self._parts = _parts(of_last, numbers)
            return

        asked = numbers if numbers is not None and len(of_last) else np.zeros(1, np.uint8)
        grid = np.zeros((_BINS, len(asked), columns + 1), np.uint8)
        grid[:, :, self._column] = np.arange(_BINS)[:, None]
        grid[:, :, columns] = asked
        self._table = self._said(grid.reshape(-1, columns + 1)).reshape(_BINS, -1)

    def add(self, bins: Bins, across: Bins, sums: Floats) -> None:
        """Adds to sums, (n, K), what the tree says of rows.

        Args:
            bins: (n, columns) of the rows, a column's beside each other.
            across: the same, a row's beside each other; its last column is overwritten.
            sums: (n, K), or (n, 1) without numbers.
        """
        if self._table is not None:
            sums += self._table.take(bins[:, self._column], axis=0)
            return
        for part, number in self._parts:
            if number is not None:
                across[:, -1] = number
            sums[:, part] += self._said(across)[:, None]

    def _said(self, rows: Bins) -> Floats:
        found: Floats = self._tree.predict_binned(rows, self._missing, 1)
        return found


def add_up(trees: Sequence[tuple[Tree, slice]], bins: Bins, sums: Floats) -> None:
    """Adds trees in their order, each to some columns of sums.

    Args:
        trees: each with the columns of sums that it is added to.
        bins: (n, columns) of the rows.
        sums: (n, K), changed in place.
    """
    for start in range(0, len(bins), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        across = np.ascontiguousarray(bins[part])
        for tree, columns in trees:
            tree.add(bins[part], across, sums[part, columns])


def _writable(tree: Any) -> Any:  # noqa: ANN401 - scikit-learn's
    """Gives a tree whose arrays can be written, as scikit-learn's own look-up by bins wants them.

    Of a model that joblib maps into memory, shared between processes, they cannot.
    """
    names = ("nodes", "binned_left_cat_bitsets")
    held = {one: getattr(tree, one) for one in names if not getattr(tree, one).flags.writeable}
    if not held:
        return tree
    own = copy(tree)
    for name, array in held.items():
        setattr(own, name, array.copy())
    return own


def _parts(thresholds: Bins, numbers: Bins | None) -> list[tuple[slice, int | None]]:
    """Gives the parts of rising numbers that thresholds tell apart, and a number of each."""
    if numbers is None:
        return [(slice(None), None)]
    # What equals a threshold goes with what is less.
    side = np.searchsorted(np.unique(thresholds), numbers, side="left")
    starts = np.flatnonzero(np.diff(side, prepend=-1)).tolist()
    return [
        (slice(start, end), int(numbers[start]))
        for start, end in zip(starts, [*starts[1:], len(numbers)], strict=True)
    ]
