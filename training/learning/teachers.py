"""Teachers, whom the stack weighs: add one by adding a function to `TEACHERS`.

A teacher sees rows, mixes, outcomes and doubly robust scores, and returns a function from rows (n,
features) to values (n, mixes). Only contrasts between mixes count: the stack centres values over
mixes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from training.learning.boosting import BoostingClassifier, BoostingRegressor, fit_each
from training.learning.nuisance import with_mix
from training.learning.scores import Floats, Numbers, treatment_residuals
from training.learning.splines import Splines, normal_equations

Values = Callable[[Floats], Floats]
# Rows that a tree of the forest sees: more cost much time and add little.
_FOREST_ROWS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What a teacher learns from.

    Attributes:
        rows: (n, features), unknown as NaN.
        mix: (n,) number of the logged mix.
        outcome: (n,) 0 to 1.
        scores: (n, mixes) doubly robust scores.
        outcomes: (n, mixes) cross-fitted expected outcomes mu_a(x).
        chances: (n, mixes) cross-fitted propensities e_a(x).
        seed: of anything random.
    """

    rows: Floats
    mix: Numbers
    outcome: Floats
    scores: Floats
    outcomes: Floats
    chances: Floats
    seed: int

    @property
    def mixes(self) -> int:
        """Number of mixes."""
        return int(self.scores.shape[1])

    @property
    def residual(self) -> Floats:
        """Outcome less what the logged policy would lead one to expect, Y - m(x), shape (n,)."""
        less: Floats = self.outcome - (self.chances * self.outcomes).sum(axis=1)
        return less


Teacher = Callable[[Lesson], Values]


def boosted(
    lesson: Lesson, rounds: int, leaves: int, *, learning_rate: float = 0.06, **others: object
) -> BoostingRegressor:
    """Gives a boosting with small steps and large leaves.

    Contrasts are weak and their scores noisy.
    """
    # Early stopping would by default begin at 10,000 cases: a larger log would be learned
    # otherwise.
    return BoostingRegressor(
        max_iter=rounds,
        max_leaf_nodes=leaves,
        learning_rate=learning_rate,
        min_samples_leaf=_leaf(lesson),
        early_stopping=False,
        random_state=lesson.seed,
        **others,
    )


