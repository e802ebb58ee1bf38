"""Safeguards: hard rules with a legal basis that can only add human contact.

Each rule names one field, the slots to which it applies, and what a mix must then have. What a
requirement permits is always "this mix and every heavier one", which the compilation checks; so
safeguards are add-only and monotone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, reduce
from operator import add, itemgetter, or_

import numpy as np
from numpy.typing import NDArray

from router.decision.catalogue import DIGITAL, TALK, Catalogue, Channel, Mix
from router.decision.schema import FeatureSet, Rows


class Requirement(Enum):
    """What a mix must have, from the mildest to the strictest."""

    ADVISER_DIALOGUE = "ADVISER_DIALOGUE"
    PERSONAL_TALK = "PERSONAL_TALK"
    NO_DIGITAL_DEMAND = "NO_DIGITAL_DEMAND"
    MANUAL_ONLY = "MANUAL_ONLY"

    def permits(self, mix: Mix) -> bool:
        """Whether a mix meets it."""
        match self:
            case Requirement.ADVISER_DIALOGUE:
                return mix.has(frozenset(Channel) - {Channel.SELF_SERVICE})
            case Requirement.PERSONAL_TALK:
                return mix.has(TALK)
            case Requirement.NO_DIGITAL_DEMAND:
                return mix.has(TALK) and not mix.digital_demand and not mix.has(DIGITAL)
            case Requirement.MANUAL_ONLY:
                return False


REQUIREMENTS = tuple(Requirement)


@dataclass(frozen=True, slots=True, kw_only=True)
class Safeguard:
    """One rule: where `feature` has one of `slots`, a mix must meet `requirement`."""

    name: str
    legal_basis: str
    feature: str
    slots: frozenset[int]
    requirement: Requirement


@dataclass(frozen=True, kw_only=True)
class CompiledSafeguards:
    """Safeguards as one word of bits per slot: the low bits are requirements, the others the rules themselves.

    Raises:
        ValueError: if a requirement would permit a mix but forbid a heavier one, so that a user
            with more need could get less human contact.
    """

    features: FeatureSet
    catalogue: Catalogue
    rules: tuple[Safeguard, ...]

    def __post_init__(self) -> None:
        for requirement in REQUIREMENTS:
            met = [requirement.permits(mix) for mix in self.catalogue.mixes]
            if sorted(met) != met:
                first = self.catalogue.ids[met.index(True)]
                raise ValueError(
                    f"{requirement.value} permits {first} but forbids a mix with more minutes: a user with more need "
                    "would get less human contact; give the heavier mixes what the lighter one has"
                )

    @cached_property
    def first_permitted(self) -> NDArray[np.intp]:
        """Number of the lightest mix permitted, by set of requirements (a bit mask), shape (16,)."""
        lightest = [
            sum(not requirement.permits(mix) for mix in self.catalogue.mixes)
            for requirement in REQUIREMENTS
        ]
        sets = range(1 << len(REQUIREMENTS))
        return np.array(
            [max((x for i, x in enumerate(lightest) if s >> i & 1), default=0) for s in sets]
        )

    @cached_property
    def words(self) -> NDArray[np.uint64]:
        """Bits by slot of every feature, shape (slots of the feature set,)."""
        words = [0] * self.features.slots
        for number, rule in enumerate(self.rules):
            start = int(self.features.offsets[self.features.column(rule.feature)])
            for slot in rule.slots:
                words[start + slot] |= 1 << REQUIREMENTS.index(rule.requirement)
                words[start + slot] |= 1 << (number + len(REQUIREMENTS))
        return np.array(words, np.uint64)

    @cached_property
    def requirements(self) -> NDArray[np.intp]:
        """Set of requirements by slot of every feature, a bit mask, shape (slots of the feature set,)."""
        return (self.words & np.uint64((1 << len(REQUIREMENTS)) - 1)).astype(np.intp)

    @cached_property
    def _manual(self) -> int:
        return sum(
            1 << n
            for n, rule in enumerate(self.rules)
            if rule.requirement is Requirement.MANUAL_ONLY
        )

    @cached_property
    def columns(self) -> NDArray[np.intp]:
        """Columns of the features that a rule reads, rising."""
        return np.array(
            sorted({self.features.column(rule.feature) for rule in self.rules}), np.intp
        )

    @cached_property
    def _offsets(self) -> NDArray[np.intp]:
        return self.features.offsets[self.columns]

    def apply(self, rows: Rows) -> tuple[NDArray[np.intp], NDArray[np.uint64]]:
        """Lightest mix permitted (the number of mixes: none is) and the rules that apply, each of shape (rows,).

        Rule r of `rules` is bit r of the second.
        """
        words = np.bitwise_or.reduce(self.words[rows[:, self.columns] + self._offsets], axis=1)
        low = np.uint64((1 << len(REQUIREMENTS)) - 1)
        bits = words >> np.uint64(len(REQUIREMENTS))
        manual = bits & np.uint64(self._manual)
        lightest = self.first_permitted[(words & low).astype(np.intp)]
        # Where people alone handle the case, nothing else of it is told.
        return lightest, np.where(manual > 0, manual, bits)

    def demands(self, rows: Rows) -> NDArray[np.intp]:
        """Set of requirements of each feature that a rule reads, a bit mask, shape (rows, `columns`)."""
        found: NDArray[np.intp] = self.requirements[rows[:, self.columns] + self._offsets]
        return found

    @cached_property
    def _lists(self) -> tuple[itemgetter[Sequence[int]], list[int], list[int], list[int]]:
        columns, starts = self.columns.tolist(), self._offsets.tolist()
        return itemgetter(*columns), starts, self.words.tolist(), self.first_permitted.tolist()

    def apply_one(self, row: Sequence[int]) -> tuple[int, int]:
        """As `apply`, for one row."""
        read, starts, words, first_permitted = self._lists
        word = reduce(or_, [words[place] for place in map(add, read(row), starts)])
        bits = word >> len(REQUIREMENTS)
        return first_permitted[word & ((1 << len(REQUIREMENTS)) - 1)], bits & self._manual or bits

    def applied(self, bits: int) -> list[Safeguard]:
        """The rules of a set of bits, in the catalogue's order."""
        return [rule for number, rule in enumerate(self.rules) if bits >> number & 1]
