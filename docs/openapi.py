"""Writes the OpenAPI document of JSON over HTTP from the contract: `make openapi`.

Structure and names are those of the descriptors; explanations, bounds and what is required those of
the contract for callers, clients/proto. No generator for Python or Node makes OpenAPI of Connect's
calls; the one for Go would be a tool chain of its own.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from importlib import resources
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import (
    Descriptor,
    EnumDescriptor,
    FieldDescriptor,
    MethodDescriptor,
    OneofDescriptor,
)
from grpc_tools import protoc

from router.cases.features import annotation
from router.serving.http.calls import path_of
from router.serving.http.door import BODY_AT_MOST
from router.serving.server import SERVICES

ROOT = Path(__file__).resolve().parents[1]
CALLERS = ROOT / "clients/proto"
WRITTEN = ROOT / "router/serving/http/openapi.json"
Schema = dict[str, Any]

# What a call may end with, by HTTP status; the codes are gRPC's, as Connect spells them.
ERRORS = {
    "400": "`invalid_argument`: the request must be changed; `google.rpc.BadRequest` names each "
    "field, problem and bound. `failed_precondition`: what is recorded rules it out.",
    "401": "`unauthenticated`: no client certificate or bearer token, or one that is not accepted.",
    "403": "`permission_denied`: the callers' file does not let the caller do this.",
    "404": "`not_found`: what was asked for does not exist. `unimplemented`: no such method.",
    "405": "Methods are called with POST.",
    "409": "`aborted`: something else stands already; `google.rpc.ErrorInfo` says what.",
    "413": f"The body is larger than {BODY_AT_MOST:,} bytes.",
    "415": "The content type is not one that is taken.",
    "429": "`resource_exhausted`: too many calls in flight, or of this caller; "
    "`google.rpc.RetryInfo` says when to retry.",
    "500": "`internal`: a fault of ours, without details.",
    "503": "`unavailable`: the server drains, or the journal cannot be written; nothing was "
    "acknowledged, retry.",
    "504": "`deadline_exceeded`: the deadline passed.",
}
SECURITY: Schema = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Of an issuer that the server is set to trust.",
    },
    "certificate": {
        "type": "mutualTLS",
        "description": "Of an authority that the server is set to trust.",
    },
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
# How the contract's rules say that a text is a day.
_DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
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


@dataclass(slots=True)
class _Contract:
    """What the descriptors that the server runs with do not hold, by full name.

    Attributes:
        comments: of everything.
        rules: of each field, buf.validate.FieldRules.
        choices: the oneofs of which one must be given.
    """

    comments: dict[str, str] = dataclass_field(default_factory=dict)
    rules: dict[str, Any] = dataclass_field(default_factory=dict)
    choices: set[str] = dataclass_field(default_factory=set)


def document() -> Schema:
    """Gives the document."""
    contract = _read()
    comments = contract.comments
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
            schemas[name] = _message(found, contract)
            # An answer may hold more some day; a request with a name we do not know is refused.
            if name not in received:
                schemas[name]["additionalProperties"] = False
    return {
        "openapi": "3.1.0",
        "info": {
            # Generators name what they make by it: not as our own clients, channel-router-client.
            "title": "Channel router over HTTP",
            "version": "v1",
            "description": INTRODUCTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        # Any one of these, or none: a server may also let everyone on its own machine call.
        "security": [{}, *({name: []} for name in SECURITY)],
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
            "securitySchemes": SECURITY,
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
        "summary": comments[method.full_name].partition(". ")[0].partition(";")[0].rstrip("."),
        "description": comments[method.full_name],
        "parameters": [{"$ref": "#/components/parameters/deadline"}],
        "requestBody": {"required": True, "content": _json(_named(method.input_type))},
        "responses": {"200": answer, **answers},
    }


def _message(message: Descriptor, contract: _Contract) -> Schema:
    fields = {field.json_name: _field(field, contract) for field in message.fields}
    schema: Schema = {"type": "object", "description": contract.comments.get(message.full_name, "")}
    required = [
        field.json_name for field in message.fields if _is_required(contract.rules[field.full_name])
    ]
    for oneof in message.oneofs:
        names = [field.json_name for field in oneof.fields]
        if len(names) > 1:
            schema["description"] += f" One of {', '.join(names)}."
        if oneof.full_name in contract.choices:
            schema["oneOf"] = [{"required": [name]} for name in names]
    return schema | {"properties": fields} | ({"required": required} if required else {})


def _field(field: FieldDescriptor, contract: _Contract) -> Schema:
    schema = _type(field)
    said = [contract.comments.get(field.full_name, "")]
    note = annotation(field)
    if note.top_coded:
        said.append(f"{note.upper} means this or more.")
    if note.unit:
        said.append(f"In {note.unit}.")
    if field.is_repeated:
        schema = {"type": "array", "items": schema}
    schema |= _bounds(contract.rules[field.full_name])
    return schema | {"description": " ".join(part for part in said if part)}


def _bounds(rules: Any) -> Schema:  # noqa: ANN401 - buf.validate.FieldRules, made while it runs
    """Gives what protovalidate's rules say, in the words of JSON Schema."""
    kind = rules.WhichOneof("type")
    if kind is None:
        return {}
    its = getattr(rules, kind)
    words = {
        "gte": "minimum",
        "lte": "maximum",
        "min_len": "minLength",
        "max_len": "maxLength",
        "pattern": "pattern",
        "min_items": "minItems",
        "max_items": "maxItems",
    }
    told = {field.name: value for field, value in its.ListFields()}
    bounds: Schema = {words[name]: value for name, value in told.items() if name in words}
    if told.get("uuid"):
        bounds["format"] = "uuid"
    elif told.get("pattern") == _DAY:
        bounds["format"] = "date"
    return bounds


