"""The decision of `Decider.decide` for one row at a time, by the same arithmetic but in scalars.

The one part of the core that stands twice. Array calls cost more than the work when there are few
rows: ADR 15 has the figures, `python -m bench.decide` measures them anew, and a property
test holds both to equal bits. Ask `Decider.decide_each`, which takes whichever is faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import inf, nan, sqrt
from operator import add, itemgetter, or_

import numpy as np
from numpy.typing import NDArray

from router.decision.contradictions import CompiledContradictions
from router.decision.decision import NO_MIX, Decision, Doubt, Status
from router.decision.policy import Policy
from router.decision.safeguards import CompiledSafeguards
from router.decision.tables import DecisionTables, Floats, sum_of_folds

# The bits that count unknown values; rare ones are counted above them, as in `Decider.doubtful`.
_LOW = 0xFFFFFFFF
# From so many mixes on, arrays of them are the faster way for one row too.
_MANY_MIXES = 20
_RECOMMENDED, _NEEDS_ASSESSMENT = int(Status.RECOMMENDED), int(Status.NEEDS_ASSESSMENT)


class FewDecider:
    """Decides for one row at a time.

    Args:
        tables: what the model knows.
        safeguards: compiled for the catalogue.
        policy: in force.
        minutes: (K,) of each mix.
        doubtful: by model slot, as `Decider.doubtful`.
        contradictions: compiled for the features.
        has_job: columns and slots, as `Decider.has_job`.
        jackknife: as `Decider.jackknife`.
    """

    def __init__(
        self,
        *,
        tables: DecisionTables,
        safeguards: CompiledSafeguards,
        policy: Policy,
        minutes: Floats,
        doubtful: NDArray[np.int64],
        contradictions: CompiledContradictions,
        has_job: tuple[NDArray[np.intp], NDArray[np.intp]],
        jackknife: float,
    ) -> None:
        # Safeguards, by slot of the features that they read.
        self._read_guarded = itemgetter(*safeguards.columns.tolist())
        self._guarded_starts: list[int] = safeguards.offsets.tolist()
        self._bits: list[int] = safeguards.bits.tolist()
        # Lists, not arrays: reading one number out of an array makes an object first.
        self._codes: list[int] = safeguards.codes.tolist()
        self._manual = int(safeguards.manual)
        self._manual_code = safeguards.manual_code
        self._permitted, self._bearable = safeguards.permitted, safeguards.bearable
        self._situations = safeguards.situations

        # Values: the intercept is the last place and is added last, as in `values_at`.
        self._table, self._which = tables.runs
        self._read = itemgetter(*tables.columns.tolist())
        self._starts: list[int] = tables.offsets.tolist()
        self._pairs = [
            (pair.first, (start + pair.strides[0]).tolist(), pair.second, pair.strides[1].tolist())
            for start, pair in zip(tables.pair_starts, tables.pairs, strict=True)
        ]
        self._doubtful: list[int] = doubtful.tolist()
        self._folds = tables.folds
        self._jackknife = jackknife

        self._contradictions = contradictions
        self._has_job = list(zip(*(side.tolist() for side in has_job), strict=True))
        self._minutes: list[float] = minutes.tolist()
        self._price = policy.price
        self._weights = [
            (column, weights.tolist())
            for column, weights in zip(policy.weights.columns, policy.weights.by_slot, strict=True)
        ]
        self._limits = policy.abstention

    def decide(self, row: Sequence[int]) -> Decision:
        """Decides for a row of slots, one per feature."""
        weight = self._weight(row)
        code, bits = self._apply(row)
        mixes = len(self._minutes)
        # Before any value is looked up: a shielded case is never scored.
        if code & self._manual_code:
            nothing = [nan] * mixes
            return _manual(nothing, nothing, bits, 0, weight)

        places = list(map(add, self._read(row), self._starts))
        counted = sum([self._doubtful[place] for place in places])
        places += [
            lefts[row[one]] + rights[row[other]] for one, lefts, other, rights in self._pairs
        ]
        expected, error = self._estimates(places)
        unknown = counted & _LOW

        permitted = self._permitted[code]
        if not permitted:
            return _manual(expected, error, bits, unknown, weight)
        price = self._price / weight
        worth = [value - price * m for value, m in zip(expected, self._minutes, strict=True)]
        mix, permitted = self._choose(worth, permitted, code)
        doubts = self._doubts(row, unknown, counted >> 32)

        others = [worth[k] for k in _members(permitted, mixes) if k != mix]
        runner_up = max(others, default=-inf)
        return Decision(
            expected,
            error,
            permitted,
            mix,
            _NEEDS_ASSESSMENT if doubts else _RECOMMENDED,
            doubts,
            bits,
            nan if runner_up == -inf else worth[mix] - runner_up,
            unknown,
            weight,
        )

    def _choose(self, worth: list[float], permitted: int, code: int) -> tuple[int, int]:
        """Chooses the best permitted mix, lifted as `Decider` does it, and what is permitted."""
        offered = _members(permitted, len(worth))
        best = max(offered, key=worth.__getitem__)
        _, *milder = self._situations(code)
        if not milder:
            return best, permitted

        others = [_members(mask, len(worth)) for mask in milder]
        least = max([best, *(max(mixes, key=worth.__getitem__) for mixes in others if mixes)])
        if offered[-1] < least:
            permitted = self._bearable[code]
            offered = _members(permitted, len(worth))
        return next((k for k in offered if k >= least), offered[-1]), permitted

    def _doubts(self, row: Sequence[int], unknown: int, rare: int) -> int:
        doubts = 0
        if unknown > self._limits.unknown_fields:
            doubts |= Doubt.UNKNOWN_FIELDS
        if rare:
            doubts |= Doubt.RARE_VALUES
        if self._contradictions.found(row):
            doubts |= Doubt.CONTRADICTION
        if any([row[column] == slot for column, slot in self._has_job]):
            doubts |= Doubt.HAS_JOB
        return int(doubts)

    def _weight(self, row: Sequence[int]) -> float:
        weight = 1.0
        for column, weights in self._weights:
            weight *= weights[row[column]]
        return weight

    def _apply(self, row: Sequence[int]) -> tuple[int, int]:
        places = list(map(add, self._read_guarded(row), self._guarded_starts))
        code = reduce(or_, [self._codes[place] for place in places])
        bits = reduce(or_, [self._bits[place] for place in places])
        # Where people alone handle the case, nothing else of it is told.
        return code, bits & self._manual or bits

    def _estimates(self, places: list[int]) -> tuple[list[float], list[float]]:
        """Gives expected outcome and standard error of each mix."""
        taken = self._table.take(self._which.take([*places, -1]), axis=0)
        total = np.add.reduce(taken, axis=0)
        if len(self._minutes) > _MANY_MIXES:
            return self._estimates_of_many(total)

        return self._estimates_of_few(total.tolist())

    def _estimates_of_many(self, total: Floats) -> tuple[list[float], list[float]]:
        values = total.reshape(-1, self._folds, 1)
        mean = sum_of_folds(values) / self._folds
        apart = values - mean[:, None]
        squares = sum_of_folds(apart * apart) * self._jackknife
        return mean[:, 0].tolist(), np.sqrt(squares)[:, 0].tolist()

    def _estimates_of_few(self, total: list[float]) -> tuple[list[float], list[float]]:
        folds = self._folds
        expected, error = [], []
        for start in range(0, len(total), folds):
            values = total[start : start + folds]
            mean = reduce(add, values) / folds  # not `sum`, which from Python 3.12 on compensates
            apart = [value - mean for value in values]
            expected.append(mean)
            error.append(sqrt(reduce(add, [value * value for value in apart]) * self._jackknife))
        return expected, error


def _members(mask: int, mixes: int) -> list[int]:
    return [k for k in range(mixes) if mask >> k & 1]


def _manual(
    expected: list[float],
    error: list[float],
    bits: int,
    unknown: int,
    weight: float,
) -> Decision:
    return Decision(
        expected=expected,
        error=error,
        permitted=0,
        mix=NO_MIX,
        status=int(Status.MANUAL_ONLY),
        doubts=0,
        safeguards=bits,
        margin=nan,
        unknown=unknown,
        weight=weight,
    )
