"""Standard errors of means whose cases come in clusters: offices, persons, or both."""

from __future__ import annotations

import numpy as np

from training.learning.scores import Floats, Numbers


def clustered_error(parts: Floats, cluster: Numbers | None) -> tuple[float, float]:
    """Gives the standard error of a mean and its degrees of freedom, right for few clusters too.

        V = sum_g S_g^2 / (1 - w_g) / n^2,      S_g = sum_{i in g} (psi_i - mean),  w_g = n_g / n
        df = 1 / (sum w_g^2 + (sum q_g)^2 - sum q_g^2),      q_g = w_g^2 / (1 - w_g)

    That is CR2 with Satterthwaite's degrees of freedom under equal, independent cases. Of equal
    clusters it is CR1 with t(G - 1), of single cases the usual formula. CR1 falls to 0.57 where one
    office has half of the cases; see `python -m bench.clusters`.

    Of two ways, such as person and office, V = V_1 + V_2 - V_12 with the fewer degrees of freedom,
    never less than either way alone.

    Args:
        parts: (n,) deviations from the mean, n at least 2.
        cluster: (n,) or (n, ways) numbers of clusters; a way with one cluster only, or None, counts
            cases as independent.

    Source: Bell, McCaffrey 2002; Imbens, Kolesar 2016; Cameron, Gelbach, Miller 2011 (two ways).
    """
    ways = _ways(len(parts), cluster)
    found = [_one_way(parts, way) for way in ways]
    variances, freedom = zip(*found, strict=True)
    if len(ways) == 1:
        return float(variances[0]) ** 0.5, freedom[0]

    _, both = np.unique(np.column_stack(ways), axis=0, return_inverse=True)
    shared, _ = _one_way(parts, both.ravel())
    # A difference of variances may fall below what one way alone has.
    return max(*variances, sum(variances) - shared) ** 0.5, min(freedom)


def effective_clusters(cluster: Numbers | None, cases: int) -> float:
    """Gives how many equal clusters would be as sure: degrees of freedom and one, the fewest way.

    Args:
        cluster: as for `clustered_error`.
        cases: n.
    """
    return 1 + min(_freedom(np.bincount(way) / cases) for way in _ways(cases, cluster))


def _ways(cases: int, cluster: Numbers | None) -> list[Numbers]:
    """Gives the numbers of each way, from 0 without a gap; those that say nothing are left out."""
    if cluster is None:
        return [np.arange(cases)]
    columns = cluster.reshape(cases, -1).T
    ways = [
        np.unique(column, return_inverse=True)[1].ravel().astype(np.int64) for column in columns
    ]
    return [way for way in ways if way.max() > 0] or [np.arange(cases)]


def _one_way(parts: Floats, way: Numbers) -> tuple[float, float]:
    cases = len(parts)
    shares = np.bincount(way) / cases
    sums = np.bincount(way, weights=parts)
    return float((sums**2 / (1 - shares)).sum()) / cases**2, _freedom(shares)


def _freedom(shares: Floats) -> float:
    lost = shares**2 / (1 - shares)
    return 1 / float((shares**2).sum() + lost.sum() ** 2 - (lost**2).sum())
