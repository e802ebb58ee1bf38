"""Figures to JSON and back; what does not fit is refused by name."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from typing import Any, TypeVar

T = TypeVar("T")


def to_json(figures: Any) -> str:  # noqa: ANN401 - any of the values above
    """Figures as JSON, keys in the order above."""
    return json.dumps(dataclasses.asdict(figures), indent=1, allow_nan=False) + "\n"


def from_json(text: str, kind: type[T]) -> T:
    """The inverse of `to_json`.

    Raises:
        ValueError: naming what is missing or of another shape.
    """
    return typing.cast(T, _read(json.loads(text), kind, kind.__name__))


def _read(value: Any, kind: Any, where: str) -> Any:  # noqa: ANN401
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise ValueError(f"{where}: is not an object")
        hints = typing.get_type_hints(kind)
        missing = hints.keys() - value.keys()
        if missing:
            raise ValueError(f"{where}: lacks {', '.join(sorted(missing))}")
        return typing.cast(Any, kind)(
            **{name: _read(value[name], hint, f"{where}.{name}") for name, hint in hints.items()}
        )
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        if value is None:
            return None
        fitting = next((one for one in arguments if type(value) is one), arguments[0])
        return _read(value, fitting, where)
    if origin is tuple:
        each = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else arguments
        return tuple(
            _read(one, hint, f"{where}[{n}]")
            for n, (one, hint) in enumerate(zip(value, each, strict=True))
        )
    if origin is dict:
        return {key: _read(one, arguments[1], f"{where}.{key}") for key, one in value.items()}
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind):
        raise ValueError(f"{where}: {value!r} is not of type {kind.__name__}")  # noqa: TRY004 - one error for all
    return value
