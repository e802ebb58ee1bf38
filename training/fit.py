"""From logged cases to tables: cross-fitted nuisances, doubly robust scores, one additive student a fold."""

from __future__ import annotations

import numpy as np
from joblib import Parallel, delayed

from router.features import FEATURES
from training.artefact import Fitted
from training.compile import compile_tables
from training.dataset import LoggedCases
from training.scores import doubly_robust, folds_of, outcomes, propensities
from training.student import Encoding, fit_student

FOLDS = 5


def fit(cases: LoggedCases, mixes: int, *, seed: int, synthetic: bool, jobs: int = 1) -> Fitted:
    """Fits a model. Equal arguments give equal tables, to the byte.

    Args:
        cases: the logged cases.
        mixes: number of mixes in the catalogue.
        seed: of folds and boosting.
        synthetic: whether the cases are.
        jobs: folds fitted at once.

    Raises:
        NotAdditive: if the tables do not reproduce the students.
    """
    fold = folds_of(len(cases.rows), FOLDS, seed)
    # Safeguard and office fields may enter the nuisances, which they confound; never the students.
    everything = np.where(cases.rows == 0, np.nan, cases.rows.astype(np.float64))
    known = cases.propensity
    chance = known if known is not None else propensities(everything, cases.mix, mixes, fold, seed)
    mu = outcomes(everything, cases.mix, cases.outcome, mixes, fold, seed)
    scores = doubly_robust(mu, cases.mix, cases.outcome, chance)
    encoding = Encoding(features=FEATURES)
    inputs = encoding.inputs(cases.rows)
    students = Parallel(n_jobs=jobs, prefer="threads")(
        delayed(fit_student)(inputs[fold != held], scores[fold != held], encoding, seed) for held in range(FOLDS)
    )
    tables, parity = compile_tables(students, encoding, cases.rows)
    return Fitted(tables=tables, students=students, parity=parity, seed=seed, synthetic=synthetic)
