"""Does a policy made elsewhere know the outcomes that it is measured by?

One that gives what was logged wherever that went well looks splendid by every estimator.
"""

from __future__ import annotations

import numpy as np

from training.evaluation.estimators import estimate
from training.evaluation.figures import Suspicion
from training.learning.crossfit import Nuisances
from training.learning.nuisance import outcome_matrix
from training.learning.scores import Floats, Numbers

MOST_ERRORS = 4.0
"""Standard errors from nothing: of policies that know no outcome, one in thirty thousand."""
MOST_CORRELATED = 0.02
"""In many cases less is seen too, which models that are not perfect leave over."""


def peeks(
    agreement: Floats,
    inputs: Floats,
    mix: Numbers,
    outcome: Floats,
    fitted: Nuisances,
    cluster: Numbers | None,
    *,
    seed: int,
) -> tuple[Suspicion, ...]:
    """Suspects a policy that agrees with the log where the outcome was good, beyond all fields.

    What fields, office, day and mix explain is taken off both, the agreement and the outcome; what
    is left of the two has no correlation if the policy was made without the outcomes. An error in
    one of both models does no harm.

    Args:
        agreement: (n,) chance with which the policy gives the mix that was logged.
        inputs: (n, features) that both may be explained by.
        mix: (n,) logged mixes.
        outcome: (n,) 0 to 1.
        fitted: nuisances of the cases.
        cluster: (n, ways) numbers of what each case belongs to, or None.
        seed: of the boosting.

    Source: Shah, Peters 2020 (generalised covariance measure).
    """
    each, mixes = np.arange(len(mix)), fitted.mu.shape[1]
    likely = outcome_matrix(inputs, mix, agreement, mixes, fitted.fold, seed)[each, mix]
    left, rest = agreement - likely, outcome - fitted.mu[each, mix]
    spread = float(left.std() * rest.std())
    if not spread:
        return ()
    found = estimate(left * rest, cluster)
    correlation = found.value / spread
    if found.value <= MOST_ERRORS * found.error or correlation <= MOST_CORRELATED:
        return ()
    return (
        Suspicion(
            kind="peeks",
            column="of the policy",
            problem="agrees with the logged mix where the outcome was good, beyond what all fields "
            f"explain: correlation {correlation:.2f}, {found.value / found.error:.1f} standard "
            f"errors; at most {MOST_CORRELATED:g}, or {MOST_ERRORS:g} standard errors, are likely "
            "of one that does not know the outcomes",
            fix="make it from what is known when a mix is chosen, and learn it on other cases than "
            "those held out",
        ),
    )
