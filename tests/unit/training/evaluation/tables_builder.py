"""Tables as distillation gives them, invented, and the report of a version that has them."""

from functools import cache

import numpy as np

from router.cases.features import FEATURES
from router.decision.pairs import Pair
from router.decision.schema import Role
from router.decision.tables import DecisionTables
from router.drawing.drawing import TwoShapes
from tests.builders import FOLDS, MODEL_SLOTS
from tests.unit.training.evaluation.figures_builder import (
    MIXES,
    a_manifest,
    a_verdict,
    some_figures,
)
from tests.unit.training.evaluation.parts_builder import CATALOGUE
from training.report.page import drawings, page


@cache
def some_drawings() -> dict[str, TwoShapes | None]:
    """Draws invented figures, once: it takes some seconds."""
    return drawings(some_figures())


@cache
def a_report() -> str:
    """Gives the report of invented figures and tables."""
    drawn = some_drawings()
    return page(some_figures(), a_verdict(), some_tables(), CATALOGUE, a_manifest(), drawn)


def some_tables() -> DecisionTables:
    """Makes piecewise constant tables with rising effects, as distillation does."""
    rng = np.random.default_rng(11)
    values = np.zeros((MODEL_SLOTS, len(MIXES), FOLDS))
    counts = np.zeros(MODEL_SLOTS, np.int64)
    start = 0
    for column in FEATURES.columns(Role.MODEL):
        feature = FEATURES.features[column]
        places = np.arange(feature.slots)
        size = rng.gamma(1.2, 0.006)
        # Nine steps a number's range, as boosted trees leave; enums by value.
        shape = rng.normal(0, size, 9)[
            np.minimum(8, 9 * places // feature.slots if not feature.values else places % 9)
        ]
        dose = np.linspace(0, 1, len(MIXES))[None, :, None]
        noise = rng.normal(0, 0.0012, (9, len(MIXES), FOLDS))[
            np.minimum(8, 9 * places // feature.slots)
        ]
        values[start : start + feature.slots] = shape[:, None, None] * dose + noise * (dose > 0)
        if feature.values:
            weights = rng.dirichlet(np.full(feature.slots, 3.0))
        else:
            # Most cases have low numbers, few high ones.
            weights = np.exp(-places / (0.12 * feature.slots))
        weights = weights / weights.sum()
        # Some of every field are unknown.
        weights[0] = 0.04
        counts[start : start + feature.slots] = rng.multinomial(44870, weights / weights.sum())
        start += feature.slots
    intercept = (
        0.43 + np.linspace(0, 0.06, len(MIXES))[:, None] + rng.normal(0, 0.002, (len(MIXES), FOLDS))
    )
    pairs = (a_pair("need_group", "weeks_registered"), a_pair("digital_skill", "age_band"))
    return DecisionTables(
        features=FEATURES, values=values, intercept=intercept, counts=counts, pairs=pairs
    )


def a_pair(first: str, second: str) -> Pair:
    """Gives a pair of fields over at most nine bins each."""
    rng = np.random.default_rng(12)
    bins = [
        np.ceil(
            np.arange(FEATURES[name].slots)
            * min(8, FEATURES[name].slots - 1)
            / (FEATURES[name].slots - 1)
        )
        for name in (first, second)
    ]
    shape = [int(one.max()) + 1 for one in bins]
    tilt = np.outer(np.linspace(-1, 1, shape[0]), np.linspace(-1, 1, shape[1])).ravel()
    dose = np.linspace(0, 0.012, len(MIXES))
    values = tilt[:, None, None] * dose[:, None] + rng.normal(
        0, 0.001, (len(tilt), len(MIXES), FOLDS)
    )
    weights = rng.dirichlet(np.full(len(tilt), 0.7))
    return Pair(
        first=FEATURES.column(first),
        second=FEATURES.column(second),
        first_bins=bins[0].astype(np.uint16),
        second_bins=bins[1].astype(np.uint16),
        values=values,
        counts=rng.multinomial(44870, weights),
    )
