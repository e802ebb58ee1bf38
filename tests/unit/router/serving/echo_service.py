"""A service that gives texts back: each kind of RPC, in each style of grpc.aio."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, wrappers_pb2
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.wrappers_pb2 import StringValue
from prometheus_client import CollectorRegistry

from router.serving.status import NothingFound

SERVICE = "router.v1.Echo"
Texts = AsyncIterator[StringValue]
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class Echo:
    """Each kind of RPC in each style: the second half reads from and writes to the context."""

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[str] = asyncio.Queue()
        self.closed = asyncio.Event()
        # Characters of an answer by which it floods its caller; grpc takes 4 MiB.
        self.big = 100_000

    def echo(self, request: StringValue) -> StringValue:
        """Gives the text back, or fails as it says."""
        self.arrived.put_nowait(request.value)
        if request.value == "missing":
            raise NothingFound("there is none")
        if request.value == "broken":
            raise RuntimeError("secret")
        return StringValue(value=request.value)

    async def one_to_one(self, request: StringValue, context: Context) -> StringValue:
        return self.echo(request)

    async def one_to_many(self, request: StringValue, context: Context) -> Texts:
        yield self.echo(request)
        yield self.echo(request)

    async def many_to_one(self, requests: Texts, context: Context) -> StringValue:
        texts = [self.echo(request).value async for request in requests]
        return StringValue(value=" ".join(texts))

    async def many_to_many(self, requests: Texts, context: Context) -> Texts:
        async for request in requests:
            yield self.echo(request)

    async def one_to_many_written(self, request: StringValue, context: Context) -> None:
        await context.write(self.echo(request))
        await context.write(self.echo(request))

    async def many_to_one_read(self, requests: object, context: Context) -> StringValue:
        texts = []
        while (request := await context.read()) is not grpc.aio.EOF:
            texts.append(self.echo(request).value)
        return StringValue(value=" ".join(texts))

    async def many_to_many_written(self, requests: object, context: Context) -> None:
        while (request := await context.read()) is not grpc.aio.EOF:
            await context.write(self.echo(request))

    async def told_by_code(self, request: StringValue, context: Context) -> StringValue:
        context.set_code(grpc.StatusCode.DATA_LOSS)
        return request

    async def waits(self, request: StringValue, context: Context) -> Texts:
        try:
            yield self.echo(request)
            await asyncio.Event().wait()
        finally:
            self.closed.set()

    async def floods(self, request: StringValue, context: Context) -> None:
        self.arrived.put_nowait(request.value)
        big = StringValue(value="x" * self.big)
        try:
            while True:
                await context.write(big)
        finally:
            self.closed.set()


KINDS = {
    "one_to_one": "unary_unary",
    "one_to_many": "unary_stream",
    "one_to_many_written": "unary_stream",
    "many_to_one": "stream_unary",
    "many_to_one_read": "stream_unary",
    "many_to_many": "stream_stream",
    "many_to_many_written": "stream_stream",
    "told_by_code": "unary_unary",
    "waits": "unary_stream",
    "floods": "unary_stream",
}
ECHOES = [name for name in KINDS if "_to_" in name]
LABELS = {
    "unary_unary": "unary",
    "unary_stream": "server_stream",
    "stream_unary": "client_stream",
    "stream_stream": "bidi_stream",
}


def register(echo: Echo, server: grpc.aio.Server, service: str = SERVICE) -> None:
    """Adds it to a server, as generated code does."""
    methods = {
        name: getattr(grpc, f"{kind}_rpc_method_handler")(
            getattr(echo, name), StringValue.FromString, StringValue.SerializeToString
        )
        for name, kind in KINDS.items()
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))


def descriptor() -> ServiceDescriptor:
    """Describes it, as a contract's file does."""
    file = descriptor_pb2.FileDescriptorProto(
        name="tests/echo.proto",
        package="router.v1",
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    service = file.service.add(name="Echo")
    text = f".{StringValue.DESCRIPTOR.full_name}"
    for name, kind in KINDS.items():
        service.method.add(
            name=name,
            input_type=text,
            output_type=text,
            client_streaming=kind.startswith("stream"),
            server_streaming=kind.endswith("stream"),
        )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindServiceByName(SERVICE)


async def counted(registry: CollectorRegistry, name: str) -> dict[str, float]:
    """Gives how often calls of a method ended, by code, once all that were begun have ended."""
    # A caller may hear of the end of a call before the server has counted it.
    while sum(_series(registry, "started", name).values()) > sum(
        (ended := _series(registry, "handled", name)).values()
    ):
        await asyncio.sleep(0)
    return {code: calls for code, calls in ended.items() if calls}


def _series(registry: CollectorRegistry, what: str, name: str) -> dict[str, float]:
    labels = {"grpc_type": LABELS[KINDS[name]], "grpc_service": SERVICE, "grpc_method": name}
    return {
        sample.labels.get("grpc_code", ""): sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == f"grpc_server_{what}_total" and labels.items() <= sample.labels.items()
    }
