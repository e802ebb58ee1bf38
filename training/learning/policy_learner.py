"""The learner as a scikit-learn estimator: which of several mixes (treatments, actions) for whom.

from training import PolicyLearner
learner = PolicyLearner().fit(X, mix, outcome)
learner.predict(X), learner.predict_values(X), learner.effect(X, T0="phone", T1="office")
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import Tags, check_random_state, column_or_1d
from sklearn.utils.validation import (
    assert_all_finite,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from training.learning.arguments import array_of, check_chances, in_order
from training.learning.crossfit import FOLDS
from training.learning.learned import Learned
from training.learning.learner import LEAST_CASES, PAIRS, Watch, learn, nobody_watches
from training.learning.scores import Floats, Numbers
from training.learning.teachers import TEACHERS

_SEEDS = 2**31 - 1


class PolicyLearner(BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Learns what each mix is worth for each row, and predicts the best one.

    Takes NumPy arrays, pandas and polars; NaN is unknown. Mixes are whatever labels were logged.

    Args:
        teachers: names of the teachers that are weighed; None for all.
        monotone: (features,) 1 where a higher value may only raise the later of two mixes, else 0.
        pairs: at most so many pairs of columns may be combined.
        folds: 3 to 10 parts, each of which is judged by what was learned without it.
        calibrate: whether standard errors are calibrated, which takes about as long again.
        random_state: of folds, boosting and forests.
        n_jobs: fits at once.
        watch: told a phase's name, how many of its parts are done, and of how many.

    Attributes:
        classes_: (mixes,) the labels, sorted.
        learned_: what was learned, outcomes scaled to 0 to 1.
        weights_: of each teacher.
        outcome_range_: lowest and highest outcome seen.
    """

    def __init__(
        self,
        *,
        teachers: Sequence[str] | None = None,
        monotone: Sequence[int] | None = None,
        pairs: int = PAIRS,
        folds: int = FOLDS,
        calibrate: bool = True,
        random_state: int | np.random.RandomState | None = 0,
        n_jobs: int | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.teachers = teachers
        self.monotone = monotone
        self.pairs = pairs
        self.folds = folds
        self.calibrate = calibrate
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.watch = watch

    def __sklearn_tags__(self) -> Tags:
        """Says what it takes: unknown values in X, and a target."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        return tags

    def fit(
        self,
        X: Any,  # noqa: ANN401, N803 - a table of any kind, by scikit-learn's name
        mix: ArrayLike,
        outcome: ArrayLike,
        *,
        propensity: ArrayLike | None = None,
        confounders: Any = None,  # noqa: ANN401 - as X
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learns from logged decisions.

        Args:
            X: (n, features) of numbers.
            mix: (n,) label of the mix that each case was given.
            outcome: (n,) what came of it, of any scale; more is better.
            propensity: (n,) probability of the logged mix, 0.000001 to 1; or (n, mixes) of every
                mix, 0 where a mix could not be drawn: a table with the labels as names, or an
                array in the order of sorted labels; estimated if None.
            confounders: (n, more) columns that explain the choice of the mix but must not decide.
            groups: (n,) persons or offices whose cases stay together in folds.
            sample_weight: (n,) how often each case counts, relative to the mean: cases are drawn
                systematically, so that one of weight 2 counts twice, one of 0.5 every other time.

        Raises:
            ValueError: naming the argument, if a value cannot be learned from.
        """
        rows: Floats = validate_data(
            self, X, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=2
        )
        labels = column_or_1d(mix, warn=True)
        found = column_or_1d(outcome, dtype=np.float64, warn=True)
        assert_all_finite(found, input_name="outcome")
        check_consistent_length(rows, labels, found, propensity, confounders, groups, sample_weight)
        for name, told in (("mix", labels), ("groups", groups)):
            _refuse_unknown(name, told)
        self.classes_, numbers, counts = np.unique(labels, return_inverse=True, return_counts=True)
        for label, count in zip(self.classes_.tolist(), counts.tolist(), strict=True):
            if count < LEAST_CASES:
                needed = f"at least {LEAST_CASES} are needed, or leave them out"
                raise ValueError(f"mix: {label!r} has {count} cases; {needed}")
        self.outcome_range_ = low, high = float(found.min()), float(found.max())
        if low == high:
            raise ValueError(f"outcome: all are {low:g}; there is nothing to learn")
        if not math.isfinite(high - low):
            raise ValueError(f"outcome: {low:g} to {high:g} is wider than numbers can be; rescale")
        chances = None
        if propensity is not None:
            labelled = self.classes_.tolist()
            chances = in_order(propensity, labelled)
            check_chances(chances, numbers, labelled)

        random = check_random_state(self.random_state)
        seed = int(random.randint(_SEEDS))
        # Copies of a case stay in one fold, or it would judge itself.
        together = np.arange(len(rows)) if groups is None else column_or_1d(groups)
        taken = slice(None) if sample_weight is None else _drawn(sample_weight, random)
        left = np.bincount(numbers[taken], minlength=len(self.classes_))
        if left.min() < LEAST_CASES:
            label = self.classes_.tolist()[left.argmin()]
            told = f"leave {label!r} {left.min()} cases; at least {LEAST_CASES} are needed"
            raise ValueError(f"sample_weight: the weights {told}")
        self.learned_: Learned = learn(
            rows[taken],
            numbers[taken],
            ((found - low) / (high - low))[taken],
            propensity=None if chances is None else chances[taken],
            confounders=None if confounders is None else _matrix(confounders)[taken],
            groups=None if groups is None and sample_weight is None else together[taken],
            teachers={name: TEACHERS[name] for name in self._names()},
            monotone=self.monotone,
            pairs=self.pairs,
            folds=self.folds,
            calibrate=self.calibrate,
            seed=seed,
            jobs=self.n_jobs or 1,
            watch=self.watch or nobody_watches,
        )
        self.weights_ = self.learned_.weights
        return self

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: ANN401, N803
        """Gives the best mix of each row, shape (n,)."""
        values = self.predict_values(X)
        best: NDArray[Any] = self.classes_[values.argmax(axis=1)]
        return best

    def predict_values(self, X: Any) -> Floats:  # noqa: ANN401, N803
        """Gives what each mix is worth, in units of the outcome, shape (n, mixes)."""
        low, high = self._range()
        values: Floats = low + (high - low) * self.learned_.values(self._rows(X))
        return values

    def predict_errors(self, X: Any) -> Floats:  # noqa: ANN401, N803
        """Gives each value's standard error, in units of the outcome, shape (n, mixes)."""
        low, high = self._range()
        errors: Floats = (high - low) * self.learned_.errors(self._rows(X))
        return errors

    def effect(self, X: Any, *, T0: object, T1: object) -> Floats:  # noqa: ANN401, N803
        """Gives what mix T1 is worth over mix T0, shape (n,); named as in EconML.

        Raises:
            ValueError: if a mix was not learned.
        """
        values = self.predict_values(X)
        effects: Floats = values[:, self._number("T1", T1)] - values[:, self._number("T0", T0)]
        return effects

    def _number(self, name: str, mix: object) -> int:
        known = self.classes_.tolist()
        if mix not in known:
            raise ValueError(f"{name}: {mix!r} was not learned; known are {known}")
        return int(known.index(mix))

    def _names(self) -> list[str]:
        if isinstance(self.teachers, str):
            raise TypeError(f"teachers: {self.teachers!r} must be in a list of names")
        names = list(TEACHERS) if self.teachers is None else list(self.teachers)
        for name in names:
            if name not in TEACHERS:
                raise ValueError(f"teachers: {name!r} is none; known are {', '.join(TEACHERS)}")
        return names

    def _range(self) -> tuple[float, float]:
        check_is_fitted(self)
        return self.outcome_range_

    def _rows(self, X: Any) -> Floats:  # noqa: ANN401, N803
        check_is_fitted(self)
        rows: Floats = validate_data(
            self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False
        )
        return rows


def _refuse_unknown(name: str, labels: ArrayLike | None) -> None:
    """Refuses labels that are not known: unknown is no mix, and no person.

    Raises:
        ValueError: saying how many.
    """
    if labels is None:
        return
    unknown = sum(_is_unknown(one) for one in np.asarray(labels, object))
    if unknown:
        raise ValueError(f"{name}: {unknown} are unknown; leave those cases out")


def _is_unknown(label: object) -> bool:
    if isinstance(label, float | np.floating):
        return bool(np.isnan(label))
    # None, and what pandas has in its place.
    return label is None or repr(label) in {"<NA>", "NaT"}


def _matrix(table: Any) -> Floats:  # noqa: ANN401 - a table of any kind
    rows: Floats = array_of("confounders", table).astype(np.float64)
    return rows[:, None] if rows.ndim == 1 else rows


def _drawn(weights: ArrayLike, random: np.random.RandomState) -> Numbers:
    """Draws cases systematically: each as often as its weight, but for less than one time.

    Raises:
        ValueError: if a weight is negative or not finite, or all are 0.
    """
    given = column_or_1d(weights, dtype=np.float64)
    if not (np.isfinite(given).all() and (given >= 0).all() and given.sum() > 0):
        raise ValueError("sample_weight: must be 0 or more, finite, and not all 0")
    shares = np.cumsum(given / given.mean())
    # Half a step for equal weights: each case then once, whatever the rounding.
    offset = 0.5 if np.ptp(given) == 0 else random.uniform()
    times = np.diff(np.floor(np.concatenate([[0.0], shares]) + offset)).astype(np.int64)
    return np.repeat(np.arange(len(given)), times)
