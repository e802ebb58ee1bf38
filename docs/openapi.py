"""Writes the OpenAPI document of JSON over HTTP from the contract: `make openapi`.

Structure, names and bounds are those of the descriptors, explanations those of the comments in
proto/. No generator for Python or Node makes OpenAPI of Connect's calls; the one for Go would be
a tool chain of its own.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import (
    Descriptor,
    EnumDescriptor,
    FieldDescriptor,
    MethodDescriptor,
)
from grpc_tools import protoc

from router.cases.features import annotation
from router.serving.http.calls import path_of
from router.serving.http.door import BODY_AT_MOST
from router.serving.server import SERVICES

ROOT = Path(__file__).resolve().parents[1]
WRITTEN = ROOT / "router/serving/http/openapi.json"
Schema = dict[str, Any]

# What a call may end with, by HTTP status; the codes are gRPC's, as Connect spells them.
ERRORS = {
    "400": "`invalid_argument`: the request must be changed; `google.rpc.BadRequest` names each "
    "field, problem and bound. `failed_precondition`: what is recorded rules it out.",
    "404": "`not_found`: what was asked for does not exist. `unimplemented`: no such method.",
    "405": "Methods are called with POST.",
    "409": "`aborted`: something else stands already; `google.rpc.ErrorInfo` says what.",
    "413": f"The body is larger than {BODY_AT_MOST:,} bytes.",
    "415": "The content type is not one that is taken.",
    "429": "`resource_exhausted`: too many calls in flight; `google.rpc.RetryInfo` says when to "
    "retry.",
    "500": "`internal`: a fault of ours, without details.",
    "503": "`unavailable`: the server drains, or the journal cannot be written; nothing was "
    "acknowledged, retry.",
    "504": "`deadline_exceeded`: the deadline passed.",
}
INTRODUCTION = """\
The services of router.v1 as JSON over HTTP, in the Connect protocol: POST one JSON object to
/SERVICE/METHOD. Fields are read in either spelling, case_ref or caseRef; unknown ones are refused.
Errors name fields as the contract does. Calls that stream are not listed: they are Connect's
streams (application/connect+json), or gRPC's.
"""
_SCALARS: dict[int, Schema] = {
    FieldDescriptor.CPPTYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.CPPTYPE_UINT32: {"type": "integer", "format": "int64", "minimum": 0},
    # Beyond what numbers of JavaScript hold: a text.
    FieldDescriptor.CPPTYPE_INT64: {"type": "string", "pattern": "^-?[0-9]+$"},
    FieldDescriptor.CPPTYPE_UINT64: {"type": "string", "pattern": "^[0-9]+$"},
    FieldDescriptor.CPPTYPE_FLOAT: {"type": "number", "format": "float"},
    FieldDescriptor.CPPTYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.CPPTYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.CPPTYPE_STRING: {"type": "string"},
}
_KNOWN: dict[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?s$"},
    "google.protobuf.Any": {
        "type": "object",
        "description": "Any message; the others of its fields stand beside its type.",
        "properties": {"@type": {"type": "string"}},
    },
}
_Proto = (
    descriptor_pb2.DescriptorProto
    | descriptor_pb2.EnumDescriptorProto
    | descriptor_pb2.ServiceDescriptorProto
)


def document() -> Schema:
    """Gives the document."""
    comments = dict(_comments())
    methods = [
        method
        for service in SERVICES
        for method in service.methods
        if not method.client_streaming and not method.server_streaming
    ]
    sent = _reachable(method.input_type for method in methods)
    received = _reachable(method.output_type for method in methods)
    schemas: Schema = {"Error": _error()}
    for name, found in sorted((sent | received).items()):
        if isinstance(found, EnumDescriptor):
            schemas[name] = _enum(found, comments)
        else:
            schemas[name] = _message(found, comments)
            # An answer may hold more some day; a request with a name we do not know is refused.
            if name not in received:
                schemas[name]["additionalProperties"] = False
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Channel router",
            "version": "v1",
            "description": INTRODUCTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": service.full_name, "description": comments[service.full_name]}
            for service in SERVICES
        ],
        "paths": {path_of(method): {"post": _operation(method, comments)} for method in methods},
        "components": {
            "schemas": schemas,
            "responses": {
                code: {"description": text, "content": _json({"$ref": _ref("Error")})}
                for code, text in ERRORS.items()
            },
            "parameters": {"deadline": _deadline()},
        },
    }


def text() -> str:
    """Gives the document as it is written."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def _operation(method: MethodDescriptor, comments: dict[str, str]) -> Schema:
    answers = {code: {"$ref": f"#/components/responses/{code}"} for code in ERRORS}
    answer = {"description": "The answer.", "content": _json(_named(method.output_type))}
    return {
        "operationId": f"{method.containing_service.name}_{method.name}",
        "tags": [method.containing_service.full_name],
        "description": comments[method.full_name],
        "parameters": [{"$ref": "#/components/parameters/deadline"}],
        "requestBody": {"required": True, "content": _json(_named(method.input_type))},
        "responses": {"200": answer, **answers},
    }


def _message(message: Descriptor, comments: dict[str, str]) -> Schema:
    fields = {field.json_name: _field(field, comments) for field in message.fields}
    schema: Schema = {"type": "object", "description": comments.get(message.full_name, "")}
    choices = [
        f"At most one of {', '.join(field.json_name for field in oneof.fields)}."
        for oneof in message.oneofs
        if len(oneof.fields) > 1
    ]
    schema["description"] = " ".join([schema["description"], *choices])
    required = [field.json_name for field in message.fields if _is_required(field, comments)]
    return schema | {"properties": fields} | ({"required": required} if required else {})


