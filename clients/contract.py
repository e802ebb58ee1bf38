"""Writes the contract for callers: that of proto/, with its bounds as protovalidate rules.

Run as `python -m clients.contract`. The bounds are read where they are stated, in the contract's
annotations and in the constants that the server checks by, and stated nowhere else. The server
itself does not depend on protovalidate.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor

from router.cases.features import REFERENCES, annotation
from router.journal.feedback import CONTACTS_AT_MOST, MINUTES_AT_MOST
from router.serving.caseload.cases import HOURS_AT_MOST
from router.serving.routing.service import CASES_AT_MOST, FULL_AT_MOST
from router.v1 import (
    case_pb2,
    caseload_pb2,
    channel_router_pb2,
    feature_pb2,
    feedback_pb2,
    models_pb2,
    recommendation_pb2,
)

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "clients" / "proto"
FILES: tuple[FileDescriptor, ...] = tuple(
    module.DESCRIPTOR
    for module in (
        case_pb2,
        caseload_pb2,
        channel_router_pb2,
        feature_pb2,
        feedback_pb2,
        models_pb2,
        recommendation_pb2,
    )
)
_NOTE = (
    "// Made from proto/ by `make stubs`: do not edit. Bounds are told as protovalidate rules.\n"
)
_IMPORT = 'import "buf/validate/validate.proto";\n'
_FIELD = "(buf.validate.field)"
_CASE_REF = REFERENCES["case_ref"].longest
# A caller that sends none is not wrong: proto3 does not tell "" from absent.
_IF_GIVEN = f"{_FIELD}.ignore = IGNORE_IF_ZERO_VALUE"
_UUID = f"{_FIELD}.string.uuid = true"
_REQUIRED = f"{_FIELD}.required = true"
_FULL = channel_router_pb2.VIEW_FULL
_IDENTITIES = ("request_id", "decision_id", "review_id")


def _reference(name: str, least: int = 0) -> str:
    """Gives the rule of a reference: its lengths, and the characters that its places may have."""
    rule = REFERENCES[name]
    pattern = f"^(?:{rule.plain.pattern})?$".replace("\\", "\\\\")
    shortest = f"min_len: {least}, " if least else ""
    return f'{_FIELD}.string = {{{shortest}max_len: {rule.longest}, pattern: "{pattern}"}}'


# By message and field, what no annotation and no name tells.
_STATED: dict[str, tuple[str, ...]] = {
    "RecommendRequest.case": (_REQUIRED,),
    "RecommendRequest.request_id": (_UUID, _IF_GIVEN),
    "RecommendStreamRequest.case": (_REQUIRED,),
    "RecommendStreamRequest.request_id": (_UUID, _IF_GIVEN),
    "RecommendBatchRequest.cases": (
        f"{_FIELD}.repeated = {{min_items: 1, max_items: {CASES_AT_MOST}}}",
    ),
    "RecommendBatchRequest.request_ids": (
        f"{_FIELD}.repeated.items = {{string: {{uuid: true}}, ignore: IGNORE_IF_ZERO_VALUE}}",
    ),
    "ListRecommendationsRequest.case_ref": (_reference("case_ref", 1),),
    "ListReviewsRequest.office_ref": (_reference("office_ref"),),
    "PlanHeader.office_ref": (_reference("office_ref"),),
    "PlanHeader.hours": (f"{_FIELD}.double = {{gte: 0, lte: {HOURS_AT_MOST}}}",),
    "ChannelTime.contacts": (f"{_FIELD}.int32 = {{gte: 0, lte: {CONTACTS_AT_MOST}}}",),
    "ChannelTime.minutes": (f"{_FIELD}.int32 = {{gte: 0, lte: {MINUTES_AT_MOST}}}",),
    "RecordOutcomeRequest.outcome": (f"{_FIELD}.double = {{gte: 0, lte: 1}}",),
    "RecordOutcomeRequest.observed_on": (
        f'{_FIELD}.string.pattern = "^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$"',
    ),
    "RecordChoiceRequest.mix_id": (f"{_FIELD}.string.min_len = 1",),
    "RecordOwnViewRequest.mix_id": (f"{_FIELD}.string.min_len = 1",),
}
# Enums of which "unspecified" is refused: it must be said.
_SAID = frozenset(
    {
        "ChannelTime.channel",
        "RecordChoiceRequest.wished_by",
        "RequestReviewRequest.asked_by",
        "RequestReviewRequest.reason",
        "AnswerReviewRequest.result",
    }
)
# What one field alone does not tell: name, message, expression.
_TOGETHER: dict[str, tuple[tuple[str, str, str], ...]] = {
    "Case": (
        (
            "case_ref.required",
            f"case_ref must be given unless shielded: 1 to {_CASE_REF} characters",
            "this.case_ref != '' || !has(this.shielded) || this.shielded",
        ),
    ),
    "RecommendBatchRequest": (
        (
            "request_ids.each",
            "request_ids must be none, or one for each case",
            "size(this.request_ids) == 0 || size(this.request_ids) == size(this.cases)",
        ),
        (
            "cases.full_view",
            f"the FULL view takes at most {FULL_AT_MOST} cases",
            f"this.view != {_FULL} || size(this.cases) <= {FULL_AT_MOST}",
        ),
    ),
}
_REQUIRED_ONEOFS = {"RecordOutcomeRequest": "result"}


def asked_messages() -> dict[str, Descriptor]:
    """Gives the messages that a caller sends, by name: answers have no rules, so that they grow."""
    found: dict[str, Descriptor] = {}

    def add(message: Descriptor | None) -> None:
        if message is None or message.name in found or message.file not in FILES:
            return
        found[message.name] = message
        for field in message.fields:
            add(field.message_type)

    for file in FILES:
        for service in file.services_by_name.values():
            for method in service.methods:
                add(method.input_type)
    return found


def rules(field: FieldDescriptor) -> tuple[str, ...]:
    """Gives the protovalidate rules of a field that a caller sends, as options of the field."""
    _, message, name = field.full_name.rsplit(".", 2)
    path = f"{message}.{name}"
    if path in _STATED:
        return _STATED[path]
    if field.enum_type is not None:
        unsaid = (f"{_FIELD}.enum.not_in = 0",) if path in _SAID else ()
        return (f"{_FIELD}.enum.defined_only = true", *unsaid)
    if field.name == "page_size":
        return (f"{_FIELD}.int32.gte = 0",)
    if field.name in _IDENTITIES:
        return (_UUID,)
    if field.name == "corrects":
        return (_UUID, _IF_GIVEN)
    return tuple(_annotated(field))


def _annotated(field: FieldDescriptor) -> Iterator[str]:
    """Gives the rules that the feature annotation tells."""
    if field.containing_type is not case_pb2.Case.DESCRIPTOR:
        return
    note = annotation(field)
    if field.name in REFERENCES:
        yield _reference(field.name)
    if field.type == FieldDescriptor.TYPE_INT32:
        most = "" if note.top_coded else f", lte: {note.upper}"
        yield f"{_FIELD}.int32 = {{gte: {note.lower}{most}}}"


def with_rules(file: FileDescriptor) -> str:
    """Gives the text of a file of the contract, with the rules; `buf format` lays it out.

    Raises:
        ValueError: if a field's text is not found.
    """
    text = (ROOT / "proto" / file.name).read_text(encoding="utf-8")
    asked = asked_messages()
    told = 0
    for message in file.message_types_by_name.values():
        if message.name in asked:
            text = _message(text, message)
            told += 1
    if told:
        before, first, after = text.partition("\nimport ")
        # Files without an import have the syntax and the package only.
        place = before + "\n" + _IMPORT + first.lstrip("\n") + after if first else None
        text = place or text.replace("\noption ", f"\n{_IMPORT}\noption ", 1)
    return _NOTE + text


def _message(text: str, message: Descriptor) -> str:
    begin = text.index(f"message {message.name} {{")
    end = text.index("\n}\n", begin)
    body = text[begin:end]
    for field in message.fields:
        options = ", ".join(rules(field))
        if options:
            body = _field(body, field, options)

    told = "".join(_expression(*one) for one in _TOGETHER.get(message.name, ()))
    body = body.replace("{\n", f"{{\n{told}", 1)
    if oneof := _REQUIRED_ONEOFS.get(message.name):
        option = "option (buf.validate.oneof).required = true;"
        body = body.replace(f"oneof {oneof} {{\n", f"oneof {oneof} {{\n{option}\n", 1)
    return text[:begin] + body + text[end:]


def _field(body: str, field: FieldDescriptor, options: str) -> str:
    """Adds options to a field, beside those that it has.

    Raises:
        ValueError: if the field's text is not found.
    """
    place = re.compile(rf" {field.name} = {field.number}(?P<had> \[.*?\])?;", re.DOTALL)
    found = place.search(body)
    if found is None:
        raise ValueError(f"{field.full_name} is not found in the contract's text")
    had = (found["had"] or " []")[2:-1].rstrip()
    every = f"{had}, {options}" if had else options
    return f"{body[: found.start()]} {field.name} = {field.number} [{every}];{body[found.end() :]}"


def _expression(name: str, message: str, expression: str) -> str:
    fields = f'id: "{name}" message: "{message}" expression: "{expression}"'
    return f"option (buf.validate.message).cel = {{{fields}}};\n"


def write(folder: Path) -> list[Path]:
    """Writes the files of the contract with their rules, laid out by buf; gives their paths."""
    made = []
    for file in FILES:
        path = folder / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(with_rules(file), encoding="utf-8")
        made.append(path)
    tool: Any = Path(sys.executable).parent / "buf"
    subprocess.run([tool, "format", "-w", str(folder)], check=True)
    return made


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m clients.contract", description=__doc__).parse_args()
    write(FOLDER)
