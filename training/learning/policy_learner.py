"""The learner as a scikit-learn estimator: which of several mixes (treatments, actions) for whom.

from training import PolicyLearner
learner = PolicyLearner().fit(X, mix, outcome)
learner.predict(X), learner.predict_values(X), learner.effect(X, T0="phone", T1="office")
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import Tags, check_random_state, column_or_1d
from sklearn.utils.validation import assert_all_finite, check_is_fitted, validate_data

from training.learning.arguments import (
    array_of,
    check_chances,
    check_jobs,
    check_labels,
    check_shape_of_chances,
    column_of,
    in_order,
    labels_of,
    refuse_texts,
)
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
                systematically, so that one of twice the mean counts twice, one of half of it every
                other time. Cases of weight 0 are as if they were not there, and not of the mean.

        Raises:
            ValueError: naming the argument, if a value cannot be learned from.
            TypeError: naming the argument, if it is of a kind that cannot be.
        """
        teachers, random = self._names(), self._options()
        rows = self._rows(X, fitting=True)
        cases = len(rows)
        kept, weights = _weighed(sample_weight, cases)
        rows = rows[kept]
        assert_all_finite(rows, allow_nan=True, input_name="X")
        labels = column_or_1d(labels_of("mix", mix, cases), warn=True)[kept]
        check_labels("mix", labels)
        found = column_of("outcome", outcome, cases, "finite numbers").astype(np.float64)
        found = column_or_1d(found, warn=True)[kept]
        assert_all_finite(found, input_name="outcome")

        self.classes_, numbers, counts = np.unique(labels, return_inverse=True, return_counts=True)
        above = "" if sample_weight is None else " of a weight above 0"
        for label, count in zip(self.classes_.tolist(), counts.tolist(), strict=True):
            if count < LEAST_CASES:
                needed = f"at least {LEAST_CASES} are needed, or leave them out"
                raise ValueError(f"mix: {label!r} has {count} cases{above}; {needed}")
        if len(counts) < 2:
            told = f"all cases{above} have {self.classes_.tolist()[0]!r}"
            raise ValueError(f"mix: {told}; at least two mixes are needed to compare")
        chances = None
        if propensity is not None:
            labelled = self.classes_.tolist()
            chances = in_order(propensity, labelled)
            check_shape_of_chances(chances, cases, len(labelled))
            chances = chances[kept]
            check_chances(chances, numbers, labelled)
        others = None if confounders is None else _matrix(confounders, cases)[kept]
        together = None
        if groups is not None:
            together = column_or_1d(labels_of("groups", groups, cases))[kept]
            check_labels("groups", together)

        seed = int(random.randint(_SEEDS))
        taken: Numbers | slice = slice(None)
        if weights is not None:
            taken = _drawn(weights, random)
            # Copies of a case stay in one fold, or it would judge itself.
            together = np.arange(len(rows)) if together is None else together
        left = np.bincount(numbers[taken], minlength=len(self.classes_))
        if left.min() < LEAST_CASES:
            label = self.classes_.tolist()[left.argmin()]
            told = f"leave {label!r} {left.min()} cases; at least {LEAST_CASES} are needed"
            raise ValueError(f"sample_weight: the weights {told}")
        # Of those drawn: what is not learned from must not say how wide outcomes are.
        found = found[taken]
        self.outcome_range_ = low, high = float(found.min()), float(found.max())
        if low == high:
            raise ValueError(f"outcome: all are {low:g}; there is nothing to learn")
        if not math.isfinite(high - low):
            raise ValueError(f"outcome: {low:g} to {high:g} is wider than numbers can be; rescale")
        self.learned_: Learned = learn(
            rows[taken],
            numbers[taken],
            (found - low) / (high - low),
            propensity=None if chances is None else chances[taken],
            confounders=None if others is None else others[taken],
            groups=None if together is None else together[taken],
            teachers={name: TEACHERS[name] for name in teachers},
            monotone=self.monotone,
            pairs=self.pairs,
            folds=self.folds,
            calibrate=self.calibrate,
            seed=seed,
            jobs=1 if self.n_jobs is None else self.n_jobs,
            watch=nobody_watches if self.watch is None else self.watch,
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

        Args:
            X: n cases, as for `predict`.
            T0: the mix compared with: one for all, or (n,) one for each case.
            T1: the mix, likewise.

        Raises:
            ValueError: if a mix was not learned, or there is not one for each case.
        """
        values = self.predict_values(X)
        each = np.arange(len(values))
        mixes = self._numbers("T1", T1, len(values)), self._numbers("T0", T0, len(values))
        effects: Floats = values[each, mixes[0]] - values[each, mixes[1]]
        return effects

    def _numbers(self, name: str, mix: object, cases: int) -> Numbers:
        """Gives the numbers of mixes, one for all or one for each case.

        Raises:
            ValueError: if one was not learned, or there is not one for each case.
        """
        given = np.asarray(mix)
        if given.ndim and given.shape != (cases,):
            raise ValueError(
                f"{name}: has shape {given.shape}; give one mix, or one for each of {cases} cases"
            )
        known = self.classes_.tolist()
        for one in dict.fromkeys(given.reshape(-1).tolist()):
            if one not in known:
                raise ValueError(f"{name}: {one!r} was not learned; known are {known}")
        numbers: Numbers = np.searchsorted(self.classes_, given)
        return numbers

    def _names(self) -> list[str]:
        names = list(TEACHERS)
        if self.teachers is not None:
            if isinstance(self.teachers, str) or not isinstance(self.teachers, Iterable):
                raise TypeError(f"teachers: {self.teachers!r} must be in a list of names")
            names = list(self.teachers)
        for name in names:
            if not isinstance(name, str) or name not in TEACHERS:
                raise ValueError(f"teachers: {name!r} is none; known are {', '.join(TEACHERS)}")
        return names

    def _options(self) -> np.random.RandomState:
        """Checks what `learn` has by another name, before anything is read.

        Returns:
            What draws numbers.

        Raises:
            ValueError: naming the option and its bound.
            TypeError: if it is of a kind that cannot be.
        """
        if self.n_jobs is not None:
            check_jobs("n_jobs", self.n_jobs)
        if self.watch is not None and not callable(self.watch):
            raise TypeError(f"watch: {self.watch!r} must be a function of phase, parts done and of")
        try:
            random: np.random.RandomState = check_random_state(self.random_state)
        except ValueError as problem:
            bound = "a whole number, 0 to 4294967295, a RandomState or None"
            raise ValueError(f"random_state: {self.random_state!r}, must be {bound}") from problem
        return random

    def _range(self) -> tuple[float, float]:
        check_is_fitted(self)
        return self.outcome_range_

    def _rows(self, X: Any, *, fitting: bool = False) -> Floats:  # noqa: ANN401, N803
        """Takes X as an array; to fit, infinite numbers are for the caller to look for.

        Raises:
            ValueError: naming X, if it is not what can be learned from or was learned from.
            TypeError: if it is no table of numbers.
        """
        if not fitting:
            check_is_fitted(self)
        finite = {"ensure_all_finite": False, "ensure_min_samples": 2} if fitting else {}
        options = {"dtype": np.float64, "ensure_all_finite": "allow-nan"} | finite
        try:
            rows: Floats = validate_data(self, X, reset=fitting, **options)
        except (TypeError, ValueError) as problem:
            refuse_texts("X", X)
            if re.search(r"\bX\b", str(problem)):
                raise
            # scikit-learn names what it read only in some of its messages.
            raise type(problem)(f"X: {problem}") from problem
        return rows


def _matrix(table: Any, cases: int) -> Floats:  # noqa: ANN401 - a table of any kind
    rows: Floats = array_of("confounders", table).astype(np.float64)
    rows = rows[:, None] if rows.ndim == 1 else rows
    if rows.ndim != 2 or len(rows) != cases:
        raise ValueError(f"confounders: shape {rows.shape}, must be ({cases}, columns)")
    return rows


def _weighed(weights: ArrayLike | None, cases: int) -> tuple[Numbers | slice, Floats | None]:
    """Gives which cases have a weight above 0, and their weights; None where all are equal.

    Raises:
        ValueError: if a weight is negative or not finite, all are 0, or there is not one a case.
    """
    if weights is None:
        return slice(None), None
    bound = "0 or more, finite, and not all 0"
    given = column_of("sample_weight", weights, cases, f"numbers, {bound}")
    given = given.reshape(-1).astype(np.float64)
    if not (np.isfinite(given).all() and (given >= 0).all() and given.sum() > 0):
        raise ValueError(f"sample_weight: must be {bound}")
    kept = np.flatnonzero(given)
    # Equal ones count each case once, as none do.
    return kept, None if np.ptp(given[kept]) == 0 else given[kept]


def _drawn(weights: Floats, random: np.random.RandomState) -> Numbers:
    """Draws cases systematically: each as often as its weight, but for less than one time."""
    shares = np.cumsum(weights / weights.mean())
    offset = random.uniform()
    times = np.diff(np.floor(np.concatenate([[0.0], shares]) + offset)).astype(np.int64)
    return np.repeat(np.arange(len(weights)), times)
