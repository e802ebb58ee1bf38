"""Learns what each mix is worth from logged decisions: any rows, mixes, outcomes.

from training import learn
learned = learn(X, mix, outcome)
best = learned.values(X).argmax(axis=1)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from itertools import product
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from training.learning.arguments import (
    array_of,
    check_chances,
    check_jobs,
    check_labels,
    check_length,
    check_whole,
    check_yes_or_no,
    in_order,
    labels_of,
)
from training.learning.at_once import AtOnce, in_threads
from training.learning.crossfit import FOLDS, NestedNuisances, cross_fit_nested
from training.learning.distil import Coarse, Distilled, distil, strongest_pairs
from training.learning.error_scale import error_scale
from training.learning.learned import Learned
from training.learning.minutes import learn_minutes
from training.learning.prior import Prior
from training.learning.scores import Floats, Numbers
from training.learning.stack import centred, in_parts, stacked
from training.learning.teachers import TEACHERS, Lesson, Teacher, Values
from training.learning.weigh import weigh

# Each is one more look-up in every decision, and cells that few cases have (ADR 8).
PAIRS = 4
# What a judge of one fold may know of another is learned without both, so at least one is left;
# every two are one more fit of the outcomes: 45 at ten.
LEAST_FOLDS, MOST_FOLDS = 3, 10
_LAST_SEED = 2**32 - 2
"""One more is drawn with in the calibration, and that is the last that scikit-learn takes."""
LEAST_CASES = 2 * FOLDS
"""Of a mix: fewer could not be learned from without some fold. They say next to nothing still."""

T = TypeVar("T")
Watch = Callable[[str, int, int], None]
"""Is told a phase's name, how many of its parts are done, and of how many."""


def nobody_watches(phase: str, done: int, of: int) -> None:
    """Takes no notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What is learned from, and how: all that calls need, which may be made elsewhere."""

    rows: Floats
    mix: Numbers
    outcome: Floats
    mixes: int
    everything: Floats
    propensity: Floats | None
    groups: Numbers | None
    teachers: Mapping[str, Teacher]
    monotone: Sequence[int] | None
    pairs: int
    folds: int
    seed: int
    prior: Prior | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Making:
    """Who makes calls, and who is told how far they are."""

    at_once: AtOnce
    watch: Watch
    seconds: dict[str, float] = field(default_factory=dict)

    def each(self, phase: str, calls: Iterable[Callable[[], T]]) -> list[T]:
        """Makes the calls, several at once, and tells how far they are."""
        calls, found = list(calls), list[T]()
        with self._timed(phase):
            self.watch(phase, 0, len(calls))
            for one in self.at_once(calls):
                found.append(one)
                self.watch(phase, len(found), len(calls))
        return found

    def once(self, phase: str, call: Callable[[], T]) -> T:
        """Makes one call here, and tells when it is done."""
        with self._timed(phase):
            self.watch(phase, 0, 1)
            found = call()
            self.watch(phase, 1, 1)
        return found

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - began


