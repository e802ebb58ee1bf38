"""Every known value of every changeable feature, laid out to find at once those that would change the mix."""

from __future__ import annotations

from collections.abc import Sequence
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
        # By the best mix now: what each candidate adds to each mix's utility less the best mix's, (K, K, C).
        self._gain: Floats = np.ascontiguousarray(worth[None] - worth[:, None])
        self._gain[:, :, starts] = -inf  # slot 0
        self._now: Floats = np.ascontiguousarray(worth)
        self._ruled = _ruled(decider, self._changeable, self._starts)

    def nearest(
        self, row: Sequence[int], utility: list[float], best: int, lightest: int
    ) -> list[tuple[int, int]]:
        """Column and slot of each change after which another mix has the highest utility, nearest first.

        Args:
            row: slots, one per feature.
            utility: of each mix now.
            best: the permitted mix with the highest utility now.
            lightest: the lightest mix that the safeguards permit now.
        """
        here = [start + row[column] for start, column in zip(self._starts, self._changeable, strict=True)]
        now = self._now.take(here, axis=1)
        # A change flips the mix when it gains more than the mix lacks now.
        lacks = (now - now[best]) + np.array([[utility[best] - value] for value in utility])
        needed = lacks.copy()
        needed[[n for n, offered in enumerate(self._menu) if n < lightest or not offered or n == best]] = inf
        flips = (self._gain[best] >= needed.take(self._feature, axis=1)).any(axis=0)
        for part, after in self._ruled_parts(row, lightest):
            numbers = np.arange(len(utility))[:, None]
            open_ = (numbers >= after) & np.array(self._menu)[:, None] & (numbers != best)
            gains = self._gain[best][:, part] >= lacks[:, self._feature[part]]
            flips[part] = ((gains & open_).any(axis=0) | (after > best)) & (self._gain[best][best, part] > -inf)
        flips[here] = False
        places = flips.nonzero()[0]
        if not len(places):
            return []
        of = self._feature[places]
        distance = np.abs(self._position[places] - self._position.take(here)[of])
        nearest = places[distance.argsort(kind="stable")].tolist()
        return [(self._changeable[self._feature[place]], self._slot[place]) for place in nearest]

    def _ruled_parts(self, row: Sequence[int], lightest: int) -> list[tuple[slice, NDArray[np.intp]]]:
        """The parts whose safeguards would permit other mixes than now, and the lightest one for each candidate."""
        words = self._words(row)
        demanded = reduce(or_, words) & _REQUIREMENTS
        found = []
        for rule in self._ruled:
            without = demanded
            if words[rule.word] & _REQUIREMENTS:
                without = reduce(or_, words[: rule.word] + words[rule.word + 1 :], 0) & _REQUIREMENTS
            if rule.reached[without] != {lightest}:
                found.append((rule.part, rule.after[without]))
        return found


class _Ruled:
    """A changeable feature that a safeguard reads: by what all other fields demand, the lightest mix per slot."""

    def __init__(self, word: int, part: slice, demands: NDArray[np.intp], first_permitted: NDArray[np.intp]) -> None:
        self.word = word
        self.part = part
        self.after = [first_permitted[demands | others] for others in _SETS]
        self.reached = [set(lightest[1:].tolist()) for lightest in self.after]


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
