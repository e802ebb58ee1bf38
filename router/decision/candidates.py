"""Every known value of every changeable feature, laid out to find at once those that would change the mix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from math import inf
from operator import or_

import numpy as np
from numpy.typing import NDArray

from router.decision.decide import Decider
from router.decision.safeguards import REQUIREMENTS
from router.decision.tables import Floats

_REQUIREMENTS = (1 << len(REQUIREMENTS)) - 1
_SETS = range(_REQUIREMENTS + 1)


class Candidates:
    """Changes of one field, C in all, feature after feature and slot after slot; slot 0, unknown, is never one."""

    def __init__(self, decider: Decider) -> None:
        tables, features = decider.tables, decider.tables.features
        self._menu: list[bool] = decider.menu.tolist()
        self._words = decider.safeguards.words_of
        self._changeable = [column for column, feature in enumerate(features.features) if feature.changeable]
        sizes = [features.features[column].slots for column in self._changeable]
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
        self._starts: list[int] = starts.tolist()
        self._feature = np.repeat(np.arange(len(sizes)), sizes)
        self._slot: list[int] = (np.arange(sum(sizes)) - np.repeat(starts, sizes)).tolist()
        model = dict(zip(tables.columns.tolist(), tables.offsets.tolist(), strict=True))
        points, positions = [], []
        for column, size in zip(self._changeable, sizes, strict=True):
            if column in model:
                part = slice(model[column], model[column] + size)
                points.append(tables.mean[part])
                weights = tables.counts[part].astype(float)
            else:
                points.append(np.zeros((size, len(self._menu))))
                weights = np.ones(size)
            share = weights / max(1.0, weights.sum())
            positions.append(np.cumsum(share) - share / 2)
        # Share of the training cases below a value and half of its own: distances between values, from 0 to 1.
        self._position: Floats = np.concatenate(positions)
        worth = decider.policy.weight * np.concatenate(points).T
        self._worth: Floats = np.ascontiguousarray(worth)
        # By the best mix now: what each candidate adds to each mix's utility less the best mix's, (K, K, C); a mix
        # that is not offered, and the best one itself, gain nothing.
        self._gain: Floats = np.ascontiguousarray(worth[None] - worth[:, None])
        self._gain[:, [number for number, offered in enumerate(self._menu) if not offered]] = -inf
        for mix, gains in enumerate(self._gain):
            gains[mix] = -inf
        self._numbers = np.arange(len(self._menu))[:, None]
        self._known = np.array(self._slot) > 0
        self._ruled = _ruled(decider, self._changeable, self._starts)

    def nearest(
        self, row: Sequence[int], utility: list[float], best: int, lightest: int
    ) -> Iterator[tuple[int, int]]:
        """Yields column and slot of each change after which another mix has the highest utility, nearest first.

        Args:
            row: slots, one per feature.
            utility: of each mix now.
            best: the permitted mix with the highest utility now.
            lightest: the lightest mix that the safeguards permit now.
        """
        here = [start + row[column] for start, column in zip(self._starts, self._changeable, strict=True)]
        now = self._worth.take(here, axis=1)
        value = np.array(utility)
        # A change flips the mix when another permitted one gains at least what it lacks now, or this one is forbidden.
        lacks = now - now[best] + (value[best] - value)[:, None]
        after = self._lightest_after(row, lightest)
        flips = (self._gain[best] >= lacks.take(self._feature, axis=1)) & (self._numbers >= after)
        found = (flips.any(axis=0) | (after > best)) & self._known
        found[here] = False
        places = found.nonzero()[0]
        of = self._feature[places]
        distance = np.abs(self._position[places] - self._position.take(here)[of])
        for number in distance.argsort(kind="stable").tolist():
            place = places[number]
            yield self._changeable[self._feature[place]], self._slot[place]

    def _lightest_after(self, row: Sequence[int], lightest: int) -> NDArray[np.intp]:
        """The lightest mix that the safeguards permit after each candidate, shape (C,)."""
        words = self._words(row)
        demanded = reduce(or_, words) & _REQUIREMENTS
        after = np.full(len(self._slot), lightest)
        for rule in self._ruled:
            others = demanded
            if words[rule.word] & _REQUIREMENTS:
                others = reduce(or_, words[: rule.word] + words[rule.word + 1 :], 0) & _REQUIREMENTS
            after[rule.part] = rule.after[others]
        return after


class _Ruled:
    """A changeable feature that a safeguard reads: by what all other fields demand, the lightest mix per slot."""

    def __init__(self, word: int, part: slice, demands: NDArray[np.intp], first_permitted: NDArray[np.intp]) -> None:
        self.word = word
        self.part = part
        self.after = [first_permitted[demands | others] for others in _SETS]


def _ruled(decider: Decider, changeable: list[int], starts: list[int]) -> list[_Ruled]:
    safeguards, features = decider.safeguards, decider.tables.features
    ruled: list[int] = safeguards.columns.tolist()
    return [
        _Ruled(
            ruled.index(column),
            slice(start, start + features.features[column].slots),
            safeguards.requirements[features.offsets[column] :][: features.features[column].slots],
            safeguards.first_permitted,
        )
        for column, start in zip(changeable, starts, strict=True)
        if column in ruled
    ]
