"""What advisers go by when they choose a mix, as numbers: what may confound mix and outcome."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.learning.scores import Floats, Numbers


def confounders(
    fields: Floats,
    lightest: NDArray[np.integer],
    offices: Numbers | None,
    days: NDArray[np.datetime64] | None,
) -> Floats:
    """Gives fields of a case, what the safeguards permit, the office, and the time of the decision.

    Without what is permitted, boosting needs many splits to find who may be given what, and the
    estimated propensities of those cases are far off.

    Args:
        fields: (n, fields) numbers, unknown as NaN.
        lightest: (n,) number of the first mix that the safeguards permit.
        offices: (n,) numbers, or None if they are not known.
        days: (n,) of the decision, or None if they are not known.

    Returns:
        Shape (n, fields + 1 to 3), days as those since the first.
    """
    columns = [fields, lightest]
    if offices is not None:
        columns.append(offices)
    if days is not None:
        columns.append((days - days.min()).astype(np.float64))
    return np.column_stack(columns)
