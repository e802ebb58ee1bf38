"""Figures and verdicts to JSON and back; what does not fit is refused by its path."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

# A module of stubs: it exists for type checkers alone.
if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")


def to_json(figures: DataclassInstance) -> str:
    """Writes figures as JSON, keys in the order of their fields.

    What older figures lack, and is therefore None where nobody gives it, is left out again.

    Raises:
        ValueError: if a number is not finite.
    """
    # By json, not by msgspec: versions are committed with its layout, and digests are of bytes.
    return json.dumps(_plain(figures), indent=1, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        told = {field: getattr(value, field.name) for field in fields}
        return {
            field.name: _plain(one)
            for field, one in told.items()
            if one is not None or field.default is not None
        }
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def from_json(text: str, kind: type[T]) -> T:
    """Reads what `to_json` wrote.

    Raises:
        ValueError: naming the path of what is missing or of another shape.
    """
    try:
        return msgspec.json.Decoder(kind).decode(text)
    except msgspec.DecodeError as problem:
        raise ValueError(f"{kind.__name__}: {problem}") from problem
