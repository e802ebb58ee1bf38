"""The decision for one row, by the same arithmetic as `Decider.decide` but in scalars.

Array calls cost more than the work when there is one row. A property test holds both to equal bits.
"""

from __future__ import annotations

from math import inf, nan, sqrt

import numpy as np
from numpy.typing import NDArray

from router.decision.decide import NO_MIX, Decider, Decision, Doubt, Status

_LOW = 0xFFFFFFFF


class SingleDecider:
    """Decides for one row at a time."""

    def __init__(self, decider: Decider) -> None:
        self._decider = decider
        self._tables = decider.tables
        self._flat = np.ascontiguousarray(decider.tables.values.reshape(len(decider.tables.values), -1))
        self._intercept = decider.tables.intercept
        self._places = decider.tables.offsets
        self._columns = decider.tables.columns
        self._doubtful: list[int] = decider.doubtful.tolist()
        self._menu: list[bool] = decider.menu.tolist()
        self._costs: list[float] = decider.costs.tolist()
        self._weight = decider.policy.weight
        self._limits = decider.policy.abstention
        self._heavier: list[list[int]] = [[] for _ in self._menu]
        for lighter, heavier in zip(*(pair.tolist() for pair in decider.far_pairs), strict=True):
            if self._menu[lighter] and self._menu[heavier]:
                self._heavier[lighter].insert(0, heavier)

    def decide(self, row: NDArray[np.uint16]) -> Decision:
        """Decides for a row of slots, shape (features,)."""
        lightest, bits = self._decider.safeguards.apply_one(row.tolist())
        mixes = len(self._menu)
        if lightest >= mixes:
            return _manual([nan] * mixes, [nan] * mixes, lightest, bits, 0)
        places = row[self._columns] + self._places
        folds = np.add.reduce(self._flat[places], axis=0).reshape(self._intercept.shape) + self._intercept
        mean = folds.mean(axis=1)
        deviation = folds - mean[:, None]
        error = np.sqrt((deviation * deviation).sum(axis=1) * self._decider.jackknife).tolist()
        expected: list[float] = mean.tolist()
        counted = sum([self._doubtful[place] for place in places.tolist()])
        unknown = counted & _LOW
        doubts = (unknown > self._limits.unknown_fields) | ((counted >> 32 > 0) << 1)
        utility = [
            self._weight * value - cost if offered else -inf
            for value, cost, offered in zip(expected, self._costs, self._menu, strict=True)
        ]
        allowed = utility[lightest:]
        top = max(allowed)
        if top == -inf:
            return _manual(expected, error, lightest, bits, unknown)
        best = lightest + allowed.index(top)
        mix, doubts = self._judge(utility, deviation.tolist(), lightest, best, doubts)
        others = utility[lightest:mix] + utility[mix + 1 :]
        runner_up = max(others, default=-inf)
        return Decision(
            expected=expected,
            error=error,
            first_permitted=lightest,
            mix=mix,
            status=int(Status.NEEDS_ASSESSMENT if doubts else Status.RECOMMENDED),
            doubts=doubts,
            safeguards=bits,
            margin=nan if runner_up == -inf else utility[mix] - runner_up,
            unknown=unknown,
        )

    def _judge(
        self, utility: list[float], deviation: list[list[float]], lightest: int, best: int, doubts: int
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
            second = [value if mix != best else -inf for mix, value in enumerate(utility)][lightest:]
            runner_up = max(second)
            level = max(level, best, best if runner_up == -inf else lightest + second.index(runner_up))
        mix = max(level, best)
        if (mix > best and not doubts) or lifted > best:
            found |= int(Doubt.CLOSE_OPTIONS)
        return mix, found

    def _lift(self, mix: int, utility: list[float], deviation: list[list[float]]) -> int:
        jackknife, z = self._decider.jackknife, self._limits.standard_errors
        for heavy in self._heavier[mix]:
            spread = 0.0
            for light_fold, heavy_fold in zip(deviation[mix], deviation[heavy], strict=True):
                difference = heavy_fold - light_fold
                spread += difference * difference
            if utility[mix] - utility[heavy] <= z * sqrt(spread * jackknife):
                return heavy
        return mix


def _manual(expected: list[float], error: list[float], lightest: int, bits: int, unknown: int) -> Decision:
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
