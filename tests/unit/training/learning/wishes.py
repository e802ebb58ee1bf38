"""What tables wish for as a field's value gets worse."""

import numpy as np

from router.cases.features import FEATURES
from router.decision.tables import DecisionTables
from training.learning.encoding import WORSE
from training.learning.scores import Floats


def wishes(tables: DecisionTables, name: str, row: np.ndarray) -> Floats:
    """Tells how much more each mix is worth than the one before, worse value by worse value."""
    feature = FEATURES[name]
    # A number without an entry is worse the longer it is, and worst when it is unknown.
    steps = WORSE.get(name, (*tuple((number,) for number in range(feature.upper + 1)), (None,)))
    order = [feature.slot(value) for step in steps for value in step]
    rows = np.tile(row, (len(order), 1))
    rows[:, FEATURES.column(name)] = order
    return np.diff(tables.fold_values(rows), axis=1)
