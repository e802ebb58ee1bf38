"""How a safeguard works: compiled to bit masks of the mixes it permits. Rules: `rulebook`.

Each rule names one field, the slots to which it applies, and an effect on mixes: what a mix must
have, which channels cannot be used, and which are too much to ask for. Effects of several rules
work together: a mix is permitted if all its contacts can be held by channels that can be used, and
what is left of it has what all rules demand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, reduce
from operator import or_
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.decision.catalogue import DIGITAL, TALK, WITH_AN_ADVISER, Catalogue, Channel, Mix
from router.decision.schema import FeatureSet, Rows

Masks = NDArray[np.int64]
"""Sets of mixes, mix k as bit k."""


class Requirement(Enum):
    """What a mix must have, from the mildest to the strictest."""

    ADVISER_DIALOGUE = "ADVISER_DIALOGUE"
    USABLE_CHANNELS = "USABLE_CHANNELS"
    PERSONAL_TALK = "PERSONAL_TALK"
    REMOTE_TALK = "REMOTE_TALK"
    MEETING = "MEETING"
    NO_DIGITAL_DEMAND = "NO_DIGITAL_DEMAND"
    MANUAL_ONLY = "MANUAL_ONLY"

    def is_met(self, mix: Mix, channels: frozenset[Channel]) -> bool:
        """Tells whether a mix meets it whose contacts go by these channels."""
        match self:
            case Requirement.ADVISER_DIALOGUE:
                return bool(channels & WITH_AN_ADVISER)
            case Requirement.USABLE_CHANNELS:
                return True
            case Requirement.PERSONAL_TALK:
                return bool(channels & TALK)
            case Requirement.REMOTE_TALK:
                return bool(channels & {Channel.PHONE, Channel.VIDEO})
            case Requirement.MEETING:
                return Channel.OFFICE_MEETING in channels
            case Requirement.NO_DIGITAL_DEMAND:
                return bool(channels & TALK) and not (mix.digital_demand or channels & DIGITAL)
            case Requirement.MANUAL_ONLY:
                return False


class Effect(NamedTuple):
    """What a rule does to mixes.

    Attributes:
        requirement: what a mix must have.
        unusable: channels by which nobody can be met.
        burdensome: channels that are too much to ask for, unless a meeting is wished or nothing
            else is left.
    """

    requirement: Requirement
    unusable: frozenset[Channel] = frozenset()
    burdensome: frozenset[Channel] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Safeguard:
    """One rule: where `feature` has one of `slots`, mixes are subject to `effect`."""

    name: str
    legal_basis: str
    feature: str
    slots: frozenset[int]
    effect: Effect


class HeaviestForbidden(ValueError):
    """A rule would forbid the mix with most minutes, so that safeguards would not be monotone.

    Attributes:
        what: which rule, which mix, and what follows.
    """

    def __init__(self, rule: str, heaviest: str) -> None:
        self.what = (
            f"{rule} forbids {heaviest}, the mix with most minutes: whoever it applies to could "
            "get less human contact than others"
        )
        super().__init__(
            f"{self.what}; give that mix a contact that the rule asks for, or `instead` of one "
            "that cannot be used"
        )


class _Bit(NamedTuple):
    """One bit of a code: an effect, and whether the values that bring it stand in an order."""

    effect: Effect
    ordered: bool


@dataclass(frozen=True, kw_only=True)
class CompiledSafeguards:
    """Safeguards as tables by slot: the rules that apply, and a code of what they do together.

    Args:
        features: the feature set.
        catalogue: the mixes.
        rules: at most 64.
        menu: the mixes on offer; all if empty.

    Raises:
        HeaviestForbidden: if a rule would forbid the mix with most minutes: who has that need could
            be left without any, and a worse situation could mean less human contact.
    """

    features: FeatureSet
    catalogue: Catalogue
    rules: tuple[Safeguard, ...]
    menu: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        last = len(self.catalogue.mixes) - 1
        for rule in self.rules:
            effect = rule.effect
            manual = effect.requirement is Requirement.MANUAL_ONLY
            if not manual and last not in self._held(effect.unusable, {effect.requirement}):
                raise HeaviestForbidden(rule.name, self.catalogue.ids[last])

    @cached_property
    def bits(self) -> NDArray[np.uint64]:
        """The rules that apply, a bit each, by slot of every feature."""
        bits = [0] * self.features.slots
        for number, rule in enumerate(self.rules):
            for place in self._places(rule):
                bits[place] |= 1 << number
        return np.array(bits, np.uint64)

    def _places(self, rule: Safeguard) -> list[int]:
        start = int(self.features.offsets[self.features.column(rule.feature)])
        return [start + slot for slot in rule.slots]

    @cached_property
    def _code_bits(self) -> tuple[_Bit, ...]:
        """What the bits of a code stand for: the different effects, few beside the rules."""
        return tuple(dict.fromkeys(map(self._code_bit, self.rules)))

    def _code_bit(self, rule: Safeguard) -> _Bit:
        ranked = self.features[rule.feature].ranks
        return _Bit(rule.effect, any(slot in ranked for slot in rule.slots))

    @cached_property
    def codes(self) -> NDArray[np.int64]:
        """What the rules do, a code by slot of every feature."""
        codes = np.zeros(self.features.slots, np.int64)
        for rule in self.rules:
            codes[self._places(rule)] |= 1 << self._code_bits.index(self._code_bit(rule))
        return codes

    @cached_property
    def manual(self) -> np.uint64:
        """The rules by which people alone handle a case, as bits."""
        bits = [
            1 << number
            for number, rule in enumerate(self.rules)
            if rule.effect.requirement is Requirement.MANUAL_ONLY
        ]
        return np.uint64(sum(bits))

    @cached_property
    def manual_code(self) -> int:
        """The bits of a code by which people alone handle a case."""
        return sum(
            1 << number
            for number, bit in enumerate(self._code_bits)
            if bit.effect.requirement is Requirement.MANUAL_ONLY
        )

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

    def apply(self, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """Gives what the safeguards do in each row, and which of them apply.

        Returns:
            Codes, of which `permitted` and `comparable` make masks; and the rules that apply, rule
            r of `rules` as bit r. Each has shape (rows,).
        """
        places = rows.take(self.columns, axis=1) + self.offsets
        codes: NDArray[np.int64] = np.bitwise_or.reduce(self.codes.take(places), axis=1)
        bits: NDArray[np.uint64] = np.bitwise_or.reduce(self.bits.take(places), axis=1)
        if np.bitwise_or.reduce(codes, initial=0) & self.manual_code:
            # Where people alone handle the case, nothing else of it is told.
            manual = bits & self.manual
            bits = np.where(manual > 0, manual, bits)
        return codes, bits

    def offered(self, rows: Rows) -> NDArray[np.bool_]:
        """Tells which mixes are on offer and permitted in each row, shape (rows, mixes)."""
        codes, _ = self.apply(rows)
        found: NDArray[np.bool_] = members(self.permitted.take(codes), len(self.catalogue.mixes)).T
        return found

    def lightest(self, rows: Rows) -> NDArray[np.intp]:
        """Gives the lightest mix permitted in each row, the number of mixes where none is."""
        offered = self.offered(rows)
        mixes: NDArray[np.intp] = np.where(
            offered.any(axis=1), offered.argmax(axis=1), offered.shape[1]
        )
        return mixes

    @cached_property
    def permitted(self) -> MaskTable:
        """The mixes on offer that a code permits."""
        return MaskTable(len(self._code_bits), self._mask)

    @cached_property
    def comparable(self) -> MaskTable:
        """The mixes on offer that a milder situation might permit as well.

        Those that a code permits without what comes of values with an order of severity.
        """
        return MaskTable(len(self._code_bits), lambda code: self._mask(code & ~self.ordered))

    @cached_property
    def _implied(self) -> dict[int, int]:
        """By each ordered bit of a code, those that milder values of the same field may set."""
        implied = dict.fromkeys(_bits_of(self.ordered), 0)
        for column in self.columns.tolist():
            ranks = self.features.features[column].ranks
            start = int(self.features.offsets[column])
            set_by = {slot: int(self.codes[start + slot]) & self.ordered for slot in ranks}
            for worse, bits in set_by.items():
                milder = [own for slot, own in set_by.items() if ranks[slot] < ranks[worse]]
                for bit in _bits_of(bits):
                    implied[bit] |= reduce(or_, milder, 0)
        return implied

    def milder(self, code: int) -> tuple[int, ...]:
        """Gives the masks of mixes on offer that milder situations permit, each once.

        They permit more than the code does. Of a value with an order of severity, a milder one sets
        none of its bits, some, or bits of its own.
        """
        known = self._milder.get(code)
        if known is None:
            own, settled = self.permitted[code], code & ~self.ordered
            bits = self._may_be_set(code & self.ordered)
            # All subsets of the bits, the empty one last.
            subset, masks = bits, []
            while subset:
                subset = (subset - 1) & bits
                masks.append(self.permitted[settled | subset])
            wider = [mask for mask in masks if mask & own == own and mask != own]
            known = self._milder[code] = tuple(dict.fromkeys(wider))
        return known

    def situations(self, code: int) -> tuple[int, ...]:
        """Gives the masks whose best mix a case must reach: its own, and then milder situations'.

        Milder ones count only where a mix is taken away that lies above the lightest that is left.
        """
        own = self.permitted[code]
        taken = self.comparable[code] & ~own
        return (own, *self.milder(code)) if taken > own & -own else (own,)

    @cached_property
    def lifting(self) -> MaskTable:
        """Whether a case may have to be lifted to a milder situation's mix, 1 or 0 by code."""
        return MaskTable(len(self._code_bits), lambda code: int(len(self.situations(code)) > 1))

    def situations_of(self, codes: NDArray[np.int64]) -> Masks:
        """Gives the `situations` of many codes.

        Returns:
            Shape (codes, some); rows with fewer are filled up with their own.
        """
        # Many cases have few codes between them.
        distinct, which = np.unique(codes, return_inverse=True)
        found = [self.situations(code) for code in distinct.tolist()]
        most = max(map(len, found), default=1)
        filled = [masks + masks[:1] * (most - len(masks)) for masks in found]
        return np.array(filled, np.int64).reshape(-1, most)[which]

    def _may_be_set(self, bits: int) -> int:
        """Gives ordered bits and all that milder values may set in their place."""
        more = reduce(or_, [self._implied[one] for one in _bits_of(bits)], bits)
        return bits if more == bits else self._may_be_set(more)

    @cached_property
    def _milder(self) -> dict[int, tuple[int, ...]]:
        return {}

    @cached_property
    def bearable(self) -> MaskTable:
        """The mixes on offer that a code permits if need be: too much to ask for is then asked."""
        burdens = sum(
            1 << number for number, bit in enumerate(self._code_bits) if bit.effect.burdensome
        )
        return MaskTable(len(self._code_bits), lambda code: self._mask(code & ~burdens))

    @cached_property
    def ordered(self) -> int:
        """The bits of a code that come of values with an order of severity."""
        return sum(1 << number for number, bit in enumerate(self._code_bits) if bit.ordered)

    def _mask(self, code: int) -> int:
        effects = [bit.effect for number, bit in enumerate(self._code_bits) if code >> number & 1]
        offered = self.menu or self.catalogue.ids
        return sum(1 << k for k in self._permits(effects) if self.catalogue.ids[k] in offered)

    @cached_property
    def permitted_alone(self) -> tuple[int, ...]:
        """The mixes that each rule alone permits, whatever is on offer; mix k as bit k."""
        return tuple(sum(1 << k for k in self._permits([rule.effect])) for rule in self.rules)

    def forbidding(self, bits: int, permitted: int) -> dict[int, str]:
        """Names for each mix that is not permitted a rule why; one is enough.

        Args:
            bits: of the rules that apply.
            permitted: the mixes that are permitted, mix k as bit k.

        Returns:
            By number of the mix the name of a rule, "" where it is not on offer.
        """
        left = (1 << len(self.catalogue.mixes)) - 1 & ~permitted
        if not left:
            return {}
        applied, found = numbers_in(bits), {}
        # The first in the rules' order.
        for rule in applied:
            forbidden = left & ~self.permitted_alone[rule]
            left ^= forbidden
            for number in numbers_in(forbidden):
                found[number] = self.rules[rule].name
        for number in numbers_in(left):
            # Each alone would leave it, and all together do not: the last that takes channels away.
            found[number] = (
                next(
                    self.rules[rule].name
                    for rule in reversed(applied)
                    if self.rules[rule].effect.unusable
                )
                if self.catalogue.ids[number] in (self.menu or self.catalogue.ids)
                else ""
            )
        return found

    def _permits(self, effects: Sequence[Effect]) -> list[int]:
        unusable = frozenset[Channel]().union(*(effect.unusable for effect in effects))
        burdensome = frozenset[Channel]().union(*(effect.burdensome for effect in effects))
        required = {effect.requirement for effect in effects}

        held = self._held(unusable, required)
        # A wish for phone or video that neither can meet is still a wish for a person.
        if not held and Requirement.REMOTE_TALK in required:
            talk = required - {Requirement.REMOTE_TALK} | {Requirement.PERSONAL_TALK}
            held = self._held(unusable, talk)
        if Requirement.MEETING in required:
            # What is too much to ask for is asked as it is wished, but only for more contact than
            # there could be without the wish.
            unasked = self._held(unusable, required - {Requirement.MEETING})
            more_than = max(_easy(unasked, burdensome), default=-1) if burdensome else -1
            return [number for number in held if number > more_than]

        easy = _easy(held, burdensome)
        offered = self.menu or self.catalogue.ids
        left = any(self.catalogue.ids[number] in offered for number in easy)
        return easy if left else list(held)

    def _held(
        self, unusable: frozenset[Channel], required: set[Requirement]
    ) -> dict[int, frozenset[Channel]]:
        """Gives the channels of each mix that can be held and has what is required, by number."""
        held = {}
        for number, mix in enumerate(self.catalogue.mixes):
            channels = mix.channels_without(unusable)
            if channels is not None and all(one.is_met(mix, channels) for one in required):
                held[number] = channels
        return held

    @cached_property
    def _taking_away(self) -> int:
        """The rules by which channels cannot be used, as bits."""
        return sum(1 << number for number, rule in enumerate(self.rules) if rule.effect.unusable)

    @cached_property
    def _unusable(self) -> dict[int, frozenset[Channel]]:
        return {}

    def unusable(self, bits: int) -> frozenset[Channel]:
        """Gives the channels that cannot be used where a set of rules applies."""
        # Few rules take channels away, so few sets of them ever come up.
        taking = bits & self._taking_away
        found = self._unusable.get(taking)
        if found is None:
            effects = [rule.effect.unusable for rule in self.applied(taking)]
            found = self._unusable[taking] = frozenset[Channel]().union(*effects)
        return found

    def applied(self, bits: int) -> list[Safeguard]:
        """Gives the rules of a set of bits, in the catalogue's order."""
        return [self.rules[number] for number in numbers_in(bits)]


