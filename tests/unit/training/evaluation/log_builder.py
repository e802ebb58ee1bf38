"""A log whose propensities and values are exactly known."""

import numpy as np

from training.learning.scores import Floats, Numbers

MIXES = 3


def a_log(
    cases: int, seed: int, effect: float = 0.1
) -> tuple[Floats, Numbers, Floats, Floats, Floats]:
    """Draws logged cases: x, mix, outcome, and their exactly known propensities and values."""
    rng = np.random.default_rng(seed)
    x = rng.random(cases)
    # Confounded: where x is high, mix 0 is both chosen more often and worth more.
    chances = np.column_stack([0.2 + 0.4 * x, np.full(cases, 0.2), 0.6 - 0.4 * x])
    values = np.column_stack(
        [0.3 + 0.2 * x, np.full(cases, 0.4), 0.3 + 0.2 * x + effect * (1 - 2 * x)]
    )
    # Clipped, since a sum of chances may end a little below 1.
    mix = (rng.random(cases)[:, None] > chances.cumsum(axis=1)).sum(axis=1).clip(max=MIXES - 1)
    outcome = (rng.random(cases) < values[np.arange(cases), mix]).astype(float)
    return x, mix, outcome, chances, values


def chance_of(chances: Floats, mix: Numbers) -> Floats:
    chance: Floats = chances[np.arange(len(mix)), mix]
    return chance
