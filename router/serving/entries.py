"""How many messages a request holds, told before they are made.

Two bytes are an empty case, which takes two hundred once it is a message: without a look beforehand
a request of one MiB took more than a hundred.
"""

from __future__ import annotations

from functools import cache
from typing import cast

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message

from router.serving.status import refuse

ENTRIES_AT_MOST = 50_000
"""Messages in one repeated field of a request; as many as a plan may have cases."""
_LOOKED_AT = 64 << 10
"""Bytes from which on it is looked: fewer hold no more than that many entries, or nearly."""
_Place = descriptor_pb2.FieldDescriptorProto


def check_entries(data: bytes, message: type[Message]) -> None:
    """Refuses a request that holds too many messages; does nothing if the bytes do not parse.

    Args:
        data: of the request.
        message: whose bytes they should be.

    Raises:
        InvalidRequest: naming the field.
    """
    if len(data) < _LOOKED_AT:
        return
    outline = _outline(cast("Descriptor", message.DESCRIPTOR))
    if outline is None:
        return
    try:
        _check(outline.FromString(data), "")
    except DecodeError:
        # Told of by whoever parses it.
        return


def _check(outline: Message, within: str) -> None:
    for field, value in outline.ListFields():
        path = f"{within}{field.name}"
        if not field.is_repeated:
            _check(value, f"{path}.")
        elif len(value) > ENTRIES_AT_MOST:
            refuse(path, f"has {len(value):,} entries; {ENTRIES_AT_MOST:,} are permitted at most")


@cache
def _outline(descriptor: Descriptor) -> type[Message] | None:
    """Gives a message of the same form in which entries stay bytes; None if it has no entries.

    To the wire a message within another is bytes. Other fields are not in it: they are passed over
    as unknown ones.
    """
    file = descriptor_pb2.FileDescriptorProto(
        name=f"outline/{descriptor.full_name}.proto", package="outline", syntax="proto3"
    )
    _add(file, descriptor)
    if not file.message_type:
        return None
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    name = f"outline.{_name(descriptor)}"
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def _add(file: descriptor_pb2.FileDescriptorProto, descriptor: Descriptor) -> bool:
    """Adds a message's outline to a file; tells whether it has entries, else nothing is added."""
    made = descriptor_pb2.DescriptorProto(name=_name(descriptor))
    for field in descriptor.fields:
        if field.message_type is None:
            continue
        place = _Place(
            name=field.name,
            number=field.number,
            label=_Place.LABEL_OPTIONAL,
            type=_Place.TYPE_MESSAGE,
        )
        if field.is_repeated:
            place.label, place.type = _Place.LABEL_REPEATED, _Place.TYPE_BYTES
        elif _add(file, field.message_type):
            place.type_name = f".outline.{_name(field.message_type)}"
        else:
            continue
        made.field.append(place)
    if made.field and made.name not in [one.name for one in file.message_type]:
        file.message_type.append(made)
    return bool(made.field)


def _name(descriptor: Descriptor) -> str:
    return descriptor.full_name.replace(".", "_")