def numbers_in(bits: int) -> list[int]:
    """Gives the numbers of the bits that are set, rising."""
    found = []
    while bits:
        found.append((bits & -bits).bit_length() - 1)
        bits &= bits - 1
    return found


def _bits_of(bits: int) -> list[int]:
    return [1 << number for number in numbers_in(bits)]


def _easy(held: dict[int, frozenset[Channel]], burdensome: frozenset[Channel]) -> list[int]:
    """Gives the mixes of which nothing is too much to ask for."""
    return [number for number, channels in held.items() if not channels & burdensome]


class MaskTable:
    """Masks by code, each worked out when it first comes up: few of the many codes ever do.

    Args:
        bits: of a code.
        mask: works one out.
    """

    def __init__(self, bits: int, mask: Callable[[int], int]) -> None:
        self._mask = mask
        # No mask is below 0: mixes are at most 63.
        self._masks = np.full(1 << bits, -1, np.int64)
        self._known: dict[int, int] = {}

    def __getitem__(self, code: int) -> int:
        """Gives the mask of one code."""
        known = self._known.get(code)
        if known is None:
            known = self._known[code] = self._mask(code)
        return known

    def take(self, codes: NDArray[np.int64]) -> Masks:
        """Gives the masks of codes, shape of the codes."""
        found: Masks = self._masks.take(codes)
        if np.minimum.reduce(found, initial=0) < 0:
            for code in np.unique(codes[found < 0]).tolist():
                self._masks[code] = self[code]
            found = self._masks.take(codes)
        return found


def members(masks: Masks, mixes: int) -> NDArray[np.bool_]:
    """Tells which mixes are in masks, shape (mixes, masks)."""
    found: NDArray[np.bool_] = (masks >> np.arange(mixes)[:, None] & 1).astype(np.bool_)
    return found
