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

from router.decision.decision import NO_MIX, Decision, Doubt, Numbers, Status
from router.decision.policy import Policy
from router.decision.safeguards import CompiledSafeguards
from router.decision.tables import DecisionTables, Floats

# The bits that count unknown values; rare ones are counted above them, as in `Decider.doubtful`.
_LOW = 0xFFFFFFFF
_CLOSE_OPTIONS = int(Doubt.CLOSE_OPTIONS)
_RECOMMENDED, _NEEDS_ASSESSMENT = int(Status.RECOMMENDED), int(Status.NEEDS_ASSESSMENT)


class FewDecider:
    """Decides for one row at a time.

    Args:
        tables: what the model knows.
        safeguards: compiled for the catalogue.
        policy: in force.
        minutes: (K,) of each mix.
        menu: (K,) whether the policy offers it.
        doubtful: by model slot, as `Decider.doubtful`.
        far: (lighter, heavier), pairs of mixes to be told apart, as `Decider.far`.
        jackknife: as `Decider.jackknife`.
    """

    def __init__(
        self,
        *,
        tables: DecisionTables,
        safeguards: CompiledSafeguards,
        policy: Policy,
        minutes: Floats,
        menu: NDArray[np.bool_],
        doubtful: NDArray[np.int64],
        far: tuple[Numbers, Numbers],
        jackknife: float,
    ) -> None:
        # Safeguards, by slot of the features that they read.
        self._read_guarded = itemgetter(*safeguards.columns.tolist())
        self._guarded_starts: list[int] = safeguards.offsets.tolist()
        self._bits: list[int] = safeguards.bits.tolist()
        # Lists, not arrays: reading one number out of an array makes an object first.
        self._lightest: list[int] = safeguards.lightest.tolist()
        self._manual = int(safeguards.manual)

        # Values: the intercept is the last place and is added last, as in `values_at`.
        self._flat = np.vstack([tables.flat, tables.intercept.reshape(1, -1)])
        self._read = itemgetter(*tables.columns.tolist())
        self._starts: list[int] = tables.offsets.tolist()
        self._pairs = [
            (pair.first, (start + pair.strides[0]).tolist(), pair.second, pair.strides[1].tolist())
            for start, pair in zip(tables.pair_starts, tables.pairs, strict=True)
        ]
        self._doubtful: list[int] = doubtful.tolist()
        self._folds = tables.folds
        self._jackknife = jackknife

        self._menu: list[bool] = menu.tolist()
        self._minutes: list[float] = minutes.tolist()
        self._price = policy.price
        self._weights = [
            (column, weights.tolist())
            for column, weights in zip(policy.weights.columns, policy.weights.by_slot, strict=True)
        ]
        self._limits = policy.abstention
        # Of each mix the far ones that it must be told apart from, heaviest first.
        self._heavier: list[list[int]] = [[] for _ in self._menu]
        for lighter, heavier in zip(*(pair.tolist() for pair in far), strict=True):
            if heavier != lighter:
                self._heavier[lighter].insert(0, heavier)

    def decide(self, row: Sequence[int]) -> Decision:
        """Decides for a row of slots, one per feature."""
        weight = self._weight(row)
        lightest, bits = self._apply(row)
        mixes = len(self._menu)
        # Before any value is looked up: a shielded case is never scored.
        if lightest >= mixes:
            nothing = [nan] * mixes
            return _manual(nothing, nothing, lightest, bits, 0, weight)

        places = list(map(add, self._read(row), self._starts))
        counted = sum([self._doubtful[place] for place in places])
        places += [
            lefts[row[one]] + rights[row[other]] for one, lefts, other, rights in self._pairs
        ]
        expected, deviation, error = self._estimates(places)
        unknown = counted & _LOW
        doubts = (unknown > self._limits.unknown_fields) | ((counted >> 32 > 0) << 1)

        price = self._price / weight
        utility = [
            value - price * minutes if offered else -inf
            for value, minutes, offered in zip(expected, self._minutes, self._menu, strict=True)
        ]
        allowed = utility[lightest:]
        top = max(allowed)
        if top == -inf:
            return _manual(expected, error, lightest, bits, unknown, weight)
        best = lightest + allowed.index(top)
        mix, doubts = self._judge(utility, deviation, lightest, best, doubts)

        others = utility[lightest:mix] + utility[mix + 1 :]
        runner_up = max(others, default=-inf)
        return Decision(
            expected,
            error,
            lightest,
            mix,
            _NEEDS_ASSESSMENT if doubts else _RECOMMENDED,
            doubts,
            bits,
            nan if runner_up == -inf else utility[mix] - runner_up,
            unknown,
            weight,
        )

    def _weight(self, row: Sequence[int]) -> float:
        weight = 1.0
        for column, weights in self._weights:
            weight *= weights[row[column]]
        return weight

    def _apply(self, row: Sequence[int]) -> tuple[int, int]:
        places = list(map(add, self._read_guarded(row), self._guarded_starts))
        lightest = max([self._lightest[place] for place in places])
        bits = reduce(or_, [self._bits[place] for place in places])
        # Where people alone handle the case, nothing else of it is told.
        return lightest, bits & self._manual or bits

    def _estimates(self, places: list[int]) -> tuple[list[float], list[list[float]], list[float]]:
        """Gives expected outcome, deviations of folds and standard error of each mix."""
        folds = self._folds
        total: list[float] = np.add.reduce(self._flat.take([*places, -1], axis=0), axis=0).tolist()
        expected, deviation, error = [], [], []
        for start in range(0, len(total), folds):
            values = total[start : start + folds]
            mean = reduce(add, values) / folds  # not `sum`, which from Python 3.12 on compensates
            apart = [value - mean for value in values]
            expected.append(mean)
            deviation.append(apart)
            error.append(sqrt(reduce(add, [value * value for value in apart]) * self._jackknife))
        return expected, deviation, error

    def _judge(
        self,
        utility: list[float],
        deviation: list[list[float]],
        lightest: int,
        best: int,
        doubts: int,
    ) -> tuple[int, int]:
        """Finds the mix that stands under every milder set of safeguards, and all doubts."""
        level, lifted = NO_MIX, best
        # A milder set of safeguards begins at a lighter mix, and at the row's own at the latest.
        milder = [max(utility[start:]) for start in range(lightest + 1)]
        for mix in range(len(utility)):
            if self._menu[mix] and utility[mix] >= milder[min(mix, lightest)]:
                lift = self._lift(mix, utility, deviation)
                level = max(level, lift)
                if mix == best:
                    lifted = lift
        found = doubts

        # The fallback of a case in doubt is the more personal one of the two best.
        if doubts:
            rest = [value if mix != best else -inf for mix, value in enumerate(utility)][lightest:]
            runner_up = max(rest)
            second = best if runner_up == -inf else lightest + rest.index(runner_up)
            level = max(level, best, second)
        mix = max(level, best)
        if (mix > best and not doubts) or lifted > best:
            found |= _CLOSE_OPTIONS
        return mix, found

    def _lift(self, mix: int, utility: list[float], deviation: list[list[float]]) -> int:
        z, own = self._limits.standard_errors, deviation[mix]
        for heavy in self._heavier[mix]:
            spread = 0.0
            for light_fold, heavy_fold in zip(own, deviation[heavy], strict=True):
                difference = heavy_fold - light_fold
                spread += difference * difference
            if utility[mix] - utility[heavy] <= z * sqrt(spread * self._jackknife):
                # Heaviest first, so that the first one too close is the one to rise to.
                return heavy
        return mix


def _manual(
    expected: list[float],
    error: list[float],
    lightest: int,
    bits: int,
    unknown: int,
    weight: float,
) -> Decision:
    return Decision(
        expected=expected,
        error=error,
        first_permitted=lightest,
        mix=NO_MIX,
        status=int(Status.MANUAL_ONLY),
        doubts=0,
        safeguards=bits,
        margin=nan,
        unknown=unknown,
        weight=weight,
    )
