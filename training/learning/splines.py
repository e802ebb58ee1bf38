"""Splines of each feature, and the normal equations of values that are sums of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from scipy.sparse import csr_array
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import SplineTransformer, StandardScaler

from training.learning.scores import Floats, Numbers

_KNOTS = 6
# Of a cubic's splines so many are not zero at a point.
_NOT_ZERO = 4
# Larger than a spline's standard deviation, so that the penalty hardly touches the mixes' means.
_CONSTANT = 3.0
# Features of at most so many values are summed value by value: the sums of two still fit into
# tens of megabytes.
_VALUES = 256
# Rows whose products, one for each two mixes, stay in a cache from pair to pair of features.
_ROWS_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cells:
    """What a feature's functions are of n rows: of each row a sum over few cells.

    Attributes:
        cell: (n, few) numbers of cells.
        share: (n, few) with which each counts.
        functions: (cells, functions) what each function is of each cell.
    """

    cell: Numbers
    share: Floats
    functions: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Feature:
    """One feature's splines.

    Attributes:
        splines: eight, which add up to 1.
        scaler: standardises them.
        values: the feature's, rising, if they are few.
    """

    splines: SplineTransformer
    scaler: StandardScaler
    values: Floats | None

    def functions(self, column: Floats) -> Floats:
        """Gives the standardised splines of values, shape (n, functions)."""
        found: Floats = self.scaler.transform(self.splines.transform(column[:, None]))
        return found

    def cells(self, column: Floats) -> _Cells:
        """Gives the same of values that the splines were made for."""
        if self.values is not None:
            return _Cells(
                cell=np.searchsorted(self.values, column)[:, None],
                share=np.ones((len(column), 1)),
                functions=self.functions(self.values),
            )
        wide = self.splines.transform(column[:, None])
        first = np.minimum((wide != 0).argmax(axis=1), wide.shape[1] - _NOT_ZERO)
        cell = first[:, None] + np.arange(_NOT_ZERO)
        return _Cells(
            cell=cell,
            share=np.take_along_axis(wide, cell, axis=1),
            # Since splines add up to 1, what is taken off them all can be taken off each.
            functions=self.scaler.transform(np.eye(wide.shape[1])),
        )


class Splines:
    """A constant, and cubic splines of each feature, standardised on the rows given first.

    Each feature's are made by themselves: all of them together are eight times as many numbers as
    the rows, and scaling holds them several times.
    """

    def __init__(self, rows: Floats) -> None:
        """Makes them.

        Args:
            rows: (n, features), unknown as NaN, which counts as the feature's mean.
        """
        # A feature that is unknown throughout stays, or columns would be fewer than features.
        self._known = SimpleImputer(keep_empty_features=True)
        filled = self._known.fit_transform(rows)
        # Of all features at once: where one does not vary, NumPy rounds the knots of all otherwise.
        knots = np.linspace(filled.min(axis=0), filled.max(axis=0), _KNOTS)
        self._features = [
            _feature(column, own) for column, own in zip(filled.T, knots.T, strict=True)
        ]

    @property
    def columns(self) -> list[slice]:
        """Columns of `basis` of the constant, then of each feature."""
        widths = [1, *(one.scaler.n_features_in_ for one in self._features)]
        ends = np.cumsum(widths).tolist()
        return [slice(end - width, end) for end, width in zip(ends, widths, strict=True)]

    def basis(self, rows: Floats) -> Floats:
        """Gives a constant and the splines of any rows, shape (n, columns)."""
        filled = self._known.transform(rows).T
        each = [one.functions(column) for one, column in zip(self._features, filled, strict=True)]
        return np.column_stack([np.full(len(rows), _CONSTANT), *each])

    def cells(self, rows: Floats) -> list[_Cells]:
        """Gives the same, one by one, of rows among those that they were made for."""
        constant = _Cells(
            cell=np.zeros((len(rows), 1), np.int64),
            share=np.ones((len(rows), 1)),
            functions=np.array([[_CONSTANT]]),
        )
        filled = self._known.transform(rows).T
        each = zip(self._features, filled, strict=True)
        return [constant, *(one.cells(column) for one, column in each)]


def _feature(column: Floats, knots: Floats) -> _Feature:
    splines = SplineTransformer(
        _KNOTS,
        knots=knots[:, None] if np.ptp(knots) else "uniform",
        # Beyond the last knots, where a cubic without cases would run away.
        extrapolation="constant",
    )
    scaler = StandardScaler().fit(splines.fit_transform(column[:, None]))
    values = np.unique(column)
    return _Feature(
        splines=splines, scaler=scaler, values=values if len(values) <= _VALUES else None
    )


def normal_equations(
    splines: Splines, rows: Floats, treated: Floats, target: Floats
) -> tuple[Floats, Floats]:
    """Sums the gram matrix and right-hand side of a regression on mixes times functions.

        target_i ~ sum_a treated_ia c_a . basis(rows_i)

    A case's row of this design is long, but few of its products differ: of every two features the
    products of every two mixes are added up by the cells of both that the case is in, and become
    those of splines once they are sums.

    Args:
        splines: made for these rows.
        rows: (n, features).
        treated: (n, mixes).
        target: (n,).

    Returns:
        Shapes (mixes * columns, mixes * columns) and (mixes * columns,).
    """
    mixes, columns = treated.shape[1], splines.columns
    width = columns[-1].stop
    first, second = np.triu_indices(mixes)
    right = np.zeros((mixes, width))
    sums = {
        (one, other): np.zeros((_width(columns[one]), _width(columns[other]), len(first)))
        for one, other in combinations_with_replacement(range(len(columns)), 2)
    }
    for part in np.array_split(np.arange(len(rows)), 1 + len(rows) // _ROWS_AT_ONCE):
        # One case beside the next: in another layout they would be turned for every two features.
        products = np.ascontiguousarray(treated[part][:, first] * treated[part][:, second])
        left = treated[part] * target[part, None]
        cells = splines.cells(rows[part])
        for own, place in zip(cells, columns, strict=True):
            by_cell = _by_cell(own.cell, own.share, len(own.functions), left)
            right[:, place] += by_cell.T @ own.functions
        for pair in sums:
            sums[pair] += _of_both(cells[pair[0]], cells[pair[1]], products)

    # Where products of two mixes stand, in either order.
    both = np.zeros((mixes, mixes), np.int64)
    both[first, second] = both[second, first] = np.arange(len(first))
    gram = np.zeros((mixes, width, mixes, width))
    for (one, other), total in sums.items():
        block = total[:, :, both]
        gram[:, columns[one], :, columns[other]] = block.transpose(2, 0, 3, 1)
        gram[:, columns[other], :, columns[one]] = block.transpose(2, 1, 3, 0)
    return gram.reshape(mixes * width, -1), right.ravel()


def _width(columns: slice) -> int:
    return int(columns.stop - columns.start)


def _of_both(one: _Cells, other: _Cells, products: Floats) -> Floats:
    """Sums products over cases for two features' functions, (functions, functions, products)."""
    shape = len(one.functions), len(other.functions)
    cell = (one.cell[:, :, None] * shape[1] + other.cell[:, None, :]).reshape(len(products), -1)
    share = (one.share[:, :, None] * other.share[:, None, :]).reshape(len(products), -1)
    summed = _by_cell(cell, share, shape[0] * shape[1], products).reshape(*shape, -1)
    found: Floats = other.functions.T @ np.tensordot(one.functions.T, summed, axes=1)
    return found


def _by_cell(cell: Numbers, share: Floats, cells: int, values: Floats) -> Floats:
    """Sums values, (n, columns), by cell, (cells, columns), each case's by its shares."""
    ends = np.arange(0, cell.size + 1, cell.shape[1])
    matrix = csr_array((share.ravel(), cell.ravel(), ends), shape=(len(cell), cells))
    return np.asarray(matrix.T @ values)
