"""The decision for one row, by the same arithmetic as `Decider.decide` but in scalars.

Array calls cost more than the work when there is one row. A property test holds both to equal bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import inf, nan, sqrt
from operator import add, itemgetter

import numpy as np

from router.decision.decide import Decider
from router.decision.decision import NO_MIX, Decision, Doubt, Status

_LOW = 0xFFFFFFFF


class SingleDecider:
    """Decides for one row at a time."""

    def __init__(self, decider: Decider) -> None:
        tables = decider.tables
        self._safeguards = decider.safeguards
        # The intercept is added last, as in `DecisionTables.fold_values`.
        self._flat = tables.flat_and_intercept
        self._read = itemgetter(*tables.columns.tolist())
        self._starts: list[int] = tables.offsets.tolist()
        self._pairs = [
            (pair.first, (start + pair.strides[0]).tolist(), pair.second, pair.strides[1].tolist())
            for start, pair in zip(tables.pair_starts, tables.pairs, strict=True)
        ]
        self._doubtful: list[int] = decider.doubtful.tolist()
        self._folds = tables.folds
        self._jackknife = decider.jackknife
        self._menu: list[bool] = decider.menu.tolist()
        self._minutes: list[float] = decider.catalogue.minutes.tolist()
        self._price = decider.policy.price
        self._weight = decider.policy.weights.of_one
        self._limits = decider.policy.abstention
        self._heavier: list[list[int]] = [[] for _ in self._menu]
        for lighter, heavier in zip(*(pair.tolist() for pair in decider.far_pairs), strict=True):
            if self._menu[lighter] and self._menu[heavier]:
                self._heavier[lighter].insert(0, heavier)

    def decide(self, row: Sequence[int]) -> Decision:
        """Decides for a row of slots, one per feature."""
        lightest, bits = self._safeguards.apply_one(row)
        mixes, folds = len(self._menu), self._folds
        if lightest >= mixes:
            return _manual([nan] * mixes, [nan] * mixes, lightest, bits, 0)
        places = list(map(add, self._read(row), self._starts))
        counted = sum([self._doubtful[place] for place in places])
        places += [
            lefts[row[one]] + rights[row[other]] for one, lefts, other, rights in self._pairs
        ]
        total: list[float] = np.add.reduce(self._flat.take([*places, -1], axis=0), axis=0).tolist()
        expected, error, deviation = [], [], []
        for start in range(0, mixes * folds, folds):
            values = total[start : start + folds]
            mean = reduce(add, values) / folds  # not `sum`, which from Python 3.12 on compensates
            apart = [value - mean for value in values]
            expected.append(mean)
            deviation.append(apart)
            error.append(sqrt(reduce(add, [value * value for value in apart]) * self._jackknife))
        unknown = counted & _LOW
        doubts = (unknown > self._limits.unknown_fields) | ((counted >> 32 > 0) << 1)
        price = self._price / self._weight(row)
        utility = [
            value - price * minutes if offered else -inf
            for value, minutes, offered in zip(expected, self._minutes, self._menu, strict=True)
        ]
        allowed = utility[lightest:]
        top = max(allowed)
        if top == -inf:
            return _manual(expected, error, lightest, bits, unknown)
        best = lightest + allowed.index(top)
        mix, doubts = self._judge(utility, deviation, lightest, best, doubts)
        others = utility[lightest:mix] + utility[mix + 1 :]
        runner_up = max(others, default=-inf)
        return Decision(
            expected,
            error,
            lightest,
            mix,
            int(Status.NEEDS_ASSESSMENT if doubts else Status.RECOMMENDED),
            doubts,
            bits,
            nan if runner_up == -inf else utility[mix] - runner_up,
            unknown,
        )

    def _judge(
        self,
        utility: list[float],
        deviation: list[list[float]],
        lightest: int,
        best: int,
        doubts: int,
    ) -> tuple[int, int]:
        """The mix that stands, and all doubts, after abstention under every milder set of safeguards."""
        level, lifted = NO_MIX, best
        milder = [max(utility[start:]) for start in range(lightest + 1)]
        for mix in range(len(utility)):
            if self._menu[mix] and utility[mix] >= milder[min(mix, lightest)]:
                lift = self._lift(mix, utility, deviation)
                level = max(level, lift)
                if mix == best:
                    lifted = lift
        found = doubts
        if doubts:
            second = [value if mix != best else -inf for mix, value in enumerate(utility)][
                lightest:
            ]
            runner_up = max(second)
            level = max(
                level, best, best if runner_up == -inf else lightest + second.index(runner_up)
            )
        mix = max(level, best)
        if (mix > best and not doubts) or lifted > best:
            found |= int(Doubt.CLOSE_OPTIONS)
        return mix, found

    def _lift(self, mix: int, utility: list[float], deviation: list[list[float]]) -> int:
        z, own = self._limits.standard_errors, deviation[mix]
        for heavy in self._heavier[mix]:
            spread = 0.0
            for light_fold, heavy_fold in zip(own, deviation[heavy], strict=True):
                difference = heavy_fold - light_fold
                spread += difference * difference
            if utility[mix] - utility[heavy] <= z * sqrt(spread * self._jackknife):
                return heavy
        return mix


def _manual(
    expected: list[float], error: list[float], lightest: int, bits: int, unknown: int
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
    )
