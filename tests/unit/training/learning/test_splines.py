"""Splines: the normal equations of a design that is never made."""

import tracemalloc

import numpy as np

from training.learning.scores import Floats
from training.learning.splines import Splines, normal_equations


def some_rows(cases: int, features: int) -> Floats:
    """Gives features of few values and of many in turn, unknown here and there."""
    random = np.random.default_rng(3)
    rows = random.normal(size=(cases, features))
    rows[:, ::2] = np.round(3 * rows[:, ::2])
    rows[random.random(rows.shape) < 0.1] = np.nan
    return rows


def test_equations_are_those_of_the_design() -> None:
    # More cases than are summed at once; a feature that does not vary, and one that nobody knows.
    cases = 25_000
    rows = some_rows(cases, 4)
    rows = np.column_stack([rows, np.full(cases, 2.0), np.full(cases, np.nan)])
    random = np.random.default_rng(4)
    treated, target = random.normal(size=(cases, 3)), random.normal(size=cases)
    splines = Splines(rows)
    gram, right = normal_equations(splines, rows, treated, target)

    design = (treated[:, :, None] * splines.basis(rows)[:, None, :]).reshape(cases, -1)
    assert gram.shape == (3 * (1 + 6 * 8),) * 2
    scale = np.abs(design.T @ design).max()
    assert np.abs(gram - design.T @ design).max() < 1e-12 * scale
    assert np.allclose(right, design.T @ target, rtol=0, atol=1e-9)


def test_equations_take_far_less_memory_than_the_design() -> None:
    cases, mixes, features = 10_000, 12, 20
    rows = some_rows(cases, features)
    treated, target = np.ones((cases, mixes)), np.ones(cases)
    splines = Splines(rows)
    tracemalloc.start()
    try:
        gram, _ = normal_equations(splines, rows, treated, target)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    design = cases * len(gram) * 8
    assert most - gram.nbytes < design / 2