def _leaf(lesson: Lesson) -> int:
    # A hundredth of the cases, within what is neither noise nor blur.
    return max(20, min(100, len(lesson.rows) // 100))


def _values(model: BoostingRegressor | BoostingClassifier, mixes: int) -> Values:
    return lambda rows: model.predict_each(rows, mixes)


def _each(models: list[BoostingRegressor]) -> Values:
    return lambda rows: np.column_stack([model.predict(rows) for model in models])


def s_learner(lesson: Lesson) -> Values:
    """Boosts once with the mix as a feature (S-learner; Kunzel and others 2019)."""
    model = boosted(lesson, 200, 12).fit(with_mix(lesson.rows, lesson.mix), lesson.outcome)
    return _values(model, lesson.mixes)


def residual_s_learner(lesson: Lesson) -> Values:
    """Boosts once, slowly, with the mix as a feature on Y - m(x).

    Its splits go to what differs between mixes.
    """
    model = boosted(lesson, 250, 12, learning_rate=0.03)
    model.fit(with_mix(lesson.rows, lesson.mix), lesson.residual)
    return _values(model, lesson.mixes)


def logistic_s_learner(lesson: Lesson) -> Values:
    """Boosts the log odds: any function of the features, and for each one of it and the mix.

    Effects that add up on the log odds differ in probability between weak and strong cases, as
    published ones do.
    """
    # By its number: values that knew the lesson would keep all its cases for as long as they live.
    mix, mixes = lesson.rows.shape[1], lesson.mixes
    model = BoostingClassifier(
        max_iter=250,
        max_leaf_nodes=8,
        learning_rate=0.06,
        min_samples_leaf=_leaf(lesson),
        interaction_cst=[set(range(mix)), *({column, mix} for column in range(mix))],
        early_stopping=False,
        random_state=lesson.seed,
    )

    # An outcome between 0 and 1 counts as both, by weight.
    inputs = np.tile(with_mix(lesson.rows, lesson.mix), (2, 1))
    weight = np.append(lesson.outcome, 1 - lesson.outcome)
    reached, counted = np.repeat([1, 0], len(lesson.rows)), weight > 0
    if len(np.unique(reached[counted])) < 2:
        # Everybody reached the goal, or nobody did.
        return lambda rows: np.zeros((len(rows), mixes))

    model.fit(inputs[counted], reached[counted], weight[counted])
    return _values(model, mixes)


def additive_s_learner(lesson: Lesson) -> Values:
    """Boosts as an S-learner that may combine the mix with one feature at a time."""
    mix = lesson.rows.shape[1]
    # The mix stays a number: naming categories reorders the columns under the constraint.
    pairs = [{column, mix} for column in range(mix)]
    model = boosted(lesson, 300, 8, interaction_cst=pairs)
    return _values(model.fit(with_mix(lesson.rows, lesson.mix), lesson.outcome), lesson.mixes)


def x_learner(lesson: Lesson) -> Values:
    """Imputes contrasts to mu_0 in both directions, one boosting a mix.

    D_ia = Y_i - mu_0(x_i) where A_i = a;
           mu_a(x_i) - Y_i where A_i = 0;
           mu_a(x_i) - mu_0(x_i) elsewhere

    Source: Kunzel and others 2019 (X-learner).
    """
    mu = lesson.outcomes

    def effect(number: int) -> Floats:
        found = mu[:, number] - mu[:, 0]
        found = np.where(lesson.mix == number, lesson.outcome - mu[:, 0], found)
        return np.where(lesson.mix == 0, mu[:, number] - lesson.outcome, found)

    effects = (effect(number) for number in range(1, lesson.mixes))
    contrasts = _each(fit_each(lambda: boosted(lesson, 80, 8), lesson.rows, effects))
    return lambda rows: np.column_stack([np.zeros(len(rows)), contrasts(rows)])


def _centred(lesson: Lesson) -> Floats:
    centred: Floats = lesson.scores - lesson.scores.mean(axis=1, keepdims=True)
    return centred


def dr_boosted(lesson: Lesson) -> Values:
    """Boosts mix-centred doubly robust scores (DR-learner; Kennedy 2023)."""
    return _each(fit_each(lambda: boosted(lesson, 60, 6), lesson.rows, _centred(lesson).T))


def r_spline(lesson: Lesson) -> Values:
    """Fits a ridge over cubic splines of each feature, on the R-loss for many arms.

    Each mix has coefficients of its own.

        min over c of sum_i (Y_i - m(x_i) - sum_a (1{A_i = a} - e_a(x_i)) c_a . b(x_i))^2 + penalty
        |c|^2

    The penalty is that with the least generalised cross-validation error.

    Source: Nie and Wager 2021; Golub, Heath and Wahba 1979.
    """
    splines = Splines(lesson.rows)
    gram, right = normal_equations(
        splines, lesson.rows, treatment_residuals(lesson.chances, lesson.mix), lesson.residual
    )

    coefficients = _ridge(gram, right, lesson.residual).reshape(lesson.mixes, -1)
    return lambda rows: splines.basis(rows) @ coefficients.T


def _ridge(gram: Floats, right: Floats, target: Floats) -> Floats:
    """Solves the normal equations by the ridge of least generalised cross-validation error."""
    n, total = len(target), float(target @ target)
    # One decomposition serves all penalties.
    eigenvalues, vectors = np.linalg.eigh(gram)
    eigenvalues, turned = np.maximum(eigenvalues, 0), vectors.T @ right

    best, found = np.inf, np.zeros_like(right)
    for penalty in np.logspace(0, 5, 16):
        shrunk = turned / (eigenvalues + penalty)
        left_over = total - 2 * float(shrunk @ turned) + float((shrunk * shrunk) @ eigenvalues)
        freedom = float((eigenvalues / (eigenvalues + penalty)).sum())
        error = left_over / (1 - freedom / n) ** 2 if freedom < n else np.inf
        if error < best:
            best, found = error, vectors @ shrunk
    return found


def dr_forest(lesson: Lesson) -> Values:
    """Grows a forest over all mix-centred doubly robust scores at once."""
    # Half of the cases at most: trees that saw different ones err differently.
    drawn = min(len(lesson.rows) // 2, _FOREST_ROWS)
    forest = RandomForestRegressor(
        100,
        min_samples_leaf=max(20, drawn // 75),
        max_features=0.5,
        max_samples=drawn,
        random_state=lesson.seed,
    )
    filled = make_pipeline(SimpleImputer(keep_empty_features=True), forest)
    fitted: Values = filled.fit(lesson.rows, _centred(lesson)).predict
    return fitted


TEACHERS: dict[str, Teacher] = {
    "s_learner": s_learner,
    "residual_s_learner": residual_s_learner,
    "logistic_s_learner": logistic_s_learner,
    "additive_s_learner": additive_s_learner,
    "x_learner": x_learner,
    "dr_boosted": dr_boosted,
    "r_spline": r_spline,
    "dr_forest": dr_forest,
}
