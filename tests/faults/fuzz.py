"""Requests that no honest caller makes: mutated bytes, drawn messages, odd metadata."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from router.serving.server import SERVICES
from router.v1 import channel_router_pb2_grpc
from tests.builders import a_case
from tests.e2e.callers import REQUEST
from tests.faults.fault import fault
from tests.faults.served import Served

AT_ONCE = 24
DEPTH = 4
CHANNELS = 4
# A bound on what is kept of many requests, not on what one of them takes.
GROWTH_MIB = 60.0
NEVER = {"INTERNAL", "UNKNOWN", "CANCELLED", "DATA_LOSS"}
# By grpc.aio's client, when a server ends a call that it still writes to (grpc/grpc#36066): then
# the server's own count tells.
LOST = "Internal error from Core"
METHODS: list[MethodDescriptor] = [
    method
    for service in (
        *SERVICES,
        health_pb2.DESCRIPTOR.services_by_name["Health"],
        reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"],
    )
    for method in service.methods
    # It never ends, as it should not.
    if method.full_name != "grpc.health.v1.Health.Watch"
]
TEXTS = ("", " ", "\0", "x" * 300, "é" * 40, "\u202e", "../../etc/passwd", "NaN", "31129956715")
NUMBERS = (0, 1, -1, 2**31 - 1, -(2**31))
REALS = (0.0, -0.0, float("nan"), float("inf"), -float("inf"), 5e-324, 1e308, 36.5)


class Drawing:
    """Draws requests, again the same for the same seed."""

    def __init__(self, seed: int, decisions: list[str]) -> None:
        self.chance = random.Random(seed)
        self._decisions = decisions

    def request(self, method: MethodDescriptor) -> bytes:
        """Gives the bytes of one message of a method's input, honest or not."""
        chance = self.chance
        message = message_factory.GetMessageClass(method.input_type)()
        if chance.random() < 0.3 and "case" in method.input_type.fields_by_name:
            case: Message = getattr(message, "case")  # noqa: B009 - the kind of message is drawn
            case.CopyFrom(a_case(case_ref=str(uuid.UUID(int=chance.getrandbits(128)))))
            self._fill(case, 1, share=0.05)
        else:
            self._fill(message, DEPTH, share=chance.random())
        data = message.SerializeToString()
        kind = chance.random()
        if kind < 0.4:
            return data
        if kind < 0.5:
            return chance.randbytes(chance.randrange(400))
        return self._mutated(data)

    def metadata(self) -> list[tuple[str, str | bytes]]:
        """Gives headers, most of them none."""
        chance = self.chance
        if chance.random() < 0.7:
            return []
        return chance.choices(
            [
                ("x-request-id", "y" * chance.randrange(2000)),
                ("x-request-id", "155076 00333"),
                (
                    "traceparent",
                    f"00-{chance.getrandbits(128):032x}-{chance.getrandbits(64):016x}-01",
                ),
                ("traceparent", "00-zz"),
                ("authorization", "Bearer a.b.c"),
                ("authorization", "Basic ="),
                ("grpc-previous-rpc-attempts", "7"),
                ("x-unknown-bin", chance.randbytes(chance.randrange(100))),
                ("accept-language", "nn;q=a"),
            ],
            k=chance.randrange(1, 6),
        )

    def _mutated(self, data: bytes) -> bytes:
        chance, mutated = self.chance, bytearray(data or b"\x0a\x00")
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(mutated) + 1)
            match chance.randrange(4):
                case 0:
                    mutated[at : at + 1] = chance.randbytes(1)
                case 1:
                    mutated[at:at] = chance.randbytes(chance.randrange(1, 9))
                case 2:
                    del mutated[at : at + chance.randrange(1, 9)]
                case _:
                    mutated[at:at] = mutated[: chance.randrange(64)]
        return bytes(mutated)

    def _fill(self, message: Message, depth: int, share: float) -> None:
        """Sets so large a share of the fields, those below too."""
        for field in message.DESCRIPTOR.fields:
            if self.chance.random() > share:
                continue
            repeated = field.is_repeated
            for _ in range(self.chance.randrange(1, 4) if repeated else 1):
                self._set(message, field, depth, share, repeated=repeated)

    def _set(
        self, message: Message, field: Any, depth: int, share: float, *, repeated: bool
    ) -> None:
        held = getattr(message, field.name)
        if field.message_type is not None:
            if depth and not field.message_type.GetOptions().map_entry:
                below = held.add() if repeated else held
                below.SetInParent()
                self._fill(below, depth - 1, share)
            return
        value = self._value(field)
        if repeated:
            held.append(value)
        else:
            setattr(message, field.name, value)

    def _value(self, field: FieldDescriptor) -> object:
        chance = self.chance
        match field.cpp_type:
            case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_BYTES:
                return chance.randbytes(8)
            case FieldDescriptor.CPPTYPE_STRING if field.name.endswith("_id"):
                ids = (*self._decisions, str(uuid.UUID(int=chance.getrandbits(128))))
                return chance.choice((*ids, *TEXTS))
            case FieldDescriptor.CPPTYPE_STRING:
                return chance.choice((*TEXTS, f"c-{chance.randrange(50)}", "BLENDED_OFFICE"))
            case FieldDescriptor.CPPTYPE_ENUM:
                return chance.choice((0, 1, 2, 3, 99))
            case FieldDescriptor.CPPTYPE_BOOL:
                return chance.random() < 0.5
            case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
                return chance.choice(REALS)
            case FieldDescriptor.CPPTYPE_UINT32 | FieldDescriptor.CPPTYPE_UINT64:
                return chance.choice((0, 1, 2**32 - 1))
            case _:
                return chance.choice((*NUMBERS, chance.randrange(100)))