def _is_required(field: FieldDescriptor, comments: dict[str, str]) -> bool:
    if "Required." in comments.get(field.full_name, ""):
        return True
    # The contract's way to say that a choice must be made.
    enum = field.enum_type
    return enum is not None and comments[_value(enum, 0)].startswith("Refused")


def _field(field: FieldDescriptor, comments: dict[str, str]) -> Schema:
    schema = _type(field)
    said = [comments.get(field.full_name, "")]
    note = annotation(field)
    if field.cpp_type == FieldDescriptor.CPPTYPE_INT32 and note.roles:
        schema["minimum"] = note.lower
        if note.top_coded:
            said.append(f"{note.upper} means this or more.")
        else:
            schema["maximum"] = note.upper
        said.append(f"In {note.unit}.")
    if note.max_length:
        schema["maxLength"] = note.max_length
    if field.is_repeated:
        schema = {"type": "array", "items": schema}
    return schema | {"description": " ".join(part for part in said if part)}


def _type(field: FieldDescriptor) -> Schema:
    if field.message_type is not None:
        return _named(field.message_type)
    if field.enum_type is not None:
        return {"$ref": _ref(field.enum_type.full_name)}
    return dict(_SCALARS[field.cpp_type])


def _enum(enum: EnumDescriptor, comments: dict[str, str]) -> Schema:
    lines = [
        f"- `{value.name}`: {comments[_value(enum, at)]}" for at, value in enumerate(enum.values)
    ]
    said = [comments[enum.full_name], "", *lines]
    names = [value.name for value in enum.values]
    return {"type": "string", "enum": names, "description": "\n".join(said)}


def _value(enum: EnumDescriptor, place: int) -> str:
    return f"{enum.full_name}.{enum.values[place].name}"


def _named(message: Descriptor) -> Schema:
    return dict(_KNOWN.get(message.full_name) or {"$ref": _ref(message.full_name)})


def _ref(name: str) -> str:
    return f"#/components/schemas/{name}"


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _error() -> Schema:
    detail = {
        "type": "object",
        "required": ["type", "value"],
        "properties": {
            "type": {"type": "string", "description": "Name of the message in google.rpc."},
            "value": {"type": "string", "description": "Its bytes, base64 without padding."},
            "debug": {"type": "object", "description": "The same, to be read."},
        },
    }
    return {
        "type": "object",
        "description": "An error, as Connect writes it.",
        "required": ["code", "message"],
        "properties": {
            "code": {"type": "string", "description": "gRPC's code, e.g. invalid_argument."},
            "message": {"type": "string", "description": "For a log; details are below."},
            "details": {"type": "array", "items": detail},
        },
    }


def _deadline() -> Schema:
    return {
        "name": "Connect-Timeout-Ms",
        "in": "header",
        "description": "Milliseconds after which the caller no longer waits; set it always.",
        "schema": {"type": "integer", "minimum": 0, "maximum": 9_999_999_999},
    }


def _reachable(messages: Iterable[Descriptor]) -> dict[str, Descriptor | EnumDescriptor]:
    """Gives messages and the types that they are made of, by name."""
    found: dict[str, Descriptor | EnumDescriptor] = {}
    waiting = list(messages)
    while waiting:
        message = waiting.pop()
        if message.full_name in found or message.full_name in _KNOWN:
            continue
        found[message.full_name] = message
        for field in message.fields:
            if field.message_type is not None:
                waiting.append(field.message_type)
            elif field.enum_type is not None:
                found[field.enum_type.full_name] = field.enum_type
    return found


def _comments() -> Iterator[tuple[str, str]]:
    """Gives the contract's comments by the full name of what they are about.

    Raises:
        SystemExit: if the contract does not compile.
    """
    bundled = resources.files("grpc_tools") / "_proto"
    protos = [str(path) for path in sorted((ROOT / "proto/router/v1").glob("*.proto"))]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "contract.binpb")
        folders = [f"-I{place}" for place in (ROOT / "proto", ROOT / "third_party", bundled)]
        flags = [*folders, "--include_source_info", f"--descriptor_set_out={out}"]
        if protoc.main(["protoc", *flags, *protos]):
            raise SystemExit("the contract does not compile")
        files = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file
    for file in files:
        said = {
            tuple(place.path): " ".join(place.leading_comments.split())
            for place in file.source_code_info.location
        }
        for path, name in _names(file):
            yield name, said.get(path, "")


def _names(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    """Gives where each thing of a file stands, and its full name."""
    tops: list[tuple[int, Iterable[Any]]]
    tops = [(4, file.message_type), (5, file.enum_type), (6, file.service)]
    for number, things in tops:
        for at, thing in enumerate(things):
            yield from _within(thing, (number, at), f"{file.package}.{thing.name}")


def _within(
    thing: _Proto, path: tuple[int, ...], name: str
) -> Iterator[tuple[tuple[int, ...], str]]:
    yield path, name
    parts: list[tuple[int, Iterable[Any]]]
    inner: list[tuple[int, Iterable[Any]]]
    match thing:
        case descriptor_pb2.DescriptorProto():
            parts = [(2, thing.field)]
            inner = [(3, thing.nested_type), (4, thing.enum_type)]
            for number, things in inner:
                for at, below in enumerate(things):
                    yield from _within(below, (*path, number, at), f"{name}.{below.name}")
        case descriptor_pb2.EnumDescriptorProto():
            parts = [(2, thing.value)]
        case _:
            parts = [(2, thing.method)]
    for number, inner_parts in parts:
        for at, part in enumerate(inner_parts):
            yield (*path, number, at), f"{name}.{part.name}"


if __name__ == "__main__":
    WRITTEN.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{WRITTEN.relative_to(ROOT)}\n")
