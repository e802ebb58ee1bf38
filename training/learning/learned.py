"""What was learned: values, their standard errors, and minutes, for any rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import reduce

import numpy as np
from numpy.typing import ArrayLike

from training.learning.arguments import array_of
from training.learning.distil import Distilled
from training.learning.minutes import MinutesModel
from training.learning.prior import Joined
from training.learning.scores import Floats, Numbers
from training.learning.teachers import Values


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What was learned.

    Attributes:
        students: one a fold.
        stacks: one a fold: the weighted teachers the students were distilled from.
        plausible_stacks: one a fold: the same, with effects that vary as much as they seem to.
        weights: of each teacher in the stack, 0 or more, mean over mixes.
        scores: (n, mixes) doubly robust scores of the logged cases, clipped for learning.
        chances: (n, mixes) propensity of every mix.
        fold: (n,) fold of each logged case; its student and stack never saw the case's outcome.
        pairs: pairs of columns that the students combine.
        seconds: how long each phase took.
        error_scale: what the folds' spread is multiplied with.
        minutes_model: what each mix takes, or None.
        joined: how a prior and the log were joined, or None without one.
    """

    students: tuple[Distilled, ...]
    stacks: tuple[Values, ...]
    plausible_stacks: tuple[Values, ...]
    weights: dict[str, float]
    scores: Floats
    chances: Floats
    fold: Numbers
    pairs: tuple[tuple[int, int], ...]
    seconds: dict[str, float] = field(default_factory=dict)
    error_scale: float = 1.0
    minutes_model: MinutesModel | None = None
    joined: Joined | None = None

    def fold_values(self, rows: Floats) -> Floats:
        """Gives each mix's value by each fold's student, outcome units, shape (n, mixes, folds).

        Args:
            rows: (n, features), unknown as NaN; arrays, or tables of pandas and polars.

        Raises:
            ValueError: if they are not so many columns of numbers.
        """
        rows = self._rows(rows)
        return np.stack([student.values(rows) for student in self.students], axis=-1)

    def values(self, rows: Floats) -> Floats:
        """Gives the value of each mix, in units of the outcome, shape (n, mixes).

        Args:
            rows: (n, features), unknown as NaN; arrays, or tables of pandas and polars.

        Raises:
            ValueError: if they are not so many columns of numbers.
        """
        values: Floats = self.fold_values(rows).mean(axis=2)
        return values

    def errors(self, rows: Floats) -> Floats:
        """Gives each value's standard error, shape (n, mixes): the folds' jackknife, scaled.

        scale * sqrt((F - 1) / F * sum_f (v_f - v)^2)

        Raises:
            ValueError: as `values`.
        """
        return self.error_scale * jackknife(self.fold_values(rows))

    def __getstate__(self) -> dict[str, object]:
        """Leaves out the stacks when stored: they are functions, which cannot be."""
        return {**self.__dict__, "stacks": (), "plausible_stacks": ()}

    def taught(self, rows: Floats) -> Floats:
        """Gives each mix's value by the stack, before distillation, centred, shape (n, mixes).

        Raises:
            ValueError: as `values`; or if it was stored and read again, which leaves the stacks
                out.
        """
        return _mean(self.stacks, self._rows(rows))

    def plausible(self, rows: Floats) -> Floats:
        """Gives values as `taught`, with effects that vary as much as they seem to.

        Errors are calibrated on them.

        Raises:
            ValueError: as `taught`.
        """
        return _mean(self.plausible_stacks, self._rows(rows))

    def minutes(self, rows: Floats, catalogue: Floats) -> Floats:
        """Gives the adviser minutes that each mix takes, shape (n, mixes).

        Those of the catalogue, shape (mixes,), where too few are known.

        Raises:
            ValueError: as `values`; or if nothing was learned of minutes.
        """
        if self.minutes_model is None:
            raise ValueError("minutes: none were given to learn from")
        return self.minutes_model.minutes(self._rows(rows), catalogue)

    def _rows(self, given: ArrayLike) -> Floats:
        """Takes rows as arrays; what is inside would name itself where they are wrong.

        Raises:
            ValueError: if they are not so many columns of numbers.
        """
        rows: Floats = array_of("rows", given)
        features = self.students[0].features
        if rows.ndim != 2 or rows.shape[1] != features:
            bound = f"(cases, {features}), the columns that were learned from"
            raise ValueError(f"rows: shape {rows.shape}, must be {bound}")
        if np.isinf(rows).any():
            raise ValueError("rows: must be finite, or NaN where unknown")
        return rows

    def with_error_scale(self, scale: float) -> Learned:
        """Gives the same with another scale of errors."""
        return replace(self, error_scale=scale)

    def with_minutes(self, model: MinutesModel) -> Learned:
        """Gives the same with a model of minutes."""
        return replace(self, minutes_model=model)


def _mean(stacks: tuple[Values, ...], rows: Floats) -> Floats:
    if not stacks:
        raise ValueError("stacks: were not stored with what was learned; learn again")
    # Added up one after the other: together they would be held twice.
    values: Floats = reduce(np.add, (stack(rows) for stack in stacks)) / len(stacks)
    return values


def jackknife(fold_values: Floats) -> Floats:
    """Gives the delete-a-group jackknife standard error over the last axis.

    sqrt((F - 1) / F * sum_f (v_f - mean)^2)
    """
    folds = fold_values.shape[-1]
    spread = fold_values - fold_values.mean(axis=-1, keepdims=True)
    errors: Floats = np.sqrt((folds - 1) / folds * (spread * spread).sum(axis=-1))
    return errors
