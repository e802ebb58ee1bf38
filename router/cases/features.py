"""The rules for a case's values, derived from the annotated contract, which alone states them.

Features with their bounds, values and slots; references with their rule; who is shielded. The
readers of messages (`message`), Arrow batches (`arrow`) and training's frames go by them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from google.protobuf.descriptor import FieldDescriptor
from numpy.typing import NDArray

from router.cases.references import reference
from router.decision.schema import UNKNOWN, Feature, FeatureSet, Role, Rows
from router.v1 import case_pb2, feature_pb2

CASE_REF = "case_ref"
OFFICE_REF = "office_ref"
LOGGED = ("mix", "outcome", "adviser_minutes", "propensity", "decided_on")
"""Columns of logged cases beside the contract's fields; they say nothing of what to recommend."""
_ROLES = {
    feature_pb2.ROLE_MODEL: Role.MODEL,
    feature_pb2.ROLE_HARD_RULE: Role.HARD_RULE,
    feature_pb2.ROLE_SAFEGUARD: Role.SAFEGUARD,
}
_YES_NO = ("YES", "NO")


def annotation(field: FieldDescriptor) -> feature_pb2.Feature:
    """Reads the feature annotation of a field of Case."""
    options: Any = field.GetOptions()
    found: feature_pb2.Feature = options.Extensions[feature_pb2.feature]
    return found


def _feature(field: FieldDescriptor) -> Feature:
    note = annotation(field)
    values: tuple[str, ...] = ()
    if field.enum_type is not None:
        # The contract's enums begin with PREFIX_UNSPECIFIED, 0: unknown, and no value.
        zero, *rest = field.enum_type.values
        prefix = len(zero.name.removesuffix("UNSPECIFIED"))
        values = tuple(value.name[prefix:] for value in rest)
    elif field.type == FieldDescriptor.TYPE_BOOL:
        values = _YES_NO
    return Feature(
        name=field.name,
        roles=frozenset(_ROLES[role] for role in note.roles),
        lower=1 if values else note.lower,
        upper=len(values) if values else note.upper,
        unit=note.unit,
        values=values,
        changeable=note.changeable,
        nominal=note.nominal,
        group=note.group,
        top_coded=note.top_coded,
        severity=_severity(note, values),
    )


def _severity(note: feature_pb2.Feature, values: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
    if values:
        slots = {UNKNOWN: 0} | {value: slot for slot, value in enumerate(values, 1)}
        return tuple(
            tuple(slots[value] for value in step.split("|")) for step in note.mildest_first
        )
    if note.worse == feature_pb2.WORSE_UNSPECIFIED:
        return ()
    rising = [(slot,) for slot in range(1, note.upper - note.lower + 2)]
    if note.worse == feature_pb2.WORSE_LOWER:
        rising.reverse()
    return (*rising, (0,)) if note.unknown_is_worst else tuple(rising)


_FIELDS = case_pb2.Case.DESCRIPTOR.fields
CODED = tuple(field for field in _FIELDS if field.type != FieldDescriptor.TYPE_STRING)
"""The contract's fields that are features, in the order of `FEATURES`."""
FEATURES = FeatureSet(features=tuple(_feature(field) for field in CODED))
PREFIXES = {
    field.name: field.enum_type.values[0].name.removesuffix("UNSPECIFIED")
    for field in CODED
    if field.enum_type is not None
}
"""What the names of an enum's values begin with in the contract, by feature."""
REFERENCES = {
    field.name: reference(annotation(field).max_length)
    for field in _FIELDS
    if field.type == FieldDescriptor.TYPE_STRING
}
"""The rule of each of the contract's texts by name; there are no others."""
SHIELDED = FEATURES.column("shielded")
NOT_SHIELDED = FEATURES["shielded"].slot("NO")


def are_shielded(rows: Rows) -> NDArray[np.bool_]:
    """Says which cases are shielded or do not say, shape (n,)."""
    shielded: NDArray[np.bool_] = rows[:, SHIELDED] != NOT_SHIELDED
    return shielded


def slots_of(
    numbers: NDArray[np.integer], known: NDArray[np.bool_] | bool, feature: Feature
) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
    """Gives the slots of a column's values, and says which are outside the bound.

    What is above the bound of a top-coded feature is not outside: it has the last slot.

    Args:
        numbers: (n,) values; of an enum, the place of the value among `feature.values`, from 1.
            `feature.lower - 1` where it is unknown or cannot be read.
        known: (n,) where something is given, readable or not; or True for all.
        feature: whose values they are.

    Returns:
        Slots, which mean nothing where the value is outside, and where it is; both of shape (n,).
    """
    if feature.top_coded:
        numbers = np.minimum(numbers, feature.upper)
    slots = numbers - (feature.lower - 1)
    # Slot 0 with something given: it could not be read, and must not pass as unknown.
    bad = (slots < 0) | (slots >= feature.slots) | ((slots == 0) & known)
    return slots.astype(np.uint16), bad