@fault(
    row="1",
    done="{} requests of mutated bytes, of messages drawn from the descriptors, with bad metadata, "
    "to all RPCs",
    passes="no call ends INTERNAL, UNKNOWN, CANCELLED or DATA_LOSS; the server stays, its memory "
    f"grows by less than {GROWTH_MIB:.0f} MiB",
    full=1_000_000,
    short=600,
)
def fuzzed(requests: int, folder: Path) -> str:
    # gRPC's core ends as CANCELLED what a busy machine does not take up in time: none of that here.
    server = Served(folder, "--queue-seconds", "30")
    try:
        # Every method once: what is made on first use is not growth.
        asyncio.run(sent(server.listen, min(requests // 2, 2_000), seed=0))
        before = server.memory()
        counts, examples = asyncio.run(sent(server.listen, requests, seed=1))
        growth = server.memory() - before
        lines, errors, told = server.lines, server.errors(), server.handled()
    finally:
        ended = server.end()
    seen = ", ".join(f"{count:,} {code}" for code, count in sorted(counts.items()))
    assert not NEVER & set(counts), f"{seen}: {examples}"
    assert not {"Internal", "Unknown", "DataLoss"} & set(told), told
    assert not errors, errors[:2]
    assert growth < GROWTH_MIB, f"memory grew by {growth:.0f} MiB"
    assert ended == 0
    return f"{seen}; memory grew by {growth:.1f} MiB, {lines:,} lines of log"


async def sent(listen: str, requests: int, *, seed: int) -> tuple[Counter[str], dict[str, str]]:
    """Sends requests; counts them by code, with an example of each code that never may be."""
    counts, examples = Counter[str](), dict[str, str]()
    decisions: list[str] = []
    drawing = Drawing(seed, decisions)
    numbers = iter(range(requests))

    async def send(channel: grpc.aio.Channel) -> None:
        for _ in numbers:
            method = drawing.chance.choice(METHODS)
            data = [drawing.request(method) for _ in range(drawing.chance.randrange(1, 4))]
            try:
                await called(channel, method, data, drawing.metadata())
                code = "OK"
            except grpc.aio.AioRpcError as error:
                code = error.code().name
                if error.details() == LOST:
                    code = "lost by the client"
                elif code in NEVER:
                    examples.setdefault(f"{code} {method.name}", f"{error.details()} {data!r:.300}")
            counts[code] += 1

    channels = [
        grpc.aio.insecure_channel(listen, [("grpc.use_local_subchannel_pool", 1)])
        for _ in range(CHANNELS)
    ]
    # Of decisions that are there more can be asked.
    router = channel_router_pb2_grpc.ChannelRouterStub(channels[0])
    for _ in range(20):
        answer = await router.Recommend(REQUEST, timeout=30, wait_for_ready=True)
        decisions.append(answer.recommendation.decision_id)
    await asyncio.gather(*(send(channels[at % CHANNELS]) for at in range(AT_ONCE)))
    for channel in channels:
        await channel.close()
    return counts, examples


async def called(
    channel: grpc.aio.Channel,
    method: MethodDescriptor,
    data: list[bytes],
    metadata: list[tuple[str, str | bytes]],
) -> None:
    """Calls a method of any kind with bytes, and reads all that it answers."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    if method.client_streaming:

        async def feed() -> AsyncIterator[bytes]:
            for one in data:
                yield one

        stream: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(path)
        async for _ in stream(feed(), metadata=metadata, timeout=30):
            pass
    else:
        unary: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(path)
        await unary(data[0], metadata=metadata, timeout=30)
