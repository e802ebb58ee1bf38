"""The features of a case as finite slots: slot 0 of each feature is "unknown"."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNKNOWN = "UNKNOWN"
"""How an unknown value is named where values are keys."""
Rows = NDArray[np.uint16]
"""Slot numbers, shape (cases, features), columns in the order of `FeatureSet.features`."""


class Role(Enum):
    """What a feature may be used for."""

    MODEL = "MODEL"
    HARD_RULE = "HARD_RULE"
    SAFEGUARD = "SAFEGUARD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One feature with its finitely many values.

    An integer feature has `lower`..`upper` in `unit`; a categorical one has named `values`, and
    then `lower` is 1 and `upper` the number of values, so that value v always has slot v - lower +
    1. Where it is `top_coded`, `upper` stands for itself and every larger number.

    `severity` holds its slots from the mildest to the worst, those of one step equally bad; a slot
    that is in no step stands in no order.
    """

    name: str
    roles: frozenset[Role]
    lower: int
    upper: int
    unit: str = ""
    values: tuple[str, ...] = ()
    changeable: bool = False
    nominal: bool = False
    group: str = ""
    top_coded: bool = False
    severity: tuple[tuple[int, ...], ...] = ()

    @property
    def ranks(self) -> dict[int, int]:
        """Gives the step of severity of each slot that stands in an order, the mildest 0."""
        return {slot: rank for rank, step in enumerate(self.severity) for slot in step}

    @property
    def slots(self) -> int:
        """Number of slots, "unknown" included."""
        return self.upper - self.lower + 2

    def slot(self, value: str | int | None) -> int:
        """Gives the slot of a value; None is unknown.

        Raises:
            ValueError: if the feature has no such value; the message names the bound.
        """
        if value is None:
            return 0
        if isinstance(value, str):
            if value not in self.values:
                known = ", ".join(self.values) or "whole numbers"
                raise ValueError(f"{self.name}: {value!r} is not one of its values ({known})")
            return self.values.index(value) + 1
        # A category is named: a number for one would depend on the order of the enum.
        if not self.lower <= value <= self.upper or self.values:
            raise ValueError(f"{self.name}: {value} is outside {self.bound}")
        return value - self.lower + 1

    def value(self, slot: int) -> str | int | None:
        """Gives the value of a slot; None is unknown."""
        if slot == 0:
            return None
        return self.values[slot - 1] if self.values else self.lower + slot - 1

    def in_words(self, slots: Iterable[int]) -> str:
        """Names values, an integer's as a span, e.g. "unknown or 90 days or more"."""
        rising = sorted(slots)
        words = ["unknown"] if rising[0] == 0 else []
        known = [slot for slot in rising if slot]
        if self.values:
            words += [str(self.value(slot)) for slot in known]
        elif known and self.top_coded and known[-1] == self.slots - 1:
            words.append(f"{self.value(known[0])} {self.unit} or more")
        elif known:
            words.append(f"{self.value(known[0])} to {self.value(known[-1])} {self.unit}")
        return " or ".join(words)

    @property
    def bound(self) -> str:
        """The permitted values in words, e.g. "0 to 520 weeks; 520 means this or more"."""
        if self.values:
            return "one of " + ", ".join(self.values)
        top = f"; {self.upper} means this or more" if self.top_coded else ""
        return f"{self.lower} to {self.upper} {self.unit}{top}"

    def is_above(self, value: int) -> bool:
        """Tells whether a number is read as `upper` because it is above it."""
        return self.top_coded and value > self.upper


@dataclass(frozen=True, kw_only=True)
class FeatureSet:
    """The features of a case, in the contract's order."""

    features: tuple[Feature, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names in column order."""
        return tuple(feature.name for feature in self.features)

    def column(self, name: str) -> int:
        """Gives the column of a feature.

        Raises:
            KeyError: if there is no such feature.
        """
        try:
            return self.names.index(name)
        except ValueError:
            raise KeyError(f"no feature named {name!r}") from None

    def __getitem__(self, name: str) -> Feature:
        """Gives the feature of that name."""
        return self.features[self.column(name)]

    @cached_property
    def offsets(self) -> NDArray[np.intp]:
        """Where each feature's slots start in a table over all slots, shape (features,)."""
        sizes = [feature.slots for feature in self.features]
        return np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)

    @cached_property
    def slots(self) -> int:
        """Number of slots of all features."""
        return sum(feature.slots for feature in self.features)

    def columns(self, role: Role) -> NDArray[np.intp]:
        """Gives the columns of the features that have a role."""
        return np.array(
            [i for i, feature in enumerate(self.features) if role in feature.roles], np.intp
        )

    @cached_property
    def model_inputs(self) -> list[dict[str, Any]]:
        """What tables depend on: names, bounds and values of the model's features, in order.

        Equal ones mean interchangeable tables. Fields that no model reads may come and go, units
        and groups be reworded.
        """
        return [
            {"name": one.name, "lower": one.lower, "upper": one.upper, "values": list(one.values)}
            for one in self.features
            if Role.MODEL in one.roles
        ]

    def row(self, **values: str | int | None) -> NDArray[np.uint16]:
        """Gives the row of a case from values by name; a feature not named is unknown.

        Raises:
            KeyError: if a name is no feature's.
            ValueError: if a value is outside its bound.
        """
        row = np.zeros(len(self.features), np.uint16)
        for name, value in values.items():
            row[self.column(name)] = self[name].slot(value)
        return row