def learn(
    rows: ArrayLike,
    mix: ArrayLike,
    outcome: ArrayLike,
    minutes: ArrayLike | None = None,
    propensity: ArrayLike | None = None,
    *,
    confounders: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    teachers: Mapping[str, Teacher] = TEACHERS,
    monotone: Sequence[int] | None = None,
    pairs: int = PAIRS,
    prior: Prior | None = None,
    nuisances: NestedNuisances | None = None,
    calibrate: bool = True,
    folds: int = FOLDS,
    seed: int = 0,
    jobs: int = 1,
    at_once: AtOnce | None = None,
    watch: Watch = nobody_watches,
) -> Learned:
    """Learns the value of every mix. Equal arguments give equal values, to the byte.

    Takes NumPy arrays, and tables and columns of pandas and polars.

    Args:
        rows: (n, features), unknown as NaN.
        mix: (n,) number of the logged mix, 0 to K-1, each of at least 10 cases; whole numbers of
            any type, or False and True.
        outcome: (n,) 0 to 1.
        minutes: (n,) adviser minutes that the logged mix took, 0 or more, unknown as NaN; None if
            none are known.
        propensity: (n,) logged probability of the logged mix, 0.000001 to 1; or (n, K) of every
            mix, 0 where a mix could not be drawn, in the order of mixes or, of a table with names,
            by the mixes' numbers as names; estimated if None.
        confounders: (n, more) columns for the nuisances only: they confound, but must not decide.
        groups: (n,) persons or offices, whose cases stay together in folds.
        teachers: by name.
        monotone: (features,) 1 where a higher value may only raise the later of two mixes, else 0.
        pairs: at most so many pairs of columns may be combined by the students.
        prior: what is known of the mixes before the log is seen; believed as far as the log bears
            it out.
        nuisances: of these cases, where they were learned before, as to compare what follows.
        calibrate: whether standard errors are calibrated, which takes about as long again
            (`error_scale`).
        folds: parts of the cases, 3 to 10: each is learned without in turn, so fewer are quicker,
            and learn from fewer cases.
        seed: of folds, boosting and forests.
        jobs: fits at once, in threads of this process.
        at_once: makes the fits in their place, such as on other machines.
        watch: told a phase's name, how many of its parts are done, and of how many.

    Raises:
        ValueError: naming the argument, if lengths differ or a value is outside its bound.
        TypeError: if `calibrate` is neither True nor False.
    """
    rows, mix = array_of("rows", rows), _mixes(mix)
    outcome = array_of("outcome", outcome, "numbers, 0 to 1")
    minutes, confounders = (
        None if given is None else array_of(name, given)
        for name, given in (("minutes", minutes), ("confounders", confounders))
    )
    _check(rows, mix, outcome, minutes)
    if propensity is not None:
        propensity = in_order(propensity, range(int(mix.max()) + 1))
        check_chances(propensity, mix, range(int(mix.max()) + 1))
    if groups is not None:
        groups = labels_of("groups", groups, len(rows)).reshape(-1)
        check_labels("groups", groups)
        groups = np.unique(groups, return_inverse=True)[1]
        if groups.max() + 1 < LEAST_CASES:
            raise ValueError(f"groups: are {groups.max() + 1}; at least {LEAST_CASES} are needed")
    _check_confounders(rows, confounders)
    _check_teachers(teachers)
    _check_monotone(monotone, rows.shape[1])
    check_whole("pairs", pairs, 0)
    check_whole("folds", folds, LEAST_FOLDS, MOST_FOLDS)
    check_whole("seed", seed, 0, _LAST_SEED)
    check_jobs("jobs", jobs)
    check_yes_or_no("calibrate", calibrate)
    everything = rows if confounders is None else np.column_stack([rows, confounders])

    task = _Task(
        rows=rows,
        mix=mix,
        outcome=outcome,
        mixes=int(mix.max()) + 1,
        everything=everything,
        propensity=propensity,
        groups=groups,
        teachers=teachers,
        monotone=monotone,
        pairs=pairs,
        folds=folds,
        seed=seed,
        prior=prior,
    )
    making = _Making(at_once=at_once or in_threads(jobs), watch=watch)

    learned = _learn(task, making, nuisances)
    if minutes is not None:
        model = making.once("minutes", lambda: learn_minutes(rows, mix, minutes, task.mixes, seed))
        learned = learned.with_minutes(model)
    if calibrate:
        learned = learned.with_error_scale(_calibrated(task, making, learned))
    return learned


def _learn(task: _Task, making: _Making, nuisances: NestedNuisances | None = None) -> Learned:
    if nuisances is None:
        nuisances = making.once("nuisances", lambda: _nuisances(task, making.at_once))
    fold, chances, mean = nuisances.fold, nuisances.chances, nuisances.mean
    taught = _all_taught(task, making, nuisances)
    scores = nuisances.scores(nuisances.mu, task.mix, task.outcome)

    # A number for each case, mix and fold, gone before there is one for each teacher too.
    del nuisances
    unseen = _unseen(task, fold, taught)
    # Teachers say for whom a mix is worth more; how much it is worth on average, the scores say.
    offsets = unseen.mean(axis=1)
    unseen -= offsets[:, None]
    weighed = weigh(
        unseen,
        scores,
        fold=fold,
        chances=chances,
        mean=mean,
        rows=task.rows,
        mix=task.mix,
        outcome=task.outcome,
        prior=task.prior,
    )
    del unseen
    stacks, plausible_stacks = (
        tuple(
            weighed.with_prior(stacked(models, given, offsets, own))
            for models, own in zip(taught, weighed.means, strict=True)
        )
        for given in (weighed.weights, weighed.plausible)
    )

    pairs, students = _distilled(task, making, fold, stacks, scores.mean(axis=1))
    return Learned(
        students=tuple(students),
        stacks=stacks,
        plausible_stacks=plausible_stacks,
        weights=dict(zip(task.teachers, weighed.weights.mean(axis=1).tolist(), strict=True)),
        scores=scores,
        chances=chances,
        fold=fold,
        pairs=tuple((first.column, second.column) for first, second in pairs),
        seconds=making.seconds,
        joined=weighed.joined,
    )


