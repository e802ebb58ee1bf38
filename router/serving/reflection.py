"""Reflection under both names that clients ask for: v1, and v1alpha from before it was stable.

grpcio-reflection serves v1alpha alone. The messages of the two are the same, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.reflection import aio

_PACKAGE, _V1 = "grpc.reflection.v1alpha", "grpc.reflection.v1"
_SERVICE = "ServerReflection"
NAMES = (f"{_V1}.{_SERVICE}", f"{_PACKAGE}.{_SERVICE}")


def servicer(services: Iterable[str]) -> aio.ReflectionServicer:
    """Gives what tells of services, and of itself."""
    _describe_v1()
    return aio.ReflectionServicer((*services, *NAMES))


def register(told_by: aio.ReflectionServicer, server: grpc.aio.Server) -> None:
    """Adds reflection to a server, under both names."""
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(told_by, server)
    method = grpc.stream_stream_rpc_method_handler(
        told_by.ServerReflectionInfo,
        reflection_pb2.ServerReflectionRequest.FromString,
        reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    v1 = grpc.method_handlers_generic_handler(NAMES[0], {"ServerReflectionInfo": method})
    server.add_generic_rpc_handlers((v1,))


def _describe_v1() -> None:
    """Makes v1's descriptors known: a client asks for those of every service that is listed."""
    file = descriptor_pb2.FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(file)
    file.name = file.name.replace("v1alpha", "v1")
    file.package = _V1
    file.ClearField("options")  # v1alpha's say that it is deprecated

    for field in (field for message in file.message_type for field in message.field):
        if field.type_name:
            field.type_name = field.type_name.replace(_PACKAGE, _V1)
    for method in file.service[0].method:
        method.input_type = method.input_type.replace(_PACKAGE, _V1)
        method.output_type = method.output_type.replace(_PACKAGE, _V1)
    # A second server in the process adds the same again, which changes nothing.
    descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
