"""Frozen dataclasses as plain JSON values and back, by the types of their attributes.

Known are str, int, float, dates, UUIDs, enums, dataclasses, tuples of one type and `| None`.
"""

from __future__ import annotations

import uuid
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever an attribute may be
    """What JSON can hold of a value: enums as their values, UUIDs and days as text."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    match value:
        case tuple():
            return [plain(one) for one in value]
        case uuid.UUID() | date():
            return str(value)
        case Enum():
            return value.value
        case _:
            return value


def typed(wanted: Any, value: Any) -> Any:  # noqa: ANN401
    """The inverse of `plain` for a type; a key too many is ignored.

    Raises:
        KeyError: if an attribute is missing.
        TypeError: if a value has another type.
        ValueError: if a value is none of the permitted ones.
    """
    if is_dataclass(wanted):
        return wanted(**{name: typed(kind, value[name]) for name, kind in _types(wanted).items()})  # type: ignore[operator,arg-type]
    if get_origin(wanted) is UnionType:
        return None if value is None else typed(get_args(wanted)[0], value)
    if get_origin(wanted) is tuple:
        if not isinstance(value, list):
            raise TypeError(f"{value!r} is not a list")
        return tuple(typed(get_args(wanted)[0], one) for one in value)
    accepted = {float: (float, int), int: (int,)}.get(wanted, (str,))
    if type(value) not in accepted:
        raise TypeError(f"{value!r} is not {accepted[0].__name__}")
    return date.fromisoformat(value) if wanted is date else wanted(value)


@cache
def _types(content: type) -> dict[str, Any]:
    return get_type_hints(content)