def _nuisances(task: _Task, at_once: AtOnce) -> NestedNuisances:
    return cross_fit_nested(
        task.everything,
        task.mix,
        task.outcome,
        task.mixes,
        propensity=task.propensity,
        folds=task.folds,
        groups=task.groups,
        seed=task.seed,
        at_once=at_once,
    )


def _all_taught(task: _Task, making: _Making, nuisances: NestedNuisances) -> list[list[Values]]:
    """Teaches every teacher without each fold, by fold."""
    teachers = list(task.teachers.values())
    lessons = product(range(task.folds), teachers)
    taught = making.each(
        "teachers", [partial(_taught, task, nuisances, held, one) for held, one in lessons]
    )
    of_each = len(teachers)
    return [taught[start : start + of_each] for start in range(0, len(taught), of_each)]


def _taught(task: _Task, nuisances: NestedNuisances, held: int, teacher: Teacher) -> Values:
    """Teaches a teacher without one fold."""
    kept = nuisances.fold != held
    # Expectations that do not know the judging fold's outcomes either.
    mu = nuisances.apart[held]
    lesson = Lesson(
        rows=task.rows[kept],
        mix=task.mix[kept],
        outcome=task.outcome[kept],
        scores=nuisances.scores(mu, task.mix, task.outcome)[kept],
        outcomes=mu[kept],
        chances=nuisances.chances[kept],
        seed=task.seed,
    )
    return teacher(lesson)


def _unseen(task: _Task, fold: Numbers, taught: list[list[Values]]) -> Floats:
    """Gives each teacher's values of the cases it never saw, centred, (teachers, n, mixes)."""
    found = np.empty((len(task.teachers), len(task.rows), task.mixes))
    for held, models in enumerate(taught):
        own = fold == held
        for number, model in enumerate(models):
            found[number, own] = centred(in_parts(model)(task.rows[own]))
    return found


def _distilled(
    task: _Task, making: _Making, fold: Numbers, stacks: tuple[Values, ...], level: Floats
) -> tuple[list[tuple[Coarse, Coarse]], list[Distilled]]:
    """Distils one student a stack, with the pairs of columns worth combining.

    The level of a student never saw its fold.
    """
    targets = making.each("values", [partial(stack, task.rows) for stack in stacks])
    # One choice of pairs for all folds, or their tables could not be put together.
    pairs = making.once("pairs", partial(_pairs, task, targets))

    students = [
        partial(_student, task, fold, targets[held], level, pairs, held)
        for held in range(task.folds)
    ]
    return pairs, making.each("students", students)


def _student(
    task: _Task,
    fold: Numbers,
    target: Floats,
    level: Floats,
    pairs: Sequence[tuple[Coarse, Coarse]],
    held: int,
) -> Distilled:
    kept = fold != held
    return distil(task.rows[kept], target[kept], level[kept], pairs, task.seed, task.monotone)


def _pairs(task: _Task, targets: list[Floats]) -> list[tuple[Coarse, Coarse]]:
    """Finds the pairs of columns worth combining, by the mean of all folds' stacks."""
    # Added up, not stacked: that would hold all folds' values once more.
    mean = reduce(np.add, targets) / len(targets)
    return strongest_pairs(task.rows, mean, task.pairs, task.seed, task.monotone)


