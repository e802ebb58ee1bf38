"""How bodies become requests, in JSON or protobuf, and answers become bodies.

The library parses a body before a call is admitted and counted, and what it says of one that it
cannot read repeats the value. So it is given codecs that put the reading off until the edge asks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from typing import Any, cast

import orjson
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from router.cases.problems import FieldProblem, shown
from router.serving.edge import parser
from router.serving.entries import ENTRIES_AT_MOST
from router.serving.status import InvalidRequest, refuse

LARGE = 64 << 10
"""Bytes from which on JSON is read and written on a thread: it would hold up all other calls."""

VALUES_AT_MOST = 400_000
"""Commas in a body of JSON: a thousand cases have sixty thousand."""
# What is counted before a body is read, and how many there may be: more than any request needs.
_MARKS = (
    (b"{", ENTRIES_AT_MOST, "objects"),
    (b"[", ENTRIES_AT_MOST, "lists"),
    (b",", VALUES_AT_MOST, "values"),
)
# More than an error shows: what is wrong in a thousand places is looked for in a few.
_PROBLEMS_AT_MOST = 100
_TIMESTAMP = "google.protobuf.Timestamp"
_BOUNDS = {
    FieldDescriptor.CPPTYPE_INT32: "a whole number of 32 bits",
    FieldDescriptor.CPPTYPE_INT64: "a whole number of 64 bits",
    FieldDescriptor.CPPTYPE_UINT32: "a whole number of 32 bits, not negative",
    FieldDescriptor.CPPTYPE_UINT64: "a whole number of 64 bits, not negative",
    FieldDescriptor.CPPTYPE_FLOAT: "a number",
    FieldDescriptor.CPPTYPE_DOUBLE: "a number",
    FieldDescriptor.CPPTYPE_BOOL: "true or false",
    FieldDescriptor.CPPTYPE_STRING: "a text",
}
# The library takes true for 1, a false tri-state for unknown, 2.7 for 2 and "1_2" for 12.
_WHOLE = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?|NaN|-?Infinity")
_TEXTS = {
    FieldDescriptor.CPPTYPE_INT32: _WHOLE,
    FieldDescriptor.CPPTYPE_INT64: _WHOLE,
    FieldDescriptor.CPPTYPE_UINT32: _WHOLE,
    FieldDescriptor.CPPTYPE_UINT64: _WHOLE,
    FieldDescriptor.CPPTYPE_FLOAT: _NUMBER,
    FieldDescriptor.CPPTYPE_DOUBLE: _NUMBER,
}


@dataclass(frozen=True, slots=True)
class Unread:
    """A body that gives its request when called, or raises InvalidRequest."""

    data: bytes
    reader: Callable[[bytes], object]
    large: bool = False

    def __call__(self) -> object:
        """Gives the request."""
        return self.reader(self.data)


class Json:
    """Bodies in JSON, as protobuf maps it; names of fields in either spelling."""

    def name(self) -> str:
        """Gives what the content type calls it."""
        return "json"

    def encode(self, message: Message | bytes) -> bytes:
        """Writes an answer, unless that was done beforehand."""
        return message if isinstance(message, bytes) else to_json(message)

    def decode(self, data: bytes | bytearray, message_class: type[Message]) -> Unread:
        """Puts off the reading of a request."""
        reader = partial(from_json, message_class=message_class)
        return Unread(bytes(data), reader, large=len(data) >= LARGE)


class Binary:
    """Bodies in protobuf."""

    def name(self) -> str:
        """Gives what the content type calls it."""
        return "proto"

    def encode(self, message: Message) -> bytes:
        """Writes an answer."""
        return message.SerializeToString()

    def decode(self, data: bytes | bytearray, message_class: type[Message]) -> Unread:
        """Puts off the reading of a request."""
        return Unread(bytes(data), parser(message_class.FromString))


def to_json(message: Message) -> bytes:
    """Writes an answer in JSON."""
    return orjson.dumps(json_format.MessageToDict(message))


def from_json(data: bytes, message_class: type[Message]) -> Message:
    """Reads a request; an unknown field is an error, for it may be a misspelt one.

    Raises:
        InvalidRequest: naming every field that cannot be read, and never repeating a value; or if
            there are more values than any request needs.
    """
    _check_size(data)
    message = message_class()
    descriptor = cast("Descriptor", message.DESCRIPTOR)
    try:
        body = json.loads(data.decode(), object_pairs_hook=_once)
        # What is no object the library takes for an empty message, or fails at; only protobuf's own
        # wrappers of one value are none.
        if isinstance(body, dict):
            unfit = _guessed_at(body, descriptor)
        else:
            unfit = isinstance(body, list) or descriptor.file.package != "google.protobuf"
        if unfit:
            raise InvalidRequest(_problems(data, descriptor))
        json_format.ParseDict(body, message)
    except (json_format.ParseError, ValueError, RecursionError):
        raise InvalidRequest(_problems(data, descriptor)) from None
    return message


def _check_size(data: bytes) -> None:
    # Three bytes of JSON may be an object, which takes hundreds.
    for mark, most, what in _MARKS:
        if (found := data.count(mark)) > most:
            refuse("request", f"has {found:,} {what}; {most:,} are permitted at most")


@cache
def _checked(descriptor: Descriptor) -> Mapping[str, tuple[FieldDescriptor, frozenset[str]]]:
    """Gives the fields that are looked at, by either name, and the names of their values."""
    return {
        name: (field, frozenset(field.enum_type.values_by_name if field.enum_type else ()))
        for field in descriptor.fields
        for name in (field.json_name, field.name)
        if field.message_type is not None or field.enum_type is not None or field.cpp_type in _TEXTS
    }


def _guessed_at(body: Mapping[str, object], descriptor: Descriptor) -> bool:
    """Tells whether the library would read a value as one that its sender may not mean."""
    checked = _checked(descriptor)
    for name, value in body.items():
        # Nearly all values, in a thousand cases with forty each.
        if type(value) is int and _is_32_bits(value):
            continue
        found = checked.get(name)
        if found is None:
            continue
        field, names = found
        if type(value) is str and value in names:
            continue
        for item in value if isinstance(value, list) else (value,):
            if field.message_type is None:
                if not _plain(item, field):
                    return True
            elif isinstance(item, dict) and _guessed_at(item, field.message_type):
                return True
    return False


def _is_32_bits(value: object) -> bool:
    return type(value) is int and -(1 << 31) <= value < 1 << 31


def _plain(value: object, field: FieldDescriptor) -> bool:
    """Tells whether a value is as JSON has it: no truth value is a number, no fraction a name."""
    if value is None:
        return True
    if field.enum_type is not None:
        # Of a larger number the library takes the last 32 bits.
        return _is_32_bits(value) or (isinstance(value, str) and value[:1].isalpha())
    text = _TEXTS.get(field.cpp_type)
    if text is None:
        return True
    return bool(text.fullmatch(value)) if isinstance(value, str) else type(value) is not bool


def _problems(data: bytes, descriptor: Descriptor) -> list[FieldProblem]:
    """Looks for what is wrong once more, field by field, in words of our own."""
    try:
        body = json.loads(data.decode(), object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        refuse("request", f"is not JSON: {error.msg}, line {error.lineno} column {error.colno}")
    except UnicodeDecodeError as error:
        refuse("request", f"is not UTF-8 from byte {error.start} on")
    except (ValueError, RecursionError):
        refuse("request", "is JSON that is nested too deep, or holds too long a number")
    found = list(islice(_in_message(body, descriptor, ""), _PROBLEMS_AT_MOST))
    # What no field alone is to blame for, e.g. two of which only one may stand.
    return found or [_problem("", f"is not a {descriptor.full_name}")]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    # Two spellings of a name are one field; where none has an underscore there is but one.
    mixed = "_" in "".join(found)
    if mixed or len(found) < len(pairs):
        names = [name.replace("_", "").lower() if mixed else name for name, _ in pairs]
        if len(set(names)) < len(names):
            twice = next(n for n, name in enumerate(names) if name in names[:n])
            refuse("request", f"has the name {shown(pairs[twice][0])} twice in one object")
    return found


def _in_message(value: object, descriptor: Descriptor, path: str) -> Iterator[FieldProblem]:
    if not isinstance(value, dict):
        yield _problem(path, f"must be an object, a {descriptor.full_name}")
        return
    fields = {name: field for field in descriptor.fields for name in (field.json_name, field.name)}
    for name, inner in value.items():
        field = fields.get(name)
        # Only a name that is the contract's may stand in a path.
        if field is None:
            known = descriptor.full_name
            yield _problem(path, f"has a field {shown(name)}, which {known} does not have")
            continue
        place = f"{path}.{field.name}" if path else field.name
        if not field.is_repeated:
            yield from _in_value(inner, field, place)
        elif not isinstance(inner, list):
            yield _problem(place, "must be a list")
        else:
            for index, item in enumerate(inner):
                yield from _in_value(item, field, f"{place}[{index}]", null=False)


def _in_value(
    value: object, field: FieldDescriptor, path: str, *, null: bool = True
) -> Iterator[FieldProblem]:
    if value is None and null:  # as if it were not there
        return
    kind = field.message_type
    if kind is not None and kind.full_name != _TIMESTAMP:
        yield from _in_message(value, kind, path)
        return
    if not _plain(value, field):
        yield _problem(path, f"must be {_bound(field)}")
        return
    alone = message_factory.GetMessageClass(cast("Descriptor", field.containing_type))()
    try:
        json_format.ParseDict({field.name: [value] if field.is_repeated else value}, alone)
    except (json_format.ParseError, ValueError):
        yield _problem(path, f"must be {_bound(field)}")


def _bound(field: FieldDescriptor) -> str:
    if field.enum_type is not None:
        return "one of " + ", ".join(value.name for value in field.enum_type.values)
    if field.message_type is not None:
        return "a time such as 2026-11-25T12:00:00Z"
    return _BOUNDS[field.cpp_type]


def _problem(path: str, description: str) -> FieldProblem:
    return FieldProblem(index=0, field=path or "request", description=description)
