"""How bodies in JSON become requests: no number stands for a value that it is not."""

from collections.abc import Iterator

import orjson
import pytest
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from router.serving.http.bodies import from_json
from router.serving.status import InvalidRequest
from router.v1 import caseload_pb2, channel_router_pb2, feedback_pb2, models_pb2

REQUESTS = {
    method.input_type.full_name: method.input_type
    for module in (caseload_pb2, channel_router_pb2, feedback_pb2, models_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}


def places(descriptor: Descriptor) -> Iterator[tuple[list[FieldDescriptor], FieldDescriptor]]:
    """Gives every field that names values, with the messages around it."""
    for field in descriptor.fields:
        if field.enum_type is not None:
            yield [], field
        elif field.message_type is not None and field.message_type.file.package == "router.v1":
            for around, inner in places(field.message_type):
                yield [field, *around], inner


def body(around: list[FieldDescriptor], field: FieldDescriptor, value: object) -> bytes:
    for one in [field, *reversed(around)]:
        value = {one.json_name: [value] if one.is_repeated else value}
    return orjson.dumps(value)


ENUMS = [(name, *place) for name, descriptor in REQUESTS.items() for place in places(descriptor)]


@pytest.mark.parametrize(
    ("request_name", "around", "field"),
    ENUMS,
    ids=[f"{name}-{'.'.join(one.name for one in [*around, it])}" for name, around, it in ENUMS],
)
def test_a_number_that_32_bits_do_not_hold_is_no_value_anywhere(
    request_name: str, around: list[FieldDescriptor], field: FieldDescriptor
) -> None:
    message_class = message_factory.GetMessageClass(REQUESTS[request_name])
    for number in (2**31, 2**32 + 1, -(2**32) + 1, 2**40, 2**63 - 1):
        with pytest.raises(InvalidRequest) as refused:
            from_json(body(around, field, number), message_class)
        [problem] = refused.value.problems
        assert problem.field.replace("[0]", "") == ".".join(one.name for one in [*around, field])
        assert problem.description.startswith("must be one of ")
    read = from_json(body(around, field, 1), message_class)
    assert json_format.MessageToDict(read)
