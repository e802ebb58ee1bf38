"""The features of a case, read from the annotated contract: the single source of names, bounds, roles and slots."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import Any, cast

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.unknown_fields import UnknownFieldSet

from router.cases.national_id import holds_national_id
from router.decision.schema import Feature, FeatureSet, Role
from router.v1 import case_pb2, feature_pb2

_ROLES = {
    feature_pb2.ROLE_MODEL: Role.MODEL,
    feature_pb2.ROLE_HARD_RULE: Role.HARD_RULE,
    feature_pb2.ROLE_SAFEGUARD: Role.SAFEGUARD,
}
YES_NO = ("YES", "NO")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProblem:
    """What is wrong with one field of one case: path within the case, and the value's problem with the bound."""

    index: int
    field: str
    description: str


def annotation(field: FieldDescriptor) -> feature_pb2.Feature:
    """The feature annotation of a field of Case."""
    options: Any = field.GetOptions()
    found: feature_pb2.Feature = options.Extensions[feature_pb2.feature]
    return found


def _feature(field: FieldDescriptor) -> Feature:
    note = annotation(field)
    values: tuple[str, ...] = ()
    if field.enum_type is not None:
        zero, *rest = field.enum_type.values
        prefix = len(zero.name.removesuffix("UNSPECIFIED"))
        values = tuple(value.name[prefix:] for value in rest)
    elif field.type == FieldDescriptor.TYPE_BOOL:
        values = YES_NO
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
    )


_FIELDS = case_pb2.Case.DESCRIPTOR.fields
_CODED = [field for field in _FIELDS if field.type != FieldDescriptor.TYPE_STRING]
TEXTS = tuple(
    (field.name, annotation(field).max_length) for field in _FIELDS if field not in _CODED
)
FEATURES = FeatureSet(features=tuple(_feature(field) for field in _CODED))

_read = attrgetter(*FEATURES.names)
_SLOTS: list[dict[int, int]] = [
    {True: 1, False: 2}
    if field.type == FieldDescriptor.TYPE_BOOL
    else {0: 0} | {value: value for value in range(1, feature.upper + 1)}
    if feature.values
    else {value: value - feature.lower + 1 for value in range(feature.lower, feature.upper + 1)}
    for field, feature in zip(_CODED, FEATURES.features, strict=True)
]
_SLOT_OF = [known.get for known in _SLOTS]
_OPTIONAL = [(column, field.name) for column, field in enumerate(_CODED) if field.has_presence]
SHIELDED = FEATURES.column("shielded")
_NOT_SHIELDED = FEATURES["shielded"].slot("NO")


def encode(case: case_pb2.Case, problems: list[FieldProblem], index: int = 0) -> list[int]:
    """Encodes a case into its row of slots.

    Args:
        case: as sent.
        problems: what is wrong is added here; the row of a case with a problem means nothing.
        index: the case's number among several, for its problems.

    Returns:
        A slot per feature. A case that is shielded, or does not say, is read no further: its row
        holds that alone.
    """
    # A dict look-up for each value is as fast for one case as array arithmetic is for a thousand,
    # and one way for both keeps single and batch answers the same.
    values: tuple[int, ...] = _read(case)
    slots: list[int | None] = [
        slot_of(value) for slot_of, value in zip(_SLOT_OF, values, strict=True)
    ]
    for column, name in _OPTIONAL:
        if not values[column] and not case.HasField(name):  # type: ignore[arg-type]
            slots[column] = 0
    shielded = slots[SHIELDED] != _NOT_SHIELDED
    problems += _text_problems(index, case, required=not shielded)
    if shielded:
        return [slot or 0 if column == SHIELDED else 0 for column, slot in enumerate(slots)]
    if None in slots:
        problems += [
            FieldProblem(
                index=index,
                field=feature.name,
                description=f"{value} is outside the permitted values: {feature.bound}",
            )
            for slot, value, feature in zip(slots, values, FEATURES.features, strict=True)
            if slot is None
        ]
        return [slot or 0 for slot in slots]
    return cast(list[int], slots)


def _text_problems(index: int, case: case_pb2.Case, *, required: bool) -> list[FieldProblem]:
    found = []
    if required and not case.case_ref:
        found.append(("case_ref", "must be given: 1 to 64 characters"))
    for name, longest in TEXTS:
        text = getattr(case, name)
        if len(text) > longest:
            found.append((name, f"has {len(text)} characters; at most {longest} are permitted"))
        elif text and holds_national_id(text):
            found.append((name, "looks like a national identity number; send a random reference"))
        elif not text.isprintable():
            found.append((name, "has control characters"))
    if len(UnknownFieldSet(case)):
        found.append(
            ("", "has fields that the contract does not know; send only fields of router.v1.Case")
        )
    return [FieldProblem(index=index, field=field, description=text) for field, text in found]
