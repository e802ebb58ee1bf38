"""Teachers: the library of value learners that the stack weighs. Add one by adding a function to `TEACHERS`.

A teacher sees rows, mixes, outcomes and doubly robust scores, and returns a function from rows (n, features) to
values (n, mixes). Only contrasts between mixes count: the stack centres values over mixes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler

from training.scores import Floats, Numbers

Values = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What a teacher learns from.

    Attributes:
        rows: (n, features), unknown as NaN.
        mix: (n,) number of the logged mix.
        outcome: (n,) 0 to 1.
        scores: (n, mixes) doubly robust scores.
        outcomes: (n, mixes) cross-fitted expected outcomes mu_a(x).
        seed: of anything random.
    """

    rows: Floats
    mix: Numbers
    outcome: Floats
    scores: Floats
    outcomes: Floats
    seed: int

    @property
    def mixes(self) -> int:
        """Number of mixes."""
        return int(self.scores.shape[1])


Teacher = Callable[[Lesson], Values]


def boosted(lesson: Lesson, rounds: int, leaves: int, **others: object) -> HistGradientBoostingRegressor:
    """A boosting with small steps and large leaves: contrasts are weak and their scores noisy."""
    return HistGradientBoostingRegressor(
        max_iter=rounds,
        max_leaf_nodes=leaves,
        learning_rate=0.06,
        min_samples_leaf=max(20, min(100, len(lesson.rows) // 100)),
        early_stopping=False,
        random_state=lesson.seed,
        **others,
    )


def _with_mix(rows: Floats, mix: Numbers | int) -> Floats:
    return np.column_stack([rows, np.broadcast_to(mix, len(rows))])


def _of_every_mix(model: RegressorMixin, mixes: int) -> Values:
    return lambda rows: np.column_stack([model.predict(_with_mix(rows, number)) for number in range(mixes)])


def _each(models: list[RegressorMixin]) -> Values:
    return lambda rows: np.column_stack([model.predict(rows) for model in models])


def constant(lesson: Lesson) -> Values:
    """The mean score of each mix: the best single mix for all. What the stack shrinks to if effects do not vary."""
    means = lesson.scores.mean(axis=0)
    return lambda rows: np.tile(means, (len(rows), 1))


def s_learner(lesson: Lesson) -> Values:
    """One boosting with the mix as a feature (S-learner; Kunzel and others 2019)."""
    model = boosted(lesson, 200, 12).fit(_with_mix(lesson.rows, lesson.mix), lesson.outcome)
    return _of_every_mix(model, lesson.mixes)


def additive_s_learner(lesson: Lesson) -> Values:
    """An S-learner that may combine the mix with one feature at a time."""
    mix = lesson.rows.shape[1]
    # The mix stays a number: naming categories reorders the columns under the constraint.
    pairs = [{column, mix} for column in range(mix)]
    model = boosted(lesson, 300, 8, interaction_cst=pairs)
    return _of_every_mix(model.fit(_with_mix(lesson.rows, lesson.mix), lesson.outcome), lesson.mixes)


def t_learner(lesson: Lesson) -> Values:
    """One boosting for the cases of each mix (T-learner)."""
    models = []
    for number in range(lesson.mixes):
        own = lesson.mix == number
        models.append(boosted(lesson, 100, 8).fit(lesson.rows[own], lesson.outcome[own]))
    return _each(models)


def x_learner(lesson: Lesson) -> Values:
    """Contrasts to mu_0 imputed in both directions, one boosting a mix (X-learner; Kunzel and others 2019).

    D_ia = Y_i - mu_0(x_i) where A_i = a;  mu_a(x_i) - Y_i where A_i = 0;  mu_a(x_i) - mu_0(x_i) elsewhere
    """
    mu = lesson.outcomes
    models = []
    for number in range(1, lesson.mixes):
        effect = mu[:, number] - mu[:, 0]
        effect = np.where(lesson.mix == number, lesson.outcome - mu[:, 0], effect)
        effect = np.where(lesson.mix == 0, mu[:, number] - lesson.outcome, effect)
        models.append(boosted(lesson, 80, 8).fit(lesson.rows, effect))
    contrasts = _each(models)
    return lambda rows: np.column_stack([np.zeros(len(rows)), contrasts(rows)])


def _centred(lesson: Lesson) -> Floats:
    centred: Floats = lesson.scores - lesson.scores.mean(axis=1, keepdims=True)
    return centred


def dr_boosted(lesson: Lesson) -> Values:
    """Boosting on mix-centred doubly robust scores (DR-learner; Kennedy 2023)."""
    centred = _centred(lesson)
    return _each([boosted(lesson, 60, 6).fit(lesson.rows, centred[:, number]) for number in range(lesson.mixes)])


def dr_linear(lesson: Lesson) -> Values:
    """Ridge on mix-centred doubly robust scores."""
    model = make_pipeline(SimpleImputer(), StandardScaler(), RidgeCV(np.logspace(0, 5, 11)))
    return model.fit(lesson.rows, _centred(lesson)).predict  # type: ignore[no-any-return]


def dr_spline(lesson: Lesson) -> Values:
    """Ridge over cubic splines of each feature on mix-centred doubly robust scores."""
    splines = SplineTransformer(n_knots=6, extrapolation="constant")
    model = make_pipeline(SimpleImputer(), splines, StandardScaler(), RidgeCV(np.logspace(0, 5, 11)))
    return model.fit(lesson.rows, _centred(lesson)).predict  # type: ignore[no-any-return]


def dr_forest(lesson: Lesson) -> Values:
    """A forest over all mix-centred doubly robust scores at once."""
    forest = RandomForestRegressor(
        200, min_samples_leaf=max(20, len(lesson.rows) // 150), max_features=0.5, max_samples=0.5,
        random_state=lesson.seed,
    )  # fmt: skip
    return make_pipeline(SimpleImputer(), forest).fit(lesson.rows, _centred(lesson)).predict  # type: ignore[no-any-return]


TEACHERS: dict[str, Teacher] = {
    "constant": constant,
    "s_learner": s_learner,
    "additive_s_learner": additive_s_learner,
    "t_learner": t_learner,
    "x_learner": x_learner,
    "dr_boosted": dr_boosted,
    "dr_linear": dr_linear,
    "dr_spline": dr_spline,
    "dr_forest": dr_forest,
}
