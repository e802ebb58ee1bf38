"""What tables wish for as a field's value gets worse."""

import numpy as np

from router.cases.features import FEATURES
from router.decision.tables import DecisionTables
from training.learning.encoding import WORSE
from training.learning.scores import Floats


def wishes(tables: DecisionTables, name: str, row: np.ndarray) -> Floats:
    """What each mix is worth more than the one before, by a field's values, worse by worse."""
    feature = FEATURES[name]
    steps = WORSE.get(name, (*tuple((number,) for number in range(feature.upper + 1)), (None,)))
    order = [feature.slot(value) for step in steps for value in step]
    rows = np.tile(row, (len(order), 1))
    rows[:, FEATURES.column(name)] = order
    return np.diff(tables.fold_values(rows), axis=1)
