"""How a safeguard works: compiled to bit masks that can only add human contact. Rules: `rulebook`.

Each rule names one field, the slots to which it applies, and what a mix must then have. What a
requirement permits is always "this mix and every heavier one", which the compilation checks; so
safeguards are add-only and monotone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property

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
        """Tells whether a mix meets it."""
        match self:
            case Requirement.ADVISER_DIALOGUE:
                return mix.has(frozenset(Channel) - {Channel.SELF_SERVICE})
            case Requirement.PERSONAL_TALK:
                return mix.has(TALK)
            case Requirement.NO_DIGITAL_DEMAND:
                return mix.has(TALK) and not mix.digital_demand and not mix.has(DIGITAL)
            case Requirement.MANUAL_ONLY:
                return False


# Their order is that of the bits of a set of requirements.
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
    """Safeguards as tables by slot: the rules that apply, as bits, and what they demand of a mix.

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
            # False sorts before True: permitted must be "this mix and every heavier one".
            if sorted(met) != met:
                first = self.catalogue.ids[met.index(True)]
                raise ValueError(
                    f"{requirement.value} permits {first} but forbids a mix with more minutes: a "
                    "user with more need would get less human contact; give the heavier mixes what "
                    "the lighter one has"
                )

    @cached_property
    def first_permitted(self) -> NDArray[np.intp]:
        """Number of the lightest mix permitted, by set of requirements, a bit mask; shape (16,)."""
        lightest = [
            # What is forbidden comes first: its count is the number of the first mix permitted.
            sum(not requirement.permits(mix) for mix in self.catalogue.mixes)
            for requirement in REQUIREMENTS
        ]
        sets = range(1 << len(REQUIREMENTS))
        return np.array(
            # Of 16 sets all are made at once: a row then needs a look-up in the place of a rule.
            [max((x for i, x in enumerate(lightest) if s >> i & 1), default=0) for s in sets]
        )

    @cached_property
    def bits(self) -> NDArray[np.uint64]:
        """The rules that apply, a bit each, by slot of every feature."""
        bits = [0] * self.features.slots
        for number, rule in enumerate(self.rules):
            start = int(self.features.offsets[self.features.column(rule.feature)])
            for slot in rule.slots:
                bits[start + slot] |= 1 << number
        return np.array(bits, np.uint64)

    @cached_property
    def requirements(self) -> NDArray[np.intp]:
        """Set of requirements by slot of every feature, a bit mask, shape (slots,)."""
        found = np.zeros(self.features.slots, np.intp)
        for number, rule in enumerate(self.rules):
            bit = 1 << REQUIREMENTS.index(rule.requirement)
            found |= np.where(self.bits >> np.uint64(number) & np.uint64(1) > 0, bit, 0)
        return found

    @cached_property
    def lightest(self) -> NDArray[np.intp]:
        """The lightest mix that each slot of every feature permits, shape (slots,)."""
        return self.first_permitted[self.requirements]

    @cached_property
    def manual(self) -> np.uint64:
        """The rules by which people alone handle a case, as bits."""
        bits = [
            1 << number
            for number, rule in enumerate(self.rules)
            if rule.requirement is Requirement.MANUAL_ONLY
        ]
        return np.uint64(sum(bits))

    @cached_property
    def columns(self) -> NDArray[np.intp]:
        """Columns of the features that a rule reads, rising."""
        return np.array(
            sorted({self.features.column(rule.feature) for rule in self.rules}), np.intp
        )

    @cached_property
    def offsets(self) -> NDArray[np.intp]:
        """Where the slots of each of those features start, in a table over all slots."""
        return self.features.offsets[self.columns]

    def apply(self, rows: Rows) -> tuple[NDArray[np.intp], NDArray[np.uint64]]:
        """Gives what the safeguards permit in each row, and which of them apply.

        Returns:
            The number of the lightest mix permitted, that of mixes where none is; and the rules
            that apply, rule r of `rules` as bit r. Each has shape (rows,).
        """
        places = rows.take(self.columns, axis=1) + self.offsets
        # Each slot permits "this mix and every heavier one", so that the strictest one decides.
        lightest: NDArray[np.intp] = np.maximum.reduce(self.lightest.take(places), axis=1)
        bits: NDArray[np.uint64] = np.bitwise_or.reduce(self.bits.take(places), axis=1)
        if np.maximum.reduce(lightest, initial=0) >= len(self.catalogue.mixes):
            # Where people alone handle the case, nothing else of it is told.
            manual = bits & self.manual
            bits = np.where(manual > 0, manual, bits)
        return lightest, bits

    def demands(self, rows: Rows) -> NDArray[np.intp]:
        """Gives the requirements of each feature that a rule reads, as bit masks.

        Returns:
            Shape (rows, features that a rule reads), in the order of `columns`.
        """
        found: NDArray[np.intp] = self.requirements[rows[:, self.columns] + self.offsets]
        return found

    def applied(self, bits: int) -> list[Safeguard]:
        """Gives the rules of a set of bits, in the catalogue's order."""
        return [rule for number, rule in enumerate(self.rules) if bits >> number & 1]