def _is_required(rules: Any) -> bool:  # noqa: ANN401 - as above
    if rules.ignore:  # it may be left out, and is checked if it is there
        return False
    text = rules.string
    # Without a value a text is empty, and is judged as such.
    not_empty = text.uuid or text.min_len or not re.search(text.pattern, "")
    # Left out, a list is empty.
    not_empty = not_empty or rules.repeated.min_items
    return bool(rules.required or rules.enum.not_in or not_empty)


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


def _read() -> _Contract:
    """Reads the contract for callers: comments, and bounds as protovalidate rules.

    Raises:
        SystemExit: if it does not compile.
    """
    bundled = resources.files("grpc_tools") / "_proto"
    protos = [str(path) for path in sorted((CALLERS / "router/v1").glob("*.proto"))]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "contract.binpb")
        folders = [f"-I{place}" for place in (CALLERS, ROOT / "third_party", bundled)]
        flags = [*folders, "--include_source_info", "--include_imports"]
        if protoc.main(["protoc", *flags, f"--descriptor_set_out={out}", *protos]):
            raise SystemExit("the contract does not compile")
        files = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file

    # A pool of its own: the server's contract has the same names, and no rules.
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.AddSerializedFile(file.SerializeToString())
    contract = _Contract()
    for file in files:
        contract.comments |= _comments(file)
        for message in pool.FindFileByName(file.name).message_types_by_name.values():
            _add_rules(contract, message, pool)
    return contract


def _add_rules(
    contract: _Contract, message: Descriptor, pool: descriptor_pool.DescriptorPool
) -> None:
    for field in message.fields:
        contract.rules[field.full_name] = _option(field, "FieldOptions", "field", pool)
    for oneof in message.oneofs:
        if _option(oneof, "OneofOptions", "oneof", pool).required:
            contract.choices.add(oneof.full_name)
    for inner in message.nested_types:
        _add_rules(contract, inner, pool)


def _option(
    thing: FieldDescriptor | OneofDescriptor,
    kind: str,
    name: str,
    pool: descriptor_pool.DescriptorPool,
) -> Any:  # noqa: ANN401 - of a class that is made while it runs
    options = message_factory.GetMessageClass(pool.FindMessageTypeByName(f"google.protobuf.{kind}"))
    told: Any = options.FromString(thing.GetOptions().SerializeToString())
    return told.Extensions[pool.FindExtensionByName(f"buf.validate.{name}")]


def _comments(file: descriptor_pb2.FileDescriptorProto) -> dict[str, str]:
    """Gives a file's comments by the full name of what they are about."""
    said = {
        tuple(place.path): " ".join(place.leading_comments.split())
        for place in file.source_code_info.location
    }
    return {name: said.get(path, "") for path, name in _names(file)}


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
    argparse.ArgumentParser(prog="python -m docs.openapi", description=__doc__).parse_args()
    WRITTEN.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{WRITTEN.relative_to(ROOT)}\n")
