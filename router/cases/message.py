"""One case from a message: read into its row of slots, with what is wrong by field."""

from __future__ import annotations

from functools import cache
from operator import attrgetter
from typing import cast

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.unknown_fields import UnknownFieldSet

from router.cases.features import CASE_REF, CODED, FEATURES, NOT_SHIELDED, REFERENCES, SHIELDED
from router.cases.problems import FieldProblem
from router.decision.schema import Feature
from router.v1 import case_pb2


def _slots(field: FieldDescriptor, feature: Feature) -> dict[int, int]:
    """Gives the slot of each permitted value, as the contract's field has it."""
    if field.type == FieldDescriptor.TYPE_BOOL:
        return {True: feature.slot("YES"), False: feature.slot("NO")}
    # An enum that is not set is 0: unknown. An integer says by its presence whether it is known.
    return _numbered(feature.lower, feature.upper, zero=bool(feature.values))


@cache
def _numbered(lower: int, upper: int, *, zero: bool) -> dict[int, int]:
    """Gives the slots of numbers; of many fields that are alike once, which the cache then holds.

    Args:
        lower: number of slot 1.
        upper: number of the last slot.
        zero: whether 0 has slot 0.
    """
    slots = {number: slot for slot, number in enumerate(range(lower, upper + 1), 1)}
    return {0: 0} | slots if zero else slots


_SLOT_OF = [_slots(*one) for one in zip(CODED, FEATURES.features, strict=True)]
_OPTIONAL = [(column, field.name) for column, field in enumerate(CODED) if field.has_presence]
_read = attrgetter(*FEATURES.names)
NO_CASE = (
    "is missing or empty; a shielded case is sent as shielded = true, "
    "any other with its reference, shielded = false and what is known of it"
)
"""What is wrong with a case that says nothing at all."""


def encode(
    case: case_pb2.Case,
    problems: list[FieldProblem],
    index: int = 0,
    top_coded: list[str] | None = None,
) -> list[int]:
    """Encodes a case into its row of slots.

    Args:
        case: as sent.
        problems: what is wrong is added here; the row of a case with a problem means nothing.
        index: the case's number among several, for its problems.
        top_coded: names of fields whose number was above the highest that is told apart, and is
            read as that, are added here.

    Returns:
        A slot per feature. A case that is shielded, or does not say, is read no further: its row
        holds that alone.
    """
    # A dict look-up for each value is as fast for one case as array arithmetic is for a thousand,
    # and one way for both keeps single and batch answers the same.
    values: tuple[int, ...] = _read(case)
    slots: list[int | None] = list(map(dict.get, _SLOT_OF, values))
    for column, name in _OPTIONAL:
        # Only a 0 may be a field that is not set: the others need not be asked.
        if not values[column] and not case.HasField(name):  # type: ignore[arg-type] # a field's
            slots[column] = 0

    shielded = slots[SHIELDED] != NOT_SHIELDED
    # Texts are checked in a shielded case too: a national id must not come in by any door.
    problems += _text_problems(index, case, required=not shielded)
    if shielded:
        # What sends nothing by mistake must hear of it, not be taken for a shielded person.
        if not case.ByteSize():
            problems.append(FieldProblem(index=index, field="", description=NO_CASE))
        return [slot or 0 if column == SHIELDED else 0 for column, slot in enumerate(slots)]
    if None in slots:
        above = [] if top_coded is None else top_coded
        return [
            _beyond(feature, value, index, problems, above) if slot is None else slot
            for slot, value, feature in zip(slots, values, FEATURES.features, strict=True)
        ]
    return cast(list[int], slots)


def _beyond(
    feature: Feature, value: int, index: int, problems: list[FieldProblem], top_coded: list[str]
) -> int:
    """Gives the slot of a value that has none of its own: the last one, or 0 with a problem."""
    if feature.is_above(value):
        top_coded.append(feature.name)
        return feature.slots - 1
    told = f"{value} is outside the permitted values: {feature.bound}"
    problems.append(FieldProblem(index=index, field=feature.name, description=told))
    return 0


def _text_problems(index: int, case: case_pb2.Case, *, required: bool) -> list[FieldProblem]:
    found = []
    if required and not case.case_ref:
        found.append((CASE_REF, f"must be given: {REFERENCES[CASE_REF].bound}; use a random UUID"))
    for name, rule in REFERENCES.items():
        problem = rule.problem(getattr(case, name))
        if problem:
            found.append((name, problem))
    # Protobuf would carry them along unseen: a field that no rule knows, name or diagnosis.
    if len(UnknownFieldSet(case)):
        found.append(
            ("", "has fields that the contract does not know; send only fields of router.v1.Case")
        )
    return [FieldProblem(index=index, field=field, description=text) for field, text in found]