def _calibrated(task: _Task, making: _Making, learned: Learned) -> float:
    """Learns once more, from outcomes drawn from the stack, and compares with what is then true."""

    def again(kept: Numbers, drawn: Floats) -> Learned:
        # The mixes are not drawn anew, so their chances are known. Another seed draws folds, trees
        # and forests anew, whose luck is part of the error.
        part = _Task(
            rows=task.rows[kept],
            mix=task.mix[kept],
            outcome=drawn,
            mixes=task.mixes,
            everything=task.everything[kept],
            propensity=learned.chances[kept],
            groups=None if task.groups is None else task.groups[kept],
            teachers=task.teachers,
            monotone=task.monotone,
            pairs=task.pairs,
            folds=task.folds,
            seed=task.seed + 1,
            prior=task.prior,
        )
        return _learn(part, replace(making, watch=watch, seconds={}))

    def watch(phase: str, done: int, of: int) -> None:
        making.watch(f"calibration: {phase}", done, of)

    began = time.perf_counter()
    scale = error_scale(learned, task.rows, task.mix, task.outcome, again, task.seed)
    making.seconds["calibration"] = time.perf_counter() - began
    return scale


def _mixes(given: ArrayLike) -> Numbers:
    """Gives numbers of mixes as whole ones where they are, of whatever type.

    Raises:
        ValueError: if they are no numbers.
    """
    bound = "numbers of mixes, 0 to K-1 (`PolicyLearner` takes any labels)"
    mix = array_of("mix", given, bound)
    # What is not whole stays as it is, and is refused with all other numbers that cannot be.
    whole = mix.dtype.kind != "f" or (np.isfinite(mix) & (mix == np.trunc(mix))).all()
    return mix.astype(np.int64) if whole else mix


def _check(rows: Floats, mix: Numbers, outcome: Floats, minutes: Floats | None) -> None:
    if rows.ndim != 2 or not rows.shape[1]:
        raise ValueError(f"rows: shape {rows.shape}, must be (cases, features)")
    if not len(rows):
        needed = f"at least {LEAST_CASES} of each of two mixes are needed"
        raise ValueError(f"rows: shape {rows.shape}, there are no cases; {needed}")
    if np.isinf(rows).any():
        raise ValueError("rows: must be finite, or NaN where unknown")
    _check_column("mix", mix, rows)
    _check_column("outcome", outcome, rows)
    if minutes is not None:
        _check_column("minutes", minutes, rows)

    # Gaps would leave a mix without cases, for which no model could be fitted.
    whole = np.issubdtype(mix.dtype, np.integer)
    if not whole or mix.min() < 0 or len(np.unique(mix)) != mix.max() + 1:
        raise ValueError("mix: numbers must be whole and run from 0 without a gap")
    counts = np.bincount(mix)
    if counts.min() < LEAST_CASES:
        rare = int(counts.argmin())
        raise ValueError(
            f"mix: {rare} has {counts[rare]} cases; "
            f"at least {LEAST_CASES} are needed, or leave them out"
        )
    if mix.max() < 1:
        raise ValueError("mix: there is only one; at least two are needed to compare")
    if not ((outcome >= 0) & (outcome <= 1)).all():
        raise ValueError("outcome: must be from 0 to 1")
    if minutes is not None and ((minutes < 0) | np.isinf(minutes)).any():
        raise ValueError("minutes: must be 0 or more, or NaN where unknown")


def _check_column(name: str, array: Floats | Numbers, rows: Floats) -> None:
    check_length(name, array, len(rows))
    if array.ndim > 1:
        raise ValueError(f"{name}: shape {array.shape}, must be ({len(rows)},), one for each row")


def _check_confounders(rows: Floats, confounders: Floats | None) -> None:
    if confounders is None:
        return
    if confounders.ndim != 2 or len(confounders) != len(rows):
        raise ValueError(f"confounders: shape {confounders.shape}, must be ({len(rows)}, columns)")
    if np.isinf(confounders).any():
        raise ValueError("confounders: must be finite, or NaN where unknown")


def _check_teachers(teachers: Mapping[str, Teacher]) -> None:
    if not isinstance(teachers, Mapping) or not all(map(callable, teachers.values())):
        raise ValueError("teachers: must be functions by name, as in training.learning.teachers")
    if not teachers:
        raise ValueError("teachers: there are none; at least one is needed")


def _check_monotone(monotone: Sequence[int] | None, features: int) -> None:
    if monotone is None:
        return
    bound = f"0 or 1 for each of {features} features"
    given = array_of("monotone", monotone, bound)
    if given.shape != (features,) or not np.isin(given, (0, 1)).all():
        raise ValueError(f"monotone: must be {bound}")
